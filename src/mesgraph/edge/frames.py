"""What goes through the pipe from a child to the edge.

A frame is a header and a body. The edge reads the header and believes nothing else: samples pass through to the disk as
the bytes that they are. A header that cannot be ends the child.
"""

import asyncio
import struct
from dataclasses import dataclass
from enum import IntEnum

from mesgraph.edge.columns import COUNT_MAX
from mesgraph.edge.spool import LENGTH_MAX

HEADER = struct.Struct("<IBHII")
"""Length of the body, kind, which link, how many samples, how many were lost before them."""


class Kind(IntEnum):
    """What a frame says."""

    BEAT = 0
    STATE = 1
    SAMPLES = 2


class Garbled(Exception):
    """What came through the pipe is no frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """``link`` is the position of the instance in the child."""

    kind: Kind
    link: int = 0
    body: bytes = b""
    count: int = 0
    lost: int = 0

    def __bytes__(self) -> bytes:
        return HEADER.pack(len(self.body), self.kind, self.link, self.count, self.lost) + self.body


async def receive(pipe: asyncio.StreamReader, links: int) -> Frame | None:
    """The next frame of a child with so many links; None when the pipe ends. Raises :class:`Garbled`."""
    try:
        length, kind, link, count, lost = HEADER.unpack(await pipe.readexactly(HEADER.size))
        if length > LENGTH_MAX or link >= links or count > COUNT_MAX or kind not in set(Kind):
            raise Garbled(f"a header of {length} bytes, kind {kind}, link {link}, {count} samples")
        return Frame(Kind(kind), link, await pipe.readexactly(length), count, lost)
    except asyncio.IncompleteReadError:
        return None
