"""Secrets that programs keep: ``mg_<id>_<secret>``, 256 bits, stored as SHA-256 (a random secret needs no slow hash).

The first word tells what it is: ``mg`` an API key, ``mga`` an access token of a session, ``mgr`` a refresh token,
``mgb`` a half of an emergency key.
"""

import hashlib
import hmac
import re
import secrets
from enum import StrEnum
from typing import NamedTuple

PATTERN = re.compile(r"(mg|mga|mgr|mgb)_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


class KeyKind(StrEnum):
    """What a secret is for, by its first word."""

    API_KEY = "mg"
    ACCESS = "mga"
    REFRESH = "mgr"
    BREAK_GLASS = "mgb"


class NewKey(NamedTuple):
    """A fresh key: its public id, its hash, and the text that is shown once."""

    key_id: str
    secret_sha256: bytes
    text: str


class Parts(NamedTuple):
    """A key's text, taken apart."""

    kind: KeyKind
    key_id: str
    secret: str


def new_key(kind: KeyKind = KeyKind.API_KEY) -> NewKey:
    """Draw a key."""
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    return NewKey(key_id, digest(secret), f"{kind}_{key_id}_{secret}")


def split(text: str) -> Parts | None:
    """Kind, public id and secret of a key's text; ``None`` if it is no key."""
    match = PATTERN.fullmatch(text)
    return Parts(KeyKind(match[1]), match[2], match[3]) if match else None


def digest(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def matches(secret: str, secret_sha256: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(digest(secret), secret_sha256)
