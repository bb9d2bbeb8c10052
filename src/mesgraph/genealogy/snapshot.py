"""The core in a file, so that a server begins where it stopped.

A snapshot is a cache: whatever is wrong with it, it is refused and the core is made from the database anew. It has the
columns of the core (:meth:`~mesgraph.genealogy._graph.Graph.saved`), each at a page of its own so that the file can be
mapped into memory instead of being read; a checksum of each; and the event of the record that it ends with, by position
and leaf, so that the snapshot of another database, or of one that was restored to an earlier state, is told apart.

Layout: ``MAGIC``, length and checksum of the head (4 bytes each, little endian), the head as JSON, the columns.
"""

import contextlib
import json
import os
import struct
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mesgraph.genealogy._graph import Graph, copied

MAGIC = b"mesgraph genealogy 2\n"
PREFIX = struct.Struct(f"<{len(MAGIC)}sII")
PAGE = 4096
PIECE = 1 << 22
HEAD_MAX = 1 << 20
ABANDONED_S = 3600
"""After which a half-written file is nobody's."""


class Damaged(Exception):
    """The file is no whole snapshot; the message says what is wrong."""


@dataclass(frozen=True)
class End:
    """The event of the record up to which a snapshot counts, and the leaf that proves which one it is."""

    epoch: int
    position: int
    leaf: str


@dataclass(frozen=True)
class Snapshot:
    """What a file holds: ``counts`` of rows, where each column stands (offset, bytes, checksum), and where it ends."""

    path: Path
    end: End
    kinds: list[list[int]]
    counts: dict[str, int]
    columns: dict[str, list[int]]

    def verify(self) -> None:
        """Read all of it; raises :class:`Damaged` for the first column that is not as it was written."""
        with self.path.open("rb") as file:
            for name, (offset, size, checksum) in self.columns.items():
                file.seek(offset)
                if _checksum(file, size) != checksum:
                    raise Damaged(f"the column {name} is damaged")

    def restore(self, graph: Graph) -> None:
        """Map the columns into an empty graph; what is not touched is not read."""
        places = {name: (offset, size) for name, (offset, size, _) in self.columns.items()}
        with self.path.open("rb") as file:
            graph.restore(file.fileno(), self.counts, places)


def save(graph: Graph, kinds: Sequence[tuple[int, int]], end: End, path: Path) -> int:
    """Write the base of ``graph``, which ends with ``end``; returns the bytes.

    Who reads the file meanwhile sees the old one or the whole new one. Raises ``OSError`` when the disk refuses.
    """
    counts, columns = graph.saved()
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    _clear(path)
    try:
        with beside.open("wb") as file:
            head: dict[str, Any] = {
                "byteorder": sys.byteorder,
                "end": asdict(end),
                "kinds": [list(kind) for kind in kinds],
                "counts": counts,
            }
            file.seek(_first_page(head, columns))
            places = {}
            for name, column in columns.items():
                file.seek(_next_page(file.tell()))
                places[name] = [file.tell(), column.nbytes, _write(file, column)]
            file.truncate(_next_page(file.tell()))
            text = json.dumps(head | {"columns": places}).encode()
            file.seek(0)
            file.write(PREFIX.pack(MAGIC, len(text), zlib.crc32(text)) + text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)
    return path.stat().st_size


def _clear(path: Path) -> None:
    """Remove what processes left that were killed while they wrote."""
    for left in path.parent.glob(f"{path.name}.*.new"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED_S:
                left.unlink()


def read(path: Path) -> Snapshot:
    """The head of a snapshot. Raises :class:`Damaged`, or ``FileNotFoundError`` when there is none."""
    with path.open("rb") as file:
        prefix = file.read(PREFIX.size)
        if len(prefix) < PREFIX.size or not prefix.startswith(MAGIC):
            raise Damaged("it does not begin like a snapshot of this version")
        _, length, checksum = PREFIX.unpack(prefix)
        text = file.read(length) if length <= HEAD_MAX else b""
        if len(text) != length or zlib.crc32(text) != checksum:
            raise Damaged("its head is damaged")
        size = os.fstat(file.fileno()).st_size
    head = json.loads(text)
    if head["byteorder"] != sys.byteorder:
        raise Damaged(f"it was made on a machine of {head['byteorder']} endian")
    if any(offset + length > size for offset, length, _ in head["columns"].values()):
        raise Damaged("it is cut off")
    return Snapshot(path, End(**head["end"]), head["kinds"], head["counts"], head["columns"])


def _first_page(head: dict[str, Any], columns: dict[str, memoryview]) -> int:
    """Behind the longest head that there can be."""
    most = json.dumps(head | {"columns": {name: [2**53, 2**53, 2**32] for name in columns}})
    return _next_page(PREFIX.size + len(most))


def _next_page(offset: int) -> int:
    return (offset + PAGE - 1) // PAGE * PAGE


def _write(file: Any, column: memoryview) -> int:
    """Write a column that others may mark meanwhile; the checksum is of what was written."""
    checksum = 0
    for start in range(0, column.nbytes, PIECE):
        piece = copied(column[start : start + PIECE])
        checksum = zlib.crc32(piece, checksum)
        file.write(piece)
    return checksum


def _checksum(file: Any, size: int) -> int:
    checksum = 0
    for piece in _pieces(file, size):
        checksum = zlib.crc32(piece, checksum)
    return checksum


def _pieces(file: Any, size: int) -> Iterator[bytes]:
    while size > 0 and (piece := file.read(min(PIECE, size))):
        size -= len(piece)
        yield piece


def _sync_folder(folder: Path) -> None:
    """So that the new name survives a power cut; where a folder cannot be synced, the old one may come back."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
