"""The same questions, answered by strawberry over asyncpg and the same tables, tuned as one would by hand in a day.

Parsed and validated documents are kept, each list is one prepared statement that reads the columns of its type alone,
what hangs on many rows is loaded for all of them at once, connections stay as they are between requests, fields are
attributes without resolvers, and orjson writes the answer. ``uvicorn --factory benchmarks.strawberry_peer:application``
serves the database that ``PEER_DATABASE`` names.
"""

import base64
import json
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from time import time
from typing import Any

import asyncpg
import orjson
import strawberry as gql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

CONNECTIONS = 8
DOCUMENTS_MAX = 100
MICRO = 1_000_000
ENDED = {"CONSUMED", "INSTALLED", "SHIPPED", "SCRAPPED", "RETURNED", "CLOSED"}

OF_LOT = """i.id, i.key, i.number, i.lifecycle, i.item_revision, i.open_holds, i.quantity, i.initial_quantity, i.uom,
  i.produced_at, i.expires_at, i.location_id"""
BY_KEY = f"SELECT {OF_LOT} FROM item i WHERE key = $1 AND item_kind = 'LOT'"
LOTS = f"SELECT {OF_LOT} FROM item i WHERE item_kind = 'LOT' AND id < $2 ORDER BY id DESC LIMIT $1"
PLACES = "SELECT id, code FROM equipment WHERE id = ANY($1)"
ORDERS = """SELECT o.id, o.code, o.state, o.priority, o.due_at, o.quantity, m.base_uom, m.code AS product
  FROM operations_request o JOIN material_definition m ON m.id = o.product_id ORDER BY o.id LIMIT $1"""
JOBS = """SELECT j.request_id, j.code, j.state, j.priority, j.planned_start, j.planned_end, e.code AS equipment
  FROM job_order j LEFT JOIN equipment e ON e.id = j.equipment_id WHERE j.request_id = ANY($1) ORDER BY j.id"""
TRACE = f"""
  WITH RECURSIVE reached(id, depth) AS (
    SELECT id, 0 FROM item WHERE key = $1 AND item_kind = 'LOT'
    UNION
    SELECT taken.item_id, reached.depth + 1
    FROM reached
    JOIN genealogy_line made ON made.item_id = reached.id AND made.role = 'OUTPUT'
    JOIN genealogy_line taken ON taken.event_id = made.event_id AND taken.role = 'INPUT'
  ), nearest AS (SELECT id, min(depth) AS depth FROM reached GROUP BY id)
  SELECT nearest.depth, {OF_LOT} FROM nearest JOIN item i ON i.id = nearest.id ORDER BY nearest.depth, i.id"""


@dataclass
class Asking:
    """What the resolvers of one request share."""

    pool: asyncpg.Pool

    def __post_init__(self) -> None:
        self.places = DataLoader(self._places, cache=False)
        self.jobs = DataLoader(self._jobs, cache=False)

    async def _places(self, ids: Sequence[int]) -> list["Place"]:
        found = {row["id"]: Place(code=row["code"]) for row in await self.pool.fetch(PLACES, set(ids))}
        return [found[each] for each in ids]

    async def _jobs(self, requests: Sequence[int]) -> list[list["Job"]]:
        found = defaultdict(list)
        for row in await self.pool.fetch(JOBS, requests):
            found[row["request_id"]].append(job_of(row))
        return [found[request] for request in requests]


Info = gql.Info[Asking, None]


@gql.type
class Quantity:
    """An amount."""

    value: str
    uom: str


@gql.type
class Place:
    """A piece of equipment."""

    code: str


@gql.type
class Material:
    """A definition."""

    code: str


@gql.interface
class Item:
    """Anything that is traced."""

    id: gql.ID
    key: str
    number: str
    lifecycle: str
    status: str
    item_revision: int
    open_holds: int
    quantity: Quantity
    initial_quantity: Quantity
    produced_at: str | None
    expires_at: str | None
    location_id: gql.Private[int | None]

    @gql.field
    async def location(self, info: Info) -> Place | None:
        """Where it lies."""
        return None if self.location_id is None else await info.context.places.load(self.location_id)


@gql.type
class MaterialLot(Item):
    """A lot."""


@gql.type
class Job:
    """A task of an order."""

    code: str
    state: str
    priority: int
    planned_start: str | None
    planned_end: str | None
    equipment: Place | None


@gql.type
class Order:
    """A production order."""

    row_id: gql.Private[int]
    id: gql.ID
    code: str
    state: str
    priority: int
    due_at: str | None
    quantity: Quantity
    product: Material

    @gql.field
    async def job_orders(self, info: Info) -> list[Job]:
        """Its tasks."""
        return await info.context.jobs.load(self.row_id)


@gql.type
class Orders:
    """A page."""

    nodes: list[Order]


@gql.type
class PageInfo:
    """Where a page ends."""

    end_cursor: str | None
    has_next_page: bool


@gql.type
class Lots:
    """A page."""

    nodes: list[MaterialLot]
    page_info: PageInfo


@gql.type
class Completeness:
    """Whether it is all."""

    complete: bool


@gql.type
class TraceNode:
    """A lot, and how far away it is."""

    depth: int
    item: MaterialLot


@gql.type
class Trace:
    """What a lot was made of."""

    completeness: Completeness
    nodes: list[TraceNode]


@gql.input
class ItemKey:
    """Names a lot."""

    material: str
    lot: str


@gql.enum
class Direction(Enum):
    """Which way."""

    BACKWARD = "BACKWARD"


@gql.type
class Query:
    """What can be asked."""

    @gql.field
    async def item(self, info: Info, key: ItemKey) -> Item | None:
        """A lot by its key."""
        row = await info.context.pool.fetchrow(BY_KEY, f"{key.material}/{key.lot}")
        return None if row is None else lot_of(row)

    @gql.field
    async def operations_requests(self, info: Info, first: int) -> Orders:
        """The first orders."""
        return Orders(nodes=[order_of(row) for row in await info.context.pool.fetch(ORDERS, first)])

    @gql.field
    async def material_lots(self, info: Info, first: int, after: str | None = None) -> Lots:
        """The newest lots."""
        behind = 2**52 if after is None else json.loads(base64.urlsafe_b64decode(after + "=="))[1]
        rows = await info.context.pool.fetch(LOTS, first + 1, behind)
        shown = rows[:first]
        end = opaque(json.dumps(["NEWEST", shown[-1]["id"]])) if shown else None
        return Lots(
            nodes=[lot_of(row) for row in shown], page_info=PageInfo(end_cursor=end, has_next_page=len(rows) > first)
        )

    @gql.field
    async def trace(self, info: Info, item: ItemKey, direction: Direction) -> Trace:
        """All that a lot was made of."""
        rows = await info.context.pool.fetch(TRACE, f"{item.material}/{item.lot}")
        nodes = [TraceNode(depth=row["depth"], item=lot_of(row)) for row in rows]
        return Trace(completeness=Completeness(complete=True), nodes=nodes)


def lot_of(row: asyncpg.Record) -> MaterialLot:
    """A lot with all that it shows."""
    return MaterialLot(
        id=opaque_id("MaterialLot", row["id"]),
        key=row["key"],
        number=row["number"],
        lifecycle=row["lifecycle"],
        status=status(row),
        item_revision=row["item_revision"],
        open_holds=row["open_holds"],
        quantity=Quantity(value=exact(row["quantity"]), uom=row["uom"]),
        initial_quantity=Quantity(value=exact(row["initial_quantity"]), uom=row["uom"]),
        produced_at=instant(row["produced_at"]),
        expires_at=instant(row["expires_at"]),
        location_id=row["location_id"],
    )


def order_of(row: asyncpg.Record) -> Order:
    """An order with all that it shows but its jobs."""
    return Order(
        row_id=row["id"],
        id=opaque_id("OperationsRequest", row["id"]),
        code=row["code"],
        state=row["state"],
        priority=row["priority"],
        due_at=instant(row["due_at"]),
        quantity=Quantity(value=exact(row["quantity"]), uom=row["base_uom"]),
        product=Material(code=row["product"]),
    )


def job_of(row: asyncpg.Record) -> Job:
    """A job."""
    return Job(
        code=row["code"],
        state=row["state"],
        priority=row["priority"],
        planned_start=instant(row["planned_start"]),
        planned_end=instant(row["planned_end"]),
        equipment=None if row["equipment"] is None else Place(code=row["equipment"]),
    )


def status(row: asyncpg.Record) -> str:
    """The shown state of a lot."""
    if row["lifecycle"] in ENDED:
        return str(row["lifecycle"])
    if row["open_holds"]:
        return "ON_HOLD"
    expires_at = row["expires_at"]
    return "EXPIRED" if expires_at is not None and expires_at <= time() * MICRO else str(row["lifecycle"])


def exact(millionths: int) -> str:
    """A number as text."""
    whole, rest = divmod(millionths, MICRO)
    return f"{whole}.{rest:06}".rstrip("0") if rest else str(whole)


def instant(micros: int | None) -> str | None:
    """A time as text."""
    if micros is None:
        return None
    return datetime.fromtimestamp(micros / MICRO, UTC).isoformat().replace("+00:00", "Z")


def opaque_id(kind: str, row_id: int) -> gql.ID:
    """The id of a row."""
    return gql.ID("~" + opaque(f"{kind}:{row_id}"))


def opaque(text: str) -> str:
    """Text that means nothing to whoever gets it."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class View(GraphQL[Asking, None]):
    """GraphQL over HTTP."""

    pool: asyncpg.Pool

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Asking:
        """Loaders of one request."""
        return Asking(self.pool)

    def encode_json(self, data: object) -> bytes:
        """The answer."""
        return orjson.dumps(data)


async def ready(_: Request) -> Response:
    """The server answers when the pool is open."""
    return JSONResponse({"ready": True})


async def as_it_is(_: asyncpg.Connection) -> None:
    """Nothing that a request does to its connection has to be undone."""


def opened(view: View) -> Callable[[Starlette], Any]:
    """The pool, for as long as the application runs."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        url, size = os.environ["PEER_DATABASE"], CONNECTIONS
        async with asyncpg.create_pool(url, min_size=size, max_size=size, reset=as_it_is) as view.pool:
            yield

    return lifespan


def application() -> Starlette:
    """What uvicorn serves."""
    schema = gql.Schema(
        Query, types=[MaterialLot], extensions=[ParserCache(DOCUMENTS_MAX), ValidationCache(DOCUMENTS_MAX)]
    )
    view = View(schema, graphql_ide=None, subscription_protocols=())
    routes = [Route("/readyz", ready), Route("/graphql", view, methods=["POST"])]
    return Starlette(routes=routes, lifespan=opened(view))
