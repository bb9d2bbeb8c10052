"""Secrets that people keep: passwords, and the PINs that go with a badge. Stored as Argon2id.

Rules as NIST SP 800-63B wants them: length counts, composition does not, and what is easily guessed is refused.
"""

import asyncio
import base64
import re
import secrets
from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mesgraph.errors import Code, Refused, Unavailable, invalid

T = TypeVar("T")

LENGTH = range(12, 129)
PIN = re.compile(r"[0-9]{6,12}")
AT_ONCE = 2
"""Hashes computed at the same time: each takes 64 MiB and a core for a tenth of a second and more."""
WAITING_MAX = 40
"""Hashes that may wait; who comes later is told to come again (OVERLOADED)."""


def of_nobody(hasher: PasswordHasher) -> str:
    """What takes ``hasher`` as long to check as any other, and fits no secret that anybody knows.

    Drawn, not computed: each process that imports this would pay for a hash.
    """

    def drawn(length: int) -> str:
        return base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")

    effort = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${effort}${drawn(hasher.salt_len)}${drawn(hasher.hash_len)}"


_hasher = PasswordHasher()
_nobody = of_nobody(_hasher)


def check_password(password: str, subject: str, *path: str | int) -> None:
    """Refuse VALIDATION_FAILED for a password that is too short, too long, or easily guessed."""
    if len(password) not in LENGTH:
        raise Refused(invalid(f"a password has {LENGTH.start} to {LENGTH.stop - 1} characters", *path))
    if subject.lower() in password.lower() or len(set(password)) < 5:
        message = "the password is easily guessed: it has your name in it, or hardly any different characters"
        raise Refused(invalid(message, *path))


def check_pin(pin: str, *path: str | int) -> None:
    """Refuse VALIDATION_FAILED for a PIN that is not 6 to 12 digits, or counts up, down or not at all."""
    steps = {int(b) - int(a) for a, b in pairwise(pin)} if PIN.fullmatch(pin) else None
    if steps is None:
        raise Refused(invalid("a PIN has 6 to 12 digits", *path))
    if len(steps) == 1 and steps <= {-1, 0, 1}:
        raise Refused(invalid("the PIN is easily guessed: it counts up, down, or repeats one digit", *path))


def initial_password() -> str:
    """A password that is shown once and must be changed at the first login."""
    return secrets.token_urlsafe(12)


def initial_pin() -> str:
    """A PIN that is shown once."""
    while True:
        pin = f"{secrets.randbelow(10**6):06d}"
        try:
            check_pin(pin)
        except Refused:
            continue
        return pin


def hash_of(secret: str) -> str:
    """What is stored of a password or PIN. Takes a tenth of a second: never in a unit of work, see :class:`Hashing`."""
    return _hasher.hash(secret)


def fits(secret: str, stored: str | None) -> bool:
    """Whether this is the secret. It takes as long when nothing is stored, so nobody can tell who has an account."""
    try:
        _hasher.verify(stored or _nobody, secret)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


class Hashing:
    """Computes hashes beside the event loop, a few at a time."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def run(self, compute: Callable[[], T]) -> T:
        """Run ``compute`` in a thread; raises :class:`Unavailable` (OVERLOADED) when too many wait already."""
        if self._waiting >= WAITING_MAX:
            raise Unavailable(Code.OVERLOADED, "too many logins at once; try again in a moment")
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(compute)
        finally:
            self._waiting -= 1
