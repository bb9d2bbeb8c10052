"""A log that strangers cannot fill: so many lines a second for one cause, and none that is longer than it must be."""

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

LINES_PER_S = 20
LINE_MAX = 1_000
"""Characters of what a line says; a traceback comes on top of it."""
CAUSES_MAX = 1_000
LEFT_OUT = frozenset({"Invalid HTTP request received.", "Unsupported upgrade request."})
"""Lines of uvicorn that a few bytes of any stranger cause, and that tell an operator nothing to do."""


@dataclass
class Cause:
    """Lines of one kind in the second at hand."""

    second: int = 0
    lines: int = 0
    left_out: int = 0


class Sparing(logging.Filter):
    """Lets ``LINES_PER_S`` lines of one cause pass in a second; the next one that passes counts what was left out.

    A cause is what the program says, without the values that it says it of.
    """

    def __init__(self) -> None:
        super().__init__()
        self._causes: OrderedDict[tuple[str, str], Cause] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether ``record`` passes; cut to its length."""
        if record.msg in LEFT_OUT:
            return False
        cause = self._cause(record.name, str(record.msg)[:100])
        now = int(time.monotonic())
        if cause.second != now:
            cause.second, cause.lines = now, 0
        cause.lines += 1
        if cause.lines > LINES_PER_S:
            cause.left_out += 1
            return False
        _shorten(record, cause.left_out)
        cause.left_out = 0
        return True

    def _cause(self, name: str, text: str) -> Cause:
        cause = self._causes.setdefault((name, text), Cause())
        self._causes.move_to_end((name, text))
        if len(self._causes) > CAUSES_MAX:
            self._causes.popitem(last=False)
        return cause


def _shorten(record: logging.LogRecord, left_out: int) -> None:
    text = record.getMessage()
    if len(text) > LINE_MAX:
        text = f"{text[:LINE_MAX]} ..."
    if left_out:
        text += f" ({left_out} more lines like this were left out)"
    record.msg, record.args = text, None


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"sparing": {"()": "mesgraph.gate.logs.Sparing"}},
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["sparing"]},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
"""Everything goes to standard error, from all loggers."""
