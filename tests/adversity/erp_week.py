"""What a planning system sends in a hard week: orders revised and cancelled, doubled, overtaken, damaged, confused.

The messages are documents of B2MML. Beside them stands what must be so in the end, as if the valid messages of each
order had come once and in order.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from tests.factories.b2mml import document, request

DOUBLED, OVERTAKEN, DAMAGED, REUSED, WITH_A_BAD_ONE = 0.30, 0.20, 0.05, 0.01, 0.10
FAR = 60.0
"""By how many places a message is overtaken at most; a resend comes up to twice as late."""


class Expected(Enum):
    """How a delivery must be answered."""

    ANSWERED = "ANSWERED"
    DEAD_LETTER = "DEAD_LETTER"
    CONFLICT = "CONFLICT"


@dataclass(frozen=True)
class Delivery:
    """One document on its way."""

    message_id: str
    text: str
    expected: Expected = Expected.ANSWERED


@dataclass(frozen=True)
class End:
    """What must become of an order. Of a cancelled one nothing else counts."""

    cancelled: bool
    revision: int | None = None
    quantity: str | None = None
    priority: int | None = None


@dataclass
class Week:
    """The deliveries in the order of their arrival, and what the orders must be in the end."""

    deliveries: list[Delivery]
    ends: dict[str, End] = field(default_factory=dict)

    def count(self, expected: Expected) -> int:
        return sum(delivery.expected is expected for delivery in self.deliveries)


def week(count: int, seed: int) -> Week:
    """About ``count`` deliveries, always the same ones for a seed."""
    chance = random.Random(seed)
    ends: dict[str, End] = {}
    sent: list[tuple[float, Delivery]] = []
    wanted = round(count / (1 + DOUBLED + DAMAGED + REUSED))
    while len(sent) < wanted:
        begin = chance.uniform(0, wanted)
        steps = list(_life(chance, f"{len(ends) + 1:06d}", ends))
        sent += [(begin + 3.0 * place, step) for place, step in enumerate(steps)]
    sent.sort(key=lambda pair: pair[0])
    arrivals: list[tuple[float, Delivery]] = []
    for place, (_, message) in enumerate(sent):
        at = place + (chance.uniform(1, FAR) if chance.random() < OVERTAKEN else 0.0)
        arrivals.append((at, message))
        if chance.random() < DOUBLED:
            arrivals.append((at + chance.uniform(0, 2 * FAR), message))
        if chance.random() < DAMAGED:
            arrivals.append((at - 0.1, Delivery("", _damaged(chance, message.text), Expected.DEAD_LETTER)))
        if chance.random() < REUSED:
            confused = document(request("CONFUSED", quantity="1"), message=message.message_id)
            arrivals.append((at + 0.1, Delivery(message.message_id, confused, Expected.CONFLICT)))
    arrivals.sort(key=lambda pair: pair[0])
    return Week([delivery for _, delivery in arrivals], ends)


def _life(chance: random.Random, number: str, ends: dict[str, End]) -> Iterator[Delivery]:
    """The messages of one order, in the order in which they are sent; notes its end."""
    last = chance.randint(1, 4)
    cancelled = chance.random() < 0.25
    for revision in range(1, last + 1):
        quantity, priority = str(chance.randint(1, 5000)), chance.randint(0, 99)
        text = request(number, version=revision, quantity=quantity, priority=str(priority))
        bad = [request(f"BAD-{number}", product="NOTHING")] if chance.random() < WITH_A_BAD_ONE else []
        message = f"M-{number}-{revision}"
        yield Delivery(
            message, document(*bad, text, verb=chance.choice(["Process", "Sync", "Change"]), message=message)
        )
        ends[number] = End(cancelled, *((None,) * 3 if cancelled else (revision, quantity, priority)))
    if cancelled:
        message = f"M-{number}-X"
        text = request(number, version=last + 1, product="")
        yield Delivery(message, document(text, verb="Cancel", message=message))


def _damaged(chance: random.Random, text: str) -> str:
    """What is left of a document after a bad line; never a document."""
    place = chance.randrange(1, len(text))
    return chance.choice([text[:place], f"{text[:place]}<{text[place:]}", f"<!DOCTYPE x>{text}", text[place:] or "x"])
