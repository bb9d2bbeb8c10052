"""What a resolver can reach: the plant, the actor, and the loaders of this operation."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session
from strawberry.dataloader import DataLoader

from mesgraph.access.policy import EVENT_AUDIENCE
from mesgraph.access.roles import EVERYONE
from mesgraph.db import Entity
from mesgraph.db.scope import Sites
from mesgraph.errors import Code, Denied
from mesgraph.plant import Plant
from mesgraph.work import Actor

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
        self.connection_params: dict[str, Any] | None = None
        self.prove = prove
        self._loaders: dict[object, DataLoader[Any, Any]] = {}

    @property
    def actor(self) -> Actor:
        """Who asks; raises UNAUTHENTICATED when nobody is known."""
        if self.caller is None:
            raise Denied(Code.UNAUTHENTICATED, "send a valid key: Authorization: Bearer mg_...")
        return self.caller

    @property
    def sites(self) -> Sites:
        """The sites that the actor may read."""
        return self.actor.sites_with(EVERYONE)

    def may_see(self, event_type: str, site_id: int | None) -> bool:
        """Whether an event of this type and site is for the actor."""
        if event_type in EVENT_AUDIENCE:
            return self.actor.sites_with(EVENT_AUDIENCE[event_type]) is None
        sites = self.sites
        return sites is None or site_id is None or site_id in sites

    async def prove_again(self) -> None:
        """Make sure that who asked long ago may still ask; raises UNAUTHENTICATED when the key ended."""
        if self.prove is not None:
            self.caller = await self.prove()
        self.actor  # noqa: B018  # raises

    async def read(self, query: Callable[[Session], T]) -> T:
        """Run a query within the actor's scope."""
        return await self.plant.database.read(query, self.sites)

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
