"""What the server wants an edge to do, and the copy on disk with which it starts when the server is away."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mesgraph.edge.contract import Tag
from mesgraph.edge.spool import replace_file

HOURS = 72
BYTES_PER_SAMPLE = 48
"""Of a sample in the spool, with source time and its share of paths and headers; measured by a test."""
MARGIN = 1.25
LIMIT_MIN = 64 * 1024 * 1024


@dataclass(frozen=True)
class Instance:
    """A driver at a machine, as configured. ``id`` names it to the server, ``code`` to people."""

    id: str
    code: str
    driver: str
    config: Mapping[str, Any]
    secret_ref: str | None
    revision: int
    tags: Sequence[Tag]

    @property
    def folder(self) -> str:
        """Name of the folder of its spool."""
        safe = re.sub(r"[^A-Za-z0-9_-]", "_", self.code)[:60]
        return f"{safe}-{hashlib.sha256(self.id.encode()).hexdigest()[:12]}"

    @property
    def rate(self) -> float:
        """Samples in a second, as expected."""
        return sum(1 / tag.period_s for tag in self.tags)

    @property
    def limit(self) -> int:
        """Bytes that its spool may take: 72 hours of what is expected, and a quarter more."""
        return max(LIMIT_MIN, int(self.rate * HOURS * 3600 * BYTES_PER_SAMPLE * MARGIN))


class Kept:
    """The configuration in a file. One that cannot be read counts as none; the server has it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> list[Instance]:
        """What was written last."""
        try:
            return [_instance(given) for given in json.loads(self._file.read_bytes())]
        except (OSError, ValueError, TypeError, KeyError):
            return []

    def write(self, instances: Sequence[Instance]) -> None:
        """Keep these, whole or not at all."""
        replace_file(self._file, json.dumps([asdict(instance) for instance in instances]).encode())


def _instance(given: dict[str, Any]) -> Instance:
    return Instance(**given | {"tags": [Tag(**tag) for tag in given["tags"]]})


def sizes(instances: Sequence[Instance], free: int) -> str:
    """One line: how much room 72 hours take, and how much there is."""
    rate, limit = sum(one.rate for one in instances), sum(one.limit for one in instances)
    enough = "" if limit <= free else "; THE DISK IS TOO SMALL, the last hours would not be kept"
    return (
        f"spool: up to {_size(limit)} for {HOURS} h at {rate:,.0f} samples/s of {len(instances)} instances; "
        f"{_size(free)} are free{enough}"
    )


def _size(number: float) -> str:
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.0f} MB"
