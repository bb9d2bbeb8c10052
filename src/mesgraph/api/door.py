"""Who asks: keys, session tokens, and tokens of the identity provider, checked once in a while and at each change.

A checked key is believed for two seconds, so that a screen full of queries costs one look-up. What takes rights away is
recorded, and the record tells the door before it tells anybody else: nothing is delivered behind that place.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar

from sqlalchemy.orm import Session

from mesgraph.access import events
from mesgraph.access.login import Login, linked
from mesgraph.access.models import Principal
from mesgraph.access.oidc import OidcClient, Provider
from mesgraph.access.queries import actor_of, authenticate
from mesgraph.config import Settings
from mesgraph.errors import Unavailable
from mesgraph.ledger.queries import Recorded
from mesgraph.plant import Plant
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.watch import peer
from mesgraph.work import Actor, Work

T = TypeVar("T")

KEPT_S = 2.0
"""For how long a checked key is believed, unless the record tells of a change."""
KEPT_MAX = 10_000
TOKEN_MAX = 8 * 1024
LOOK_S = 1.0
"""How often a clock that is not the system's is looked at."""
EXPIRED, WITHDRAWN = 4401, 4403
"""Codes with which a socket closes: the key or token ended; a right was taken away."""

CHANGES = frozenset(
    event.word
    for event in (
        events.RoleGranted,
        events.RoleWithdrawn,
        events.ApiKeyRevoked,
        events.PrincipalDeactivated,
        events.SessionEnded,
        events.IdentityUnlinked,
    )
)
"""Events after which somebody may do more or less than before."""

Known: TypeAlias = tuple[float, Actor]


class Door:
    """Lets in, and sees out."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._known: dict[str, Known] = {}
        self._told: list[Callable[[int], None]] = []
        self._changed: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self.login = Login(plant.database, plant.clock, self._wrong_login)
        client = _client(plant.settings)
        self.provider = None if client is None else Provider(client, plant.clock)
        plant.tail.listen(self._hear)

    def tell(self, listener: Callable[[int], None]) -> None:
        """Tell ``listener`` whose rights may have changed, before anything is told that was recorded afterwards."""
        self._told.append(listener)

    async def close(self) -> None:
        """Let go of connections to the identity provider."""
        if self.provider is not None:
            await self.provider.close()

    def now(self) -> datetime:
        """The clock that tokens go by."""
        return self._plant.clock.now()

    async def read(self, query: Callable[[Session], T]) -> T:
        """A look at what belongs to who asks."""
        return await self._plant.database.read(query)

    async def act(self, actor: Actor, command: str, verb: Callable[[Work], T]) -> T:
        """Something that who asks does."""
        now = self.now()

        def unit(session: Session) -> T:
            return verb(Work(session=session, actor=actor, now=now, occurred_at=now, command=command))

        return await self._plant.database.write(unit)

    async def actor_of(self, authorization: str | None) -> Actor | None:
        """The actor of an ``Authorization`` value ``Bearer ...``; ``None`` for any wrong one."""
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text or len(text) > TOKEN_MAX:
            return None
        now, at = time.monotonic(), self._plant.clock.now()
        known = self._known.get(text)
        if known is not None and now - known[0] < KEPT_S and not _ended(known[1], at):
            return known[1]
        actor = await self._check(text, at)
        if actor is None or _ended(actor, at):
            self._known.pop(text, None)
            return None
        if len(self._known) > KEPT_MAX:
            self._known.clear()
        self._known[text] = (now, actor)
        return actor

    async def lost(self, authorization: str | None, actor: Actor) -> int:
        """Wait until ``actor`` may not do any more what it could, and say why: :data:`EXPIRED` or :data:`WITHDRAWN`."""
        while True:
            changed = self._changed[actor.principal_id]
            at = self._plant.clock.now()
            if _ended(actor, at):
                return EXPIRED
            try:
                now = await self.actor_of(authorization)
            except Unavailable:
                # nothing is delivered either while the database does not answer; the socket need not break for that
                await asyncio.sleep(LOOK_S)
                continue
            if now is None:
                return WITHDRAWN
            if not set(actor.grants) <= set(now.grants):
                return WITHDRAWN
            left = None if now.expires_at is None else (now.expires_at - at).total_seconds()
            if left is not None and self._plant.clock.virtual:
                left = min(left, LOOK_S)
            try:
                async with asyncio.timeout(left):
                    await changed.wait()
            except TimeoutError:
                continue

    async def _check(self, text: str, at: datetime) -> Actor | None:
        if text.startswith("mg"):
            return await self._plant.database.read(lambda session: authenticate(session, text, at))
        if self.provider is None:
            return None
        found = await self.provider.subject_of(text)
        if found is None:
            return None
        issuer, (subject, ends) = self.provider.client.issuer, found

        def query(session: Session) -> Actor | None:
            principal = linked(session, issuer, subject)
            if principal is None or not principal.active:
                return None
            return actor_of(session, principal, "oidc", datetime.fromtimestamp(ends, UTC))

        return await self._plant.database.read(query)

    def forget(self, principal_id: int) -> None:
        """Believe nothing any more of what was known of somebody; whoever waits for a change looks again."""
        self._known = {text: known for text, known in self._known.items() if known[1].principal_id != principal_id}
        waiting = self._changed.pop(principal_id, None)
        if waiting is not None:
            waiting.set()
        for listener in self._told:
            listener(principal_id)

    def note_wrong_token(self, address: str, authorization: str) -> None:
        """Count a key or token that nobody has (:mod:`mesgraph.security_events`)."""
        self._plant.watch.note(SecurityEventKind.TOKEN_SPRAYING, peer(address), self.now(), what=authorization)

    def _wrong_login(self, address: str) -> None:
        self._plant.watch.note(SecurityEventKind.LOGIN_GUESSING, peer(address), self.now())

    def _hear(self, batch: Sequence[Recorded]) -> None:
        """Look again at those whose rights changed."""
        for event in batch:
            if event.type not in CHANGES:
                continue
            for kind, principal, _ in event.subjects:
                if kind == Principal.kind:
                    self.forget(principal)


def _ended(actor: Actor, at: datetime) -> bool:
    return actor.expires_at is not None and actor.expires_at <= at


def _client(settings: Settings) -> OidcClient | None:
    if settings.oidc_issuer is None or settings.oidc_client_id is None or settings.oidc_redirect_uri is None:
        return None
    secret = settings.oidc_client_secret
    return OidcClient(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        redirect_uri=settings.oidc_redirect_uri,
        client_secret=secret.get_secret_value() if secret else None,
        audience=settings.oidc_audience,
    )
