"""API keys: ``mg_<id>_<secret>``, 256 bits of secret, stored as SHA-256 (a random secret needs no slow hash)."""

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

PATTERN = re.compile(r"mg_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


class NewKey(NamedTuple):
    """A fresh key: its public id, its hash, and the text that is shown once."""

    key_id: str
    secret_sha256: bytes
    text: str


def new_key() -> NewKey:
    """Draw a key."""
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    return NewKey(key_id, digest(secret), f"mg_{key_id}_{secret}")


def split(text: str) -> tuple[str, str] | None:
    """Public id and secret of a key's text; ``None`` if it is no key."""
    match = PATTERN.fullmatch(text)
    return (match[1], match[2]) if match else None


def digest(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def matches(secret: str, secret_sha256: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(digest(secret), secret_sha256)
