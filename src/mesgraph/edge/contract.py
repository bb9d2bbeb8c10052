"""What a driver and its host are to each other.

A driver is a class with one duty, ``run``: connect, say ``link.up()``, offer samples until the line is lost, and raise
:class:`LinkLost`. The host does the rest: it calls again after a pause, with a new object, marks what is missing in
between, numbers, stores and sends. A driver that polls is shorter still (``polling``).

The error decides what happens: :class:`LinkLost` is tried again for ever, :class:`Misconfigured` waits for somebody who
changes the configuration, anything else is a mistake of the driver and is tried again, but not for ever.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, StrEnum
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

Value: TypeAlias = float | int | bool | str | None
M = TypeVar("M", bound=BaseModel)

TEXT_MAX = 1_000
"""Characters of a text that is a value. A longer one is no value: the sample is BAD."""
INTEGER_MAX = 2**63 - 1
STATUS_MAX = 2**32 - 1
TIME_MAX = 7_258_118_400_000_000
"""The year 2200, in microseconds since 1970."""


class Quality(IntEnum):
    """How far a value can be trusted; the numbers are those of the wire."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


class Flag(IntFlag):
    """What else is to be known of a sample; joined by ``|``."""

    HISTORICAL = 1
    SUBSTITUTED = 2
    LATE = 4


class State(StrEnum):
    """How an instance is. BROKEN: nothing more happens until somebody changes something, or a breaker closes."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    DEGRADED = "DEGRADED"
    DISCONNECTED = "DISCONNECTED"
    BROKEN = "BROKEN"
    STOPPED = "STOPPED"


class Isolation(StrEnum):
    """How many instances of a driver share a process: one, or up to 32 that are split when one misbehaves."""

    INSTANCE = "instance"
    FAMILY = "family"


class LinkLost(Exception):
    """The machine does not answer (any more). The message says how that was seen."""


class Misconfigured(Exception):
    """The machine cannot be spoken to as configured; the message names field, value and way out."""


class NotSupported(Exception):
    """The driver or the machine cannot do this."""


class Refused(Exception):
    """The machine did not do what it was told to; the message says what it answered."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A value of a tag. ``time`` is what the device says, in microseconds since 1970; None when it has no clock.

    ``value`` None means that there is none: no data is neither zero nor idle. ``status`` is the protocol's own code.
    """

    path: str
    value: Value
    quality: Quality = Quality.GOOD
    time: int | None = None
    status: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Tag:
    """What is to be read. ``address`` is in the driver's own words; ``period_s`` is how often a value is expected."""

    path: str
    address: str
    kind: str = "ANALOG"
    data_type: str | None = None
    period_s: float = 1.0
    deadband: float = 0.0


@dataclass(frozen=True, slots=True)
class Address:
    """Something that a machine offers: how a tag names it, and what the machine says about it."""

    address: str
    name: str
    data_type: str | None = None
    uom: str | None = None
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A value for a machine. It must not be written after ``expires`` (microseconds since 1970)."""

    tag: Tag
    value: Value
    expires: int


@dataclass(frozen=True, slots=True)
class Written:
    """What the machine holds after a command, read back from it."""

    value: Value


def sound(sample: Sample) -> Sample:
    """The sample as it can be carried. A value that is not a number, infinite or too long becomes none, and BAD; a time
    that cannot be becomes none, and a GOOD value with it UNCERTAIN.
    """
    value = sample.value
    if isinstance(value, float):
        carried = math.isfinite(value)
    elif isinstance(value, str):
        carried = len(value) <= TEXT_MAX
    else:
        carried = not isinstance(value, int) or abs(value) <= INTEGER_MAX
    timed = sample.time is None or 0 <= sample.time < TIME_MAX
    if carried and timed and 0 <= sample.status <= STATUS_MAX:
        return sample
    return Sample(
        sample.path,
        value if carried else None,
        Quality.BAD if not carried else max(sample.quality, Quality.UNCERTAIN),
        sample.time if timed else None,
        min(max(sample.status, 0), STATUS_MAX),
        sample.flags,
    )


@dataclass
class Link:
    """What a driver is given: its configuration, its tags, and the ways to say something.

    ``offer`` is a plain call that returns at once and takes any number of samples.
    """

    config: Mapping[str, Any]
    tags: Sequence[Tag]
    offer: Callable[[Sample], None]
    secret: str | None = None
    tell: Callable[[State, str], None] = field(default=lambda _state, _message: None)
    faults: dict[str, str] = field(default_factory=dict)

    def parsed(self, model: type[M]) -> M:
        """The configuration as ``model``. Raises :class:`Misconfigured`, which names every wrong field."""
        try:
            return model.model_validate(dict(self.config))
        except ValidationError as error:
            raise Misconfigured("; ".join(_told(wrong, model) for wrong in error.errors())) from error

    def up(self) -> None:
        """Say that the machine answers; what was wrong with single tags is still wrong."""
        if self.faults:
            first = next(iter(self.faults.items()))
            more = f", and {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
            self.tell(State.DEGRADED, f"{first[0]}: {first[1]}{more}")
        else:
            self.tell(State.RUNNING, "")

    def fault(self, tag: Tag, reason: str, status: int = 0) -> None:
        """Say that one tag cannot be read: a BAD sample, once per reason. The others go on."""
        if self.faults.get(tag.path) != reason:
            self.faults[tag.path] = reason
            self.offer(Sample(tag.path, None, Quality.BAD, status=status))
            self.up()

    def mended(self, tag: Tag) -> None:
        """Say that a tag can be read (again)."""
        if self.faults.pop(tag.path, None) is not None:
            self.up()


def _told(wrong: Any, model: type[BaseModel]) -> str:
    name = ".".join(map(str, wrong["loc"])) or "config"
    way_out = "" if wrong["type"] != "extra_forbidden" else f"; it may hold {', '.join(model.model_fields)}"
    given = "" if wrong["type"] == "missing" else f" (given: {str(wrong['input'])[:100]!r})"
    return f"{name}: {wrong['msg']}{given}{way_out}"


class Driver(ABC):
    """One line to one machine, for as long as it holds. A new object is made for each try."""

    def __init__(self, link: Link) -> None:
        self.link = link

    @abstractmethod
    async def run(self) -> None:
        """Connect, call ``link.up()``, offer samples. Ends by :class:`LinkLost` or :class:`Misconfigured`.

        When it is cancelled it closes what it opened and lets the cancellation pass, within two seconds.
        """

    async def read(self, tags: Sequence[Tag]) -> list[Sample]:
        """Connect, read these once, and close. For people who look; the host does not call it."""
        raise NotSupported("this driver does not read single values")

    def browse(self) -> AsyncIterator[Address]:
        """Connect, list what the machine offers, and close."""
        raise NotSupported("this protocol has no list of what a machine offers")

    async def write(self, command: Command) -> Written:
        """Connect, write, read back what the machine then holds, and close.

        Raises :class:`Refused` where the machine says no or holds something else afterwards.
        """
        raise NotSupported("this driver does not write")


@dataclass(frozen=True)
class DriverDefinition:
    """What a plug-in says of itself. ``open`` makes a driver; it may import protocol libraries, the module may not."""

    name: str
    summary: str
    isolation: Isolation
    open: Callable[[Link], Driver]
    tier: str
