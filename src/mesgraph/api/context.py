"""What a resolver can reach: the plant, the actor, and the loaders of this operation."""

import asyncio
import copy
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session
from strawberry.dataloader import DataLoader

from mesgraph.access import keys
from mesgraph.access.decision import readable
from mesgraph.access.models import Account, ApiKey, Identity, LoginSession, RoleGrant
from mesgraph.access.policy import EVENT_AUDIENCE, SYSTEM_READERS
from mesgraph.access.reach import known_among
from mesgraph.api.budget import Bucket, timed
from mesgraph.api.live.place import Place
from mesgraph.db import Entity
from mesgraph.db.scope import Sites
from mesgraph.errors import Code, Denied, Refused
from mesgraph.plant import Plant
from mesgraph.security_events.actions import record_read
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.models import SecurityEvent
from mesgraph.security_events.watch import peer, principal
from mesgraph.work import Actor, Work

T = TypeVar("T")
E = TypeVar("E", bound=Entity)


BATCH_MAX = 10_000
"""Keys of one look-up; both databases take some 32,000 parameters."""


class Context:
    """One HTTP request, or one WebSocket connection.

    Reads see the sites where the actor holds any role. Loaders gather the look-ups of sibling fields into one query;
    each batch runs in its own short read transaction, because sibling fields run at the same time.
    """

    def __init__(
        self, plant: Plant, actor: Actor | None, prove: Callable[[], Awaitable[Actor | None]] | None = None
    ) -> None:
        self.plant = plant
        self.caller = actor
        self.is_socket = False
        self.by_get = False
        self.stored_only = False
        self.bucket: Bucket | None = None
        self.connection_params: dict[str, Any] | None = None
        self.prove = prove
        self.admitted: asyncio.Future[tuple[str | None, Actor]] | None = None
        self.peer: str | None = None
        self.reads: Counter[str] = Counter()
        self.place = Place()
        self._loaders: dict[object, DataLoader[Any, Any]] = {}

    def at(self, place: Place) -> "Context":
        """The same caller's for one operation of several, which is at ``place``."""
        own = copy.copy(self)
        own.place, own.reads, own._loaders = place, Counter(), {}
        return own

    @property
    def actor(self) -> Actor:
        """Who asks; raises UNAUTHENTICATED when nobody is known."""
        if self.caller is None:
            raise Denied(Code.UNAUTHENTICATED, "send a valid key or token: Authorization: Bearer mg_...")
        return self.caller

    def note(self, kind: SecurityEventKind, *, what: str | None = None, times: int = 1) -> None:
        """Count something that may be an attack (:mod:`mesgraph.security_events`)."""
        who = peer(self.peer or "") if self.caller is None else principal(self.caller.principal_id, self.peer)
        self.plant.watch.note(kind, who, self.plant.clock.now(), what=what, times=times)

    def note_refused(self, refused: Refused) -> None:
        """Count a refusal by its first violation: a list with many unknown names is one mistake."""
        first = refused.violations[0]
        if first.code is Code.NOT_FOUND:
            self.note(SecurityEventKind.PROBING, what=first.message)
        elif first.code is Code.SIGNATURE_INVALID:
            self.note(SecurityEventKind.FORGED_SIGNATURE)

    async def record_reads(self, operation: str | None) -> None:
        """Record what was read of :data:`~mesgraph.access.policy.RECORDED`; before this is done nothing is answered.

        ``operation`` is its name in the document, which is left out where somebody has put a key there.
        """
        rows, self.reads = self.reads, Counter()
        if not rows:
            return
        name = None if operation is None or keys.split(operation) else operation
        now = self.plant.clock.now()

        def unit(session: Session) -> None:
            record_read(Work(session=session, actor=self.actor, now=now, occurred_at=now, command="read"), name, rows)

        await self.plant.database.write(timed(unit))

    @property
    def sites(self) -> Sites:
        """The sites that the actor may read."""
        return readable(self.actor)

    def may_see(self, event_type: str, site_id: int | None) -> bool:
        """Whether an event of this type and site is for the actor."""
        if event_type in EVENT_AUDIENCE:
            return self.actor.sites_with(EVENT_AUDIENCE[event_type]) is None
        return self.sees_site(site_id)

    def sees_site(self, site_id: int | None) -> bool:
        """Whether what is of this site, or of all (``None``), is for the actor."""
        sites = self.sites
        return sites is None or site_id is None or site_id in sites

    @property
    def may_explore(self) -> bool:
        """Whether one of the actor's roles may look at the schema, where that is switched on."""
        return self.caller is not None and self.caller.has_any(self.plant.settings.explorers)

    @property
    def explores(self) -> bool:
        """Whether introspection is answered, and mistakes are told with what may have been meant."""
        return self.plant.settings.explorable and self.may_explore

    def overdrawn_s(self) -> float:
        """How long until the actor has time of the processor left, in seconds; 0 when there is some."""
        return self.bucket.wait_s() if self.bucket else 0.0

    async def rest(self) -> None:
        """Wait until the actor has time of the processor left: a topic goes slower instead of ending."""
        await asyncio.sleep(self.overdrawn_s())

    async def knows(self, principal_id: int) -> bool:
        """Whether the actor looks after this principal, at whatever site, or is it."""
        sites = self.actor.sites_with(SYSTEM_READERS)

        async def load(keys: list[int]) -> list[bool]:
            known = await self.read(lambda session: known_among(session, sites, keys))
            return [key in known for key in keys]

        return principal_id == self.actor.principal_id or bool(await self.batched("knows", principal_id, load))

    async def visible(self, cls: type[E], key: int) -> E | None:
        """The row of ``cls`` with this id, if the actor may ask for it by that: how others log in is not for all."""
        row = await self.one(cls, key)
        if isinstance(row, Account | ApiKey | Identity | LoginSession) and not await self.knows(row.principal_id):
            return None
        if isinstance(row, SecurityEvent) and self.actor.sites_with(SYSTEM_READERS) is not None:
            return None
        if isinstance(row, RoleGrant) and not self.sees_site(row.site_id):
            return None
        return row

    async def prove_again(self) -> None:
        """Make sure that who asked long ago may still ask; raises UNAUTHENTICATED when the key ended."""
        if self.prove is not None:
            self.caller = await self.prove()
        self.actor  # noqa: B018  # raises

    async def read(self, query: Callable[[Session], T]) -> T:
        """Run a query within the actor's scope."""
        return await self.plant.database.read(timed(query), self.sites)

    async def one(self, cls: type[E], key: int | None) -> E | None:
        """The row of ``cls`` with this id, or ``None``; look-ups of one tick make one query."""
        if key is None:
            return None

        async def load(keys: list[int]) -> Sequence[E | None]:
            rows = await self.read(lambda s: s.scalars(select(cls).where(cls.id.in_(set(keys)))).all())
            found = {row.id: row for row in rows}
            return [found.get(k) for k in keys]

        row: E | None = await self._loader(cls, load).load(key)
        return row

    async def many(self, cls: type[E], column: InstrumentedAttribute[Any], key: int, order: Sequence[Any]) -> list[E]:
        """The rows of ``cls`` whose ``column`` is ``key``, in ``order``; look-ups of one tick make one query."""

        async def load(keys: list[int]) -> list[list[E]]:
            statement = select(cls).where(column.in_(set(keys))).order_by(*order)
            rows = await self.read(lambda s: s.scalars(statement).all())
            groups: dict[int, list[E]] = {k: [] for k in keys}
            for row in rows:
                groups[getattr(row, column.key)].append(row)
            return [groups[k] for k in keys]

        group: list[E] = await self._loader((cls, column.key, *map(str, order)), load).load(key)
        return group

    async def batched(self, name: object, key: Any, load: Callable[[list[Any]], Any]) -> Any:
        """Any other batched look-up: ``load`` gets all keys of one tick and answers in their order."""
        return await self._loader(name, load).load(key)

    def _loader(self, name: object, load: Callable[[list[Any]], Any]) -> DataLoader[Any, Any]:
        loader = self._loaders.get(name)
        if loader is None:
            loader = self._loaders[name] = DataLoader(load, cache=False, max_batch_size=BATCH_MAX)
        return loader


Info: TypeAlias = strawberry.Info[Context, None]
