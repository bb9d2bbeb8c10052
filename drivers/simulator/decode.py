"""What an address of the simulator means: a word and its numbers, such as ``sine amplitude=5 period=60``.

=============  ==========================================  ==========================
word           value                                       numbers (with defaults)
=============  ==========================================  ==========================
``counter``    1, 2, 3 ...: one more for each sample       ``modulo=0`` (0: no end)
``sine``       goes up and down                            ``amplitude=1 offset=0 period=60``
``square``     true and false in turn                      ``period=60``
``walk``       a random walk, the same for the same seed   ``step=1 offset=0 seed=1``
``constant``   one number                                  ``value=0``
``text``       a serial number, a text of digits           ``digits=8``
``held``       what was written to it last, at first 0     none
=============  ==========================================  ==========================
"""

import math
import random
from collections.abc import Callable, Mapping
from typing import TypeAlias

from mesgraph.edge.contract import Value

Signal: TypeAlias = Callable[[float], Value]
"""The value at a time, in seconds; called once for each sample."""
Numbers: TypeAlias = Mapping[str, float]


def _counter(numbers: Numbers) -> Signal:
    count, modulo = 0, int(numbers["modulo"])

    def value(_: float) -> Value:
        nonlocal count
        count = (count + 1) % modulo if modulo else count + 1
        return count

    return value


def _walk(numbers: Numbers) -> Signal:
    chance, at = random.Random(int(numbers["seed"])), numbers["offset"]

    def value(_: float) -> Value:
        nonlocal at
        at += chance.uniform(-numbers["step"], numbers["step"])
        return round(at, 6)

    return value


def _sine(numbers: Numbers) -> Signal:
    return lambda at: numbers["offset"] + numbers["amplitude"] * math.sin(2 * math.pi * at / numbers["period"])


def _square(numbers: Numbers) -> Signal:
    return lambda at: at % numbers["period"] < numbers["period"] / 2


def _constant(numbers: Numbers) -> Signal:
    return lambda _: numbers["value"]


def _text(numbers: Numbers) -> Signal:
    count, digits = 0, int(numbers["digits"])

    def value(_: float) -> Value:
        nonlocal count
        count += 1
        return f"{count:0{digits}}"

    return value


WORDS: Mapping[str, tuple[Callable[[Numbers], Signal], Numbers]] = {
    "counter": (_counter, {"modulo": 0}),
    "sine": (_sine, {"amplitude": 1, "offset": 0, "period": 60}),
    "square": (_square, {"period": 60}),
    "walk": (_walk, {"step": 1, "offset": 0, "seed": 1}),
    "constant": (_constant, {"value": 0}),
    "text": (_text, {"digits": 8}),
}
HELD = "held"


def signal(address: str) -> Signal:
    """The signal of an address. Raises ``ValueError``, which says what may stand there."""
    word, *rest = address.split() or [""]
    if word not in WORDS:
        raise ValueError(f"{address!r} begins with none of {', '.join((*WORDS, HELD))}")
    make, numbers = WORDS[word]
    given = dict(pair.partition("=")[::2] for pair in rest)
    if unknown := sorted(set(given) - set(numbers)):
        raise ValueError(f"{word} has no {unknown[0]!r}; it has {', '.join(numbers)}")
    try:
        parsed = {**numbers, **{name: float(text) for name, text in given.items()}}
    except ValueError as error:
        raise ValueError(f"{address!r}: {error}") from error
    if not all(math.isfinite(number) for number in parsed.values()) or parsed.get("period", 1) <= 0:
        raise ValueError(f"{address!r}: numbers must be finite, a period above 0")
    return make(parsed)
