"""UUID version 7 (RFC 9562): 48 bits of milliseconds, then random bits."""

import os
from datetime import datetime
from uuid import UUID

from mesgraph.clock import to_micros


def uuid7(instant: datetime) -> UUID:
    """A new UUIDv7 of ``instant``."""
    millis = max(0, to_micros(instant) // 1000) & (1 << 48) - 1
    noise = int.from_bytes(os.urandom(10), "big") & (1 << 74) - 1
    return UUID(int=millis << 80 | 7 << 76 | (noise >> 62) << 64 | 0b10 << 62 | noise & (1 << 62) - 1)
