"""Samples of one instance on disk, numbered, until the server has them.

A spool is a directory of segments. A segment is named by the number of its first sample and holds records: number,
count, length, checksum, and a batch of columns as the child wrote it. Nothing is changed in place but the note of what
was lost, so that kill -9 at any byte leaves a whole beginning and a torn last record, which the next start cuts off.

What is not synced is not sent: after a power cut the server never has a number that the spool gives once more. The edge
syncs before it sends and at least once a second; so much can be lost by a power cut, nothing by the death of a process.

When the limit is reached or the disk is full, what is there is kept and what comes is not: it is numbered all the same,
so that the server sees a gap of exactly that length, and ``lost`` says how much it is.
"""

import asyncio
import contextlib
import errno
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HEADER = struct.Struct("<QIII")
"""Number of the first sample, count, length of the batch, CRC-32 of the three and the batch."""
LENGTH_MAX = 8 * 1024 * 1024
SEGMENT_BYTES = 16 * 1024 * 1024
PLACES = 512
SEGMENT = re.compile(r"\d{20}\.seg")
NOTE = struct.Struct("<QQI")
"""Next number after what was lost, how much was lost in all, and their CRC-32."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Record:
    """A batch: the number of its first sample, how many they are, the columns."""

    number: int
    count: int
    batch: bytes


class Spool:
    """The spool in ``folder``. ``limit`` is the number of bytes that it may hold."""

    def __init__(self, folder: Path, limit: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.limit = limit
        self.full = False
        self._offset_path = folder / "offset"
        self.offset = int(self._offset_path.read_text()) if self._offset_path.exists() else 0
        """What is added to a number on its way to the server."""
        self._segments = sorted(int(path.stem) for path in folder.iterdir() if SEGMENT.fullmatch(path.name))
        self._note = os.open(folder / "lost", os.O_RDWR | os.O_CREAT, 0o600)
        noted, self.lost = self._read_note()
        if not self._segments:
            self._segments = [max(noted, 1)]
        last = self._segments[-1]
        self._file = os.open(self._path(last), os.O_RDWR | os.O_CREAT, 0o600)
        self._end, number = self._recover(last)
        self.next = max(number, noted)
        self.synced = self.next
        """What lies below this number is on disk."""
        self._synced_at = (last, self._end)
        self._place: dict[int, tuple[int, int]] = {}
        self._sizes = {first: self._path(first).stat().st_size for first in self._segments}
        _sync_folder(folder)

    @property
    def size(self) -> int:
        """How much it holds."""
        return sum(self._sizes.values())

    @property
    def first(self) -> int:
        """The number at which the oldest segment begins."""
        return self._segments[0]

    def append(self, batch: bytes, count: int) -> bool:
        """Keep a batch; False when it could not be kept, which is counted and makes a gap in the numbers."""
        if self.size + len(batch) > self.limit:
            return self._lose(count)
        if self._end >= SEGMENT_BYTES and not self._rotate():
            return self._lose(count)
        head = struct.pack("<QII", self.next, count, len(batch))
        record = head + struct.pack("<I", zlib.crc32(batch, zlib.crc32(head))) + batch
        if not self._write(record):
            return self._lose(count)
        self._end += len(record)
        self._sizes[self._segments[-1]] = self._end
        self.next += count
        self.full = False
        return True

    def skip(self, count: int) -> None:
        """Number samples that never came here: a gap."""
        self._lose(count)
        self.full = False

    @property
    def numbered(self) -> bool:
        """Whether its numbers are in line with the server's; a new spool's are not."""
        return self._offset_path.exists()

    def number(self, first: int, expected: int) -> None:
        """Bring the numbers in line: sample ``first`` is the one that the server expects as ``expected``."""
        self.offset = expected - first
        replace_file(self._offset_path, str(self.offset).encode())

    def catch_up(self, expected: int) -> None:
        """Go on at the server's number, where it has more than this spool knows of: a part of it was damaged."""
        if (ours := expected - self.offset) > self.next:
            self.next = ours
            self._write_note()

    def sync(self) -> None:
        """Bring what was appended to the disk."""
        if self.synced != self.next or self._synced_at[1] != self._end:
            os.fdatasync(self._file)
            self.synced = self.next
            self._synced_at = (self._segments[-1], self._end)

    async def synced_beside(self) -> None:
        """The same, while the loop goes on."""
        mark, at = self.next, (self._segments[-1], self._end)
        if self.synced == mark and self._synced_at == at:
            return
        file = os.dup(self._file)  # a rotation may close ours meanwhile
        try:
            await asyncio.to_thread(os.fdatasync, file)
        finally:
            os.close(file)
        if mark > self.synced:
            self.synced, self._synced_at = mark, at

    def records(self, start: int) -> Iterator[Record]:
        """What is on disk from number ``start`` on, in order. A damaged part of a segment is left out: a gap."""
        segments = list(self._segments)
        for first, after in zip(segments, [*segments[1:], None], strict=True):
            if after is None or after > start:
                yield from self._records_of(first, start)

    def drop(self, below: int) -> None:
        """Give back the room of segments of which everything lies below this number."""
        while len(self._segments) > 1 and self._segments[1] <= below:
            first = self._segments.pop(0)
            self._path(first).unlink(missing_ok=True)
            del self._sizes[first]
        if below >= self.next == self.synced and self._end >= SEGMENT_BYTES // 16 and self._rotate():
            self.drop(below)

    def close(self) -> None:
        """Sync and close."""
        self.sync()
        os.close(self._file)
        os.close(self._note)

    def _records_of(self, first: int, start: int) -> Iterator[Record]:
        known, end = self._synced_at
        until = end if first == known else self._sizes.get(first, 0) if first < known else 0
        segment, at = self._place.get(start, (first, 0))
        try:
            with self._path(first).open("rb") as file:
                file.seek(at if segment == first else 0)
                while (begin := file.tell()) < until and (record := _read(file.read)) is not None:
                    if record.number + record.count > start:
                        self._remember(record, first, begin)
                        yield record
        except FileNotFoundError:
            return  # it was dropped meanwhile

    def _remember(self, record: Record, first: int, begin: int) -> None:
        """Where a record and what follows it begin: the next reading goes on there."""
        while len(self._place) >= PLACES:
            del self._place[next(iter(self._place))]
        end = begin + HEADER.size + len(record.batch)
        self._place[record.number] = (first, begin)
        self._place[record.number + record.count] = (first, end)

    def _recover(self, first: int) -> tuple[int, int]:
        """Cut off a torn record; returns where the last whole one ends, and the number after it."""
        number = first
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            end = 0
            while (record := _read(file.read)) is not None:
                end, number = file.tell(), record.number + record.count
        os.ftruncate(self._file, end)
        os.fdatasync(self._file)
        return end, number

    def _write(self, record: bytes) -> bool:
        """Write a whole record or none."""
        view, at = memoryview(record), self._end
        try:
            while view:
                written = os.pwrite(self._file, view, at)
                view, at = view[written:], at + written
        except OSError as error:
            os.ftruncate(self._file, self._end)
            if error.errno in FULL:
                return False
            raise
        return True

    def _rotate(self) -> bool:
        """Begin a new segment; False when there is no room for one."""
        self.sync()
        try:
            file = os.open(self._path(self.next), os.O_RDWR | os.O_CREAT, 0o600)
            _sync_folder(self.folder)
        except OSError as error:
            if error.errno in FULL:
                return False
            raise
        os.close(self._file)
        self._file, self._end = file, 0
        self._segments.append(self.next)
        self._sizes[self.next] = 0
        self._synced_at = (self.next, 0)
        return True

    def _lose(self, count: int) -> bool:
        self.next += count
        self.lost += count
        self.full = True
        self._write_note()
        return False

    def _write_note(self) -> None:
        noted = struct.pack("<QQ", self.next, self.lost)
        os.pwrite(self._note, noted + struct.pack("<I", zlib.crc32(noted)), 0)

    def _read_note(self) -> tuple[int, int]:
        """What was noted of losses. The room for the note is taken at the start, when there is some."""
        noted = os.pread(self._note, NOTE.size, 0)
        if len(noted) == NOTE.size:
            number, lost, checksum = NOTE.unpack(noted)
            if zlib.crc32(noted[:16]) == checksum:
                return number, lost
        with contextlib.suppress(OSError):
            os.pwrite(self._note, struct.pack("<QQI", 0, 0, zlib.crc32(bytes(16))), 0)
        return 0, 0

    def _path(self, first: int) -> Path:
        return self.folder / f"{first:020}.seg"


def _read(read: Callable[[int], bytes]) -> Record | None:
    """The next record; None at the end and where what comes is none."""
    head = read(HEADER.size)
    if len(head) < HEADER.size:
        return None
    number, count, length, checksum = HEADER.unpack(head)
    if length > LENGTH_MAX:
        return None
    batch = read(length)
    if len(batch) < length or zlib.crc32(batch, zlib.crc32(head[:16])) != checksum:
        return None
    return Record(number, count, batch)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or as it was."""
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
