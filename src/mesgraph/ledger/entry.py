"""The final form of an event: deterministic CBOR (RFC 8949, section 4.2) with integer keys, and its leaf hash.

Values enter only as salted commitments, ``SHA-256(salt || cbor(value))``; the salts and values form the payload that
is stored beside. Leaf hash as in RFC 9162: ``SHA-256(0x00 || entry)``.
"""

import hashlib
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any
from uuid import UUID

import cbor2

from mesgraph.clock import to_micros
from mesgraph.db import Entity
from mesgraph.quantity import Quantity

FORMAT = 1
SALT_BYTES = 16


class Field(IntEnum):
    """Keys of the entry. A number is never given a new meaning."""

    FORMAT = 1
    ORIGIN = 2
    EVENT_ID = 3
    TYPE = 4
    SUBJECTS = 5
    ACTOR = 6
    OCCURRED_NS = 7
    RECORDED_NS = 8
    COMMAND = 9
    KEY_DIGEST = 10
    REASON_CODE = 11
    COMMITMENTS = 12
    SOFTWARE = 13


@dataclass(frozen=True)
class SubjectLink:
    """A subject's place in its own chain: counter from 1, and the leaf before (``None`` for the first)."""

    kind: str
    id: int
    counter: int
    previous: bytes | None


def canonical(value: Any) -> Any:
    """``value`` in the few forms that an entry may hold: no floats, text in NFC, rows as (kind, id, key)."""
    match value:
        case None | bool() | int() | bytes() | Decimal():
            return value
        case str():
            return unicodedata.normalize("NFC", str(value))
        case datetime():
            return {"instant": to_micros(value)}
        case Quantity():
            return {"value": value.value, "uom": value.uom}
        case Entity():
            return {"kind": value.subject_kind, "id": value.id, "key": value.human_key}
        case UUID():
            return value.bytes
        case Mapping():
            return {str(key): canonical(item) for key, item in value.items()}
        case list() | tuple():
            return [canonical(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot stand in the ledger")


def encode(value: Any) -> bytes:
    """Deterministic CBOR."""
    return cbor2.dumps(value, canonical=True)


def commit_to(values: Mapping[str, Any]) -> tuple[dict[str, bytes], bytes]:
    """Commitments of ``values`` by name, and the encoded payload ``{name: [salt, value]}``."""
    salts = os.urandom(SALT_BYTES * len(values))
    payload = {
        name: [salts[i * SALT_BYTES : (i + 1) * SALT_BYTES], canonical(value)]
        for i, (name, value) in enumerate(values.items())
    }
    commitments = {name: hashlib.sha256(salt + encode(value)).digest() for name, (salt, value) in payload.items()}
    return commitments, encode(payload)


def leaf_of(entry: bytes) -> bytes:
    """The leaf hash of an encoded entry (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def decode_payload(payload: bytes) -> dict[str, Any]:
    """The values of a stored payload, salts left out."""
    return {name: value for name, (_, value) in cbor2.loads(payload).items()}
