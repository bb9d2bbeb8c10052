"""Samples as columns of JSON, as they travel from the child to the server without being written anew.

Columns are joined when many small batches wait: a request costs the server as much as a thousand samples.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from mesgraph.edge.contract import Sample

Received: TypeAlias = tuple[int, Sample]
"""A sample and when the edge took it, in microseconds since 1970."""

COUNT_MAX = 5_000
"""Samples in a batch."""
BYTES_MAX = 3 * 1024 * 1024
"""Bytes of a batch; a request may have 4 MiB."""

OPTIONAL = ("quality", "status", "flags")


def encode(taken: Sequence[Received]) -> bytes:
    """Columns of samples; columns that would hold nothing but zeros are left out."""
    index: dict[str, int] = {}
    tag = [index.setdefault(sample.path, len(index)) for _, sample in taken]
    columns: dict[str, Any] = {
        "paths": list(index),
        "tag": tag,
        "time": [sample.time for _, sample in taken],
        "received": [received for received, _ in taken],
        "value": [sample.value for _, sample in taken],
    }
    for name in OPTIONAL:
        numbers = [int(getattr(sample, name)) for _, sample in taken]
        if any(numbers):
            columns[name] = numbers
    return _written(columns)


def join(batches: Iterable[bytes]) -> bytes:
    """One batch that holds these, in order."""
    index: dict[str, int] = {}
    joined: dict[str, list[Any]] = {"paths": [], "tag": [], "time": [], "received": [], "value": []}
    for columns in map(json.loads, batches):
        before, count = len(joined["tag"]), len(columns["tag"])
        numbers = [index.setdefault(path, len(index)) for path in columns["paths"]]
        joined["tag"] += [numbers[tag] for tag in columns["tag"]]
        for name in ("time", "received", "value"):
            joined[name] += columns[name]
        for name in OPTIONAL:
            if name in columns or name in joined:
                joined.setdefault(name, [0] * before).extend(columns.get(name) or [0] * count)
    joined["paths"] = list(index)
    return _written(joined)


def halves(batch: bytes, at: int) -> tuple[bytes, bytes]:
    """The first ``at`` samples of a batch, and the others."""
    columns = json.loads(batch)
    whole = {"paths": columns.pop("paths")}
    first = whole | {name: column[:at] for name, column in columns.items()}
    return _written(first), _written(whole | {name: column[at:] for name, column in columns.items()})


def _written(columns: dict[str, Any]) -> bytes:
    return json.dumps(columns, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
