"""The machine that a driver is proved with. It should be made by others than the driver: two that share a mistake
understand each other.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from mesgraph.edge.contract import Value


class Bench(ABC):
    """A machine on this computer that can be started and stopped; the kit puts a faulty line in between.

    Addresses are in the driver's words. ``clock`` holds the machine's monotonic clock in whole milliseconds, modulo
    ``clock_modulo``: from it the kit knows how old a value is. ``timeout_s`` is after how long the driver, with
    ``config``, gives up an answer.
    """

    driver: ClassVar[str]
    holds: ClassVar[Mapping[str, Value]]
    """Addresses, and what the machine holds there for ever."""
    clock: ClassVar[str]
    clock_modulo: ClassVar[int] = 2**32
    bad: ClassVar[str]
    """An address that the driver understands and the machine does not have."""
    nonsense: ClassVar[str]
    """What is no address."""
    wrong_config: ClassVar[Mapping[str, Any]]
    """A configuration that must be refused; each of its keys must be named."""
    writable: ClassVar[tuple[str, Value] | None] = None
    """An address that can be written, and a value."""
    deaf: ClassVar[tuple[str, Value] | None] = None
    """An address at which the machine confirms a write and does not do it, and a value."""
    timeout_s: ClassVar[float] = 1.0
    has_line: ClassVar[bool] = True
    """Whether there is a TCP connection to put faults on."""

    @abstractmethod
    def start(self) -> int:
        """Start the machine; the port at which it listens, the same each time."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it."""

    @abstractmethod
    def config(self, port: int) -> dict[str, Any]:
        """The configuration with which the driver reaches port ``port`` of this computer."""

    def deaf_config(self, port: int) -> dict[str, Any]:
        """The configuration for the write that is not done, where it is another one."""
        return self.config(port)
