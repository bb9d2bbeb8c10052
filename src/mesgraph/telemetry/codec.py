"""Samples as bytes: a block of the head, which is written fast, and a chunk of one tag and hour, which is small.

Decision 0026 says why these forms. Both begin with the number of the form; a reader refuses what it does not know.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
import numpy.typing as npt
from pcodec import ChunkConfig, standalone

from mesgraph.telemetry.columns import Floats, Integers, Mask

FORM = 1
GOOD, UNCERTAIN, BAD = 0, 1, 2
HISTORICAL, SUBSTITUTED, LATE = 1, 2, 4
UNTIMED, EMPTY = 8, 16
"""Flags that the server adds: the source gave no time, so that of the receipt counts; there is no value."""
PUBLIC_FLAGS = HISTORICAL | SUBSTITUTED | LATE
MS = 1_000

Bytes8 = npt.NDArray[np.uint8]
Bytes32 = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples as columns. Times in microseconds. ``value`` holds 64 bits each: of a float, of an integer (booleans
    are 0 and 1), or the place of a text in ``texts``.
    """

    time: Integers
    received: Integers
    server: Integers
    value: Integers
    quality: Bytes8
    status: Bytes32
    flags: Bytes8
    texts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.time)

    def take(self, which: Integers | Mask | slice) -> "Samples":
        """Those at these places, in this order."""
        columns = {name: getattr(self, name)[which] for name in COLUMNS}
        return Samples(**columns, texts=self.texts)

    def floats(self, is_float: bool) -> Floats:
        """The values as numbers."""
        return self.value.view(np.float64) if is_float else self.value.astype(np.float64)

    @property
    def usable(self) -> Mask:
        """Those that say something: there is a value, and it is not BAD."""
        usable: Mask = ((self.flags & EMPTY) == 0) & (self.quality != BAD)
        return usable


COLUMNS = tuple(field.name for field in fields(Samples) if field.name != "texts")


def joined(parts: Sequence[Samples], is_text: bool = False) -> Samples:
    """One after the other."""
    if len(parts) == 1:
        return parts[0]
    texts: list[str] = []
    moved = []
    for part in parts:
        moved.append(replace(part, value=part.value + len(texts)) if is_text and texts else part)
        texts += part.texts
    columns = {name: np.concatenate([getattr(part, name) for part in moved]) for name in COLUMNS}
    return Samples(**columns, texts=tuple(texts))


NONE = np.empty(0, np.int64)
NOTHING = Samples(NONE, NONE, NONE, NONE, np.empty(0, np.uint8), np.empty(0, np.uint32), np.empty(0, np.uint8))


class _Written(msgspec.Struct, array_like=True):
    """A block or chunk on disk. Columns of zeros alone are left out; ``server`` is a number where it is one moment."""

    form: int
    count: int
    time: bytes
    received: bytes
    server: bytes | int
    value: bytes
    quality: bytes = b""
    status: bytes = b""
    flags: bytes = b""
    texts: tuple[str, ...] = ()
    tag: bytes = b""
    is_float: bool = False


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Written)


class Block(NamedTuple):
    """Samples of a batch, and the id of the tag of each."""

    tag: npt.NDArray[np.int32]
    samples: Samples


def write_block(block: Block) -> bytes:
    """A batch as it is appended: columns as they are in memory, for it is read and sealed soon."""
    samples = block.samples
    return _encoder.encode(
        _Written(
            form=FORM,
            count=len(samples),
            time=samples.time.tobytes(),
            received=samples.received.tobytes(),
            server=int(samples.server[0]),
            value=samples.value.tobytes(),
            quality=_unless_zero(samples.quality),
            status=_unless_zero(samples.status),
            flags=_unless_zero(samples.flags),
            texts=samples.texts,
            tag=block.tag.tobytes(),
        )
    )


def read_block(data: bytes) -> Block:
    """The reverse; columns lie in ``data`` and cannot be written to."""
    written = _known(data)
    count = written.count
    samples = Samples(
        time=np.frombuffer(written.time, "<i8"),
        received=np.frombuffer(written.received, "<i8"),
        server=np.full(count, written.server, np.int64),
        value=np.frombuffer(written.value, "<i8"),
        quality=_or_zeros(written.quality, np.uint8, count),
        status=_or_zeros(written.status, np.uint32, count),
        flags=_or_zeros(written.flags, np.uint8, count),
        texts=written.texts,
    )
    return Block(np.frombuffer(written.tag, "<i4"), samples)


def write_chunk(samples: Samples, *, is_float: bool) -> bytes:
    """Samples of one tag, packed. Times of receipt are kept to the millisecond, as distances from the source's."""
    value = samples.value.view(np.float64) if is_float else samples.value
    used, places = np.unique(samples.value, return_inverse=True) if samples.texts else (None, value)
    return _encoder.encode(
        _Written(
            form=FORM,
            count=len(samples),
            time=_packed(samples.time),
            received=_packed((samples.received - samples.time) // MS),
            server=_packed((samples.server - samples.received) // MS),
            value=_packed(places.astype(np.int64) if used is not None else value),
            quality=_packed_unless_zero(samples.quality),
            status=_packed_unless_zero(samples.status),
            flags=_packed_unless_zero(samples.flags),
            texts=() if used is None else tuple(samples.texts[place] for place in used),
            is_float=is_float,
        )
    )


def read_chunk(data: bytes) -> Samples:
    """The reverse."""
    written = _known(data)
    count = written.count
    time = _unpacked(written.time)
    received = time + _unpacked(written.received) * MS
    return Samples(
        time=time,
        received=received,
        server=received + _unpacked(cast(bytes, written.server)) * MS,
        value=_unpacked(written.value).view(np.int64),
        quality=_unpacked_or_zeros(written.quality, np.uint8, count),
        status=_unpacked_or_zeros(written.status, np.uint32, count),
        flags=_unpacked_or_zeros(written.flags, np.uint8, count),
        texts=written.texts,
    )


def _known(data: bytes) -> _Written:
    written = _decoder.decode(data)
    if written.form != FORM:
        raise ValueError(f"samples in form {written.form}; this version reads form {FORM}: update it")
    return written


_config = ChunkConfig()


def _packed(column: npt.NDArray[Any]) -> bytes:
    packed: bytes = standalone.simple_compress(np.ascontiguousarray(column), _config)
    return packed


def _unpacked(data: bytes) -> Any:
    return standalone.simple_decompress(data)


def _unless_zero(column: npt.NDArray[Any]) -> bytes:
    return column.tobytes() if column.any() else b""


def _or_zeros(data: bytes, kind: Any, count: int) -> Any:
    return np.frombuffer(data, kind) if data else np.zeros(count, kind)


def _packed_unless_zero(column: npt.NDArray[Any]) -> bytes:
    return _packed(column.astype(np.uint32)) if column.any() else b""


def _unpacked_or_zeros(data: bytes, kind: Any, count: int) -> Any:
    return _unpacked(data).astype(kind) if data else np.zeros(count, kind)
