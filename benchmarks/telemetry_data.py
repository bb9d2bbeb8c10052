"""A seeded plant of samples: random walks and noise at 12 bits of range, once a second, times with 5 ms of jitter."""

import numpy as np

from mesgraph.telemetry.codec import Samples

SEED = 20_260_216
BEGIN = 1_771_200_000_000_000
SECOND = 1_000_000


def samples_of(tag: int, count: int, begin: int = BEGIN) -> Samples:
    """Samples of one tag: a walk where its number is even, noise where it is odd. Each is received within 30 ms, and
    its batch taken by the server within 100 ms after that.
    """
    draw = np.random.default_rng((SEED, tag))
    time = begin + np.arange(count) * SECOND + draw.integers(-5_000, 5_000, count)
    if tag % 2:
        steps = draw.integers(0, 4096, count)
    else:
        steps = np.abs((np.cumsum(draw.integers(-8, 9, count)) + 2048) % 8192 - 4096) % 4096
    received = time + draw.integers(1_000, 30_000, count)
    return Samples(
        time=time,
        received=received,
        server=received + draw.integers(20_000, 120_000, count),
        value=(20 + steps * (160 / 4096)).view(np.int64),
        quality=np.zeros(count, np.uint8),
        status=np.zeros(count, np.uint32),
        flags=np.zeros(count, np.uint8),
    )
