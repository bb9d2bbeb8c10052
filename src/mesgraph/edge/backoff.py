"""When to try again: soon at first, because most losses are short, later more rarely, and never all at once."""

import random
import time
from collections import deque

FIRST_S, MOST_S = 0.5, 30.0
JITTER = 0.2

RESTARTS_MAX, WITHIN_S, OPEN_S = 5, 60.0, 300.0


class Backoff:
    """Pauses that double from half a second to half a minute, each a fifth shorter or longer by chance."""

    def __init__(self) -> None:
        self._tries = 0

    def pause_s(self) -> float:
        """How long to wait now; longer each time, until :meth:`reset`."""
        ceiling = min(MOST_S / (1 + JITTER), FIRST_S * float(1 << min(self._tries, 16)))
        self._tries += 1
        return ceiling * random.uniform(1 - JITTER, 1 + JITTER)

    def reset(self) -> None:
        """It went well: begin with the short pause the next time."""
        self._tries = 0


class Breaker:
    """Opens for five minutes when something ended more than five times in a minute."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque(maxlen=RESTARTS_MAX + 1)

    def ended(self) -> float:
        """Count an end; returns for how many seconds the breaker is open now, 0 when it is not."""
        now = time.monotonic()
        self._ends.append(now)
        if len(self._ends) > RESTARTS_MAX and now - self._ends[0] <= WITHIN_S:
            self._ends.clear()
            return OPEN_S
        return 0.0
