"""The columns of a batch as an edge sends them, read without an object for each sample."""

import hashlib
from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

SAMPLES_MAX = 5_000
"""Samples of one batch."""
MICROS_MAX = 2**53
QUALITY_MAX, STATUS_MAX, FLAGS_MAX = 2, 2**32 - 1, 7

Value: TypeAlias = float | int | bool | str | None
Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]


class Sent(msgspec.Struct, forbid_unknown_fields=True):
    """The members of the scalar ``SampleColumns``."""

    paths: list[str]
    tag: list[int]
    time: list[int | None]
    received: list[int]
    value: list[float | int | bool | str | None]
    quality: list[int] | None = None
    status: list[int] | None = None
    flags: list[int] | None = None


class Columns:
    """Samples in the order of their numbers. ``tag`` is an index into ``paths``; ``time`` is that of the source, or of
    the receipt where ``untimed``; times are microseconds since 1970.
    """

    def __init__(self, sent: Sent) -> None:
        length = len(sent.tag)
        self.paths = sent.paths
        self.values: list[Value] = sent.value
        self.tag = _integers(sent.tag, "tag", 0, len(sent.paths) - 1, length)
        self.received = _integers(sent.received, "received", 0, MICROS_MAX, length)
        self.untimed = np.fromiter((time is None for time in sent.time), np.bool_, len(sent.time))
        times: Sequence[Any] = sent.time
        if self.untimed.any():
            times = [there if time is None else time for time, there in zip(sent.time, sent.received, strict=False)]
        self.time = _integers(times, "time", 0, MICROS_MAX, length)
        self.quality = _optional(sent.quality, "quality", QUALITY_MAX, length)
        self.status = _optional(sent.status, "status", STATUS_MAX, length)
        self.flags = _optional(sent.flags, "flags", FLAGS_MAX, length)
        if len(self.values) != length:
            raise _unequal("value", len(self.values), length)
        if not 0 < length <= SAMPLES_MAX:
            raise ValueError(f"a batch has 1 to {SAMPLES_MAX:,} samples, this one has {length:,}: send several")

    def __len__(self) -> int:
        return len(self.values)

    def __str__(self) -> str:
        """A digest of everything, by which a repeat of a command is known."""
        content = hashlib.sha256(repr((self.paths, self.values)).encode())
        for column in (self.tag, self.time, self.received, self.untimed, self.quality, self.status, self.flags):
            content.update(column.tobytes())
        return content.hexdigest()


def read_columns(value: Any) -> Columns:
    """The columns in a JSON object. Raises ``ValueError`` that names the member, what is wrong, and the way out."""
    try:
        return Columns(msgspec.convert(value, Sent))
    except msgspec.ValidationError as error:
        raise ValueError(f"SampleColumns: {error}") from error


def _optional(column: list[int] | None, name: str, most: int, length: int) -> Integers:
    return np.zeros(length, np.int64) if column is None else _integers(column, name, 0, most, length)


def _integers(column: Sequence[int], name: str, least: int, most: int, length: int) -> Integers:
    if len(column) != length:
        raise _unequal(name, len(column), length)
    if length and not (least <= min(column) and max(column) <= most):
        wrong = next(i for i, value in enumerate(column) if not least <= value <= most)
        raise ValueError(f"SampleColumns: {name}[{wrong}] is {column[wrong]}; it must lie from {least} to {most}")
    return np.array(column, np.int64)


def _unequal(name: str, found: int, length: int) -> ValueError:
    return ValueError(f"SampleColumns: {name} has {found:,} values and tag {length:,}; all columns are equally long")
