"""The server: routes from a list, and a lifespan that starts and stops the plant. Nothing global."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL

from mesgraph import console
from mesgraph.api import login
from mesgraph.api.body_limit import BodyLimit
from mesgraph.api.budget import Budgets, tasks_are_timed
from mesgraph.api.door import Door
from mesgraph.api.ending import Ends, right_ends, server_stops, stop_asked
from mesgraph.api.limits import BODY_MAX
from mesgraph.api.live.hub import Hub
from mesgraph.api.plan.plans import Plans
from mesgraph.api.view import GraphQLView
from mesgraph.config import Settings
from mesgraph.errors import Unavailable
from mesgraph.gate import watchdog
from mesgraph.gate.headers import BrowserHeaders
from mesgraph.gate.origins import KnownOrigins
from mesgraph.integration.poster import posting
from mesgraph.ledger.queries import head
from mesgraph.plant import running_plant
from mesgraph.readers import READERS
from mesgraph.schema import build_schema
from mesgraph.security_events.recording import recording


def create_app(settings: Settings | None = None, *, watched: bool = False) -> Starlette:
    """The ASGI application; ``watched`` ends its process when it stands still, which only a server of its own wants."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with (
            running_plant(settings, readers=READERS) as plant,
            posting(plant.database, plant.clock),
            recording(plant.database, plant.clock, plant.watch),
        ):
            door, budgets = Door(plant), Budgets(settings.cpu_ms)
            app.state.plant, app.state.door = plant, door
            schema = build_schema()
            plans = Plans(schema, plant.database)
            hub = app.state.hub = Hub(schema, plant, door)
            view = app.state.graphql = GraphQLView(schema, plant, door, budgets, hub, plans=plans)
            app.state.socket = Ends(view, right_ends(door))
            patience_s = settings.watchdog_s if watched else 0
            with stop_asked() as stopping, tasks_are_timed(), watchdog.watched(patience_s):
                streams = GraphQLView(schema, plant, door, budgets, hub, stream=GRAPHQL_SSE_PROTOCOL)
                app.state.stream = Ends(streams, server_stops(stopping), right_ends(door))
                yield
            await door.close()

    routes: list[BaseRoute] = [
        # the first one, because it is looked for most
        Route("/graphql", Endpoint("graphql"), methods=["GET", "POST"]),
        WebSocketRoute("/graphql", Endpoint("socket")),
        # a path of its own: clients that merely mention text/event-stream would get a stream for every query
        Route("/graphql/stream", Endpoint("stream"), methods=["GET", "POST"]),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]
    routes += login.ROUTES
    if settings.graphiql:
        routes += [Route("/", to_console), *console.routes()]
    return Starlette(routes=routes, lifespan=lifespan, middleware=middleware(settings))


def middleware(settings: Settings) -> list[Middleware]:
    """What every request passes, the outermost first."""
    return [
        Middleware(BrowserHeaders),
        Middleware(KnownOrigins, settings=settings),
        *_cors(settings),
        Middleware(BodyLimit, limit=BODY_MAX, permitted=body_max),
    ]


def _cors(settings: Settings) -> list[Middleware]:
    """What tells browsers that pages of other sites may ask, where there are such sites."""
    if not settings.origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=sorted(settings.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Accept"],
            expose_headers=["Retry-After"],
        )
    ]


async def body_max(scope: Scope) -> int:
    """How long a request may be, by who sends it."""
    view: GraphQLView = scope["app"].state.graphql
    authorization = dict(scope["headers"]).get(b"authorization", b"")
    return await view.body_max(authorization.decode("latin-1"))


class Endpoint:
    """Hands requests to a view that the lifespan made."""

    def __init__(self, view: str) -> None:
        self._view = view

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Both HTTP and WebSocket."""
        await getattr(scope["app"].state, self._view)(scope, receive, send)


async def to_console(_: Request) -> Response:
    """Somebody typed the bare address."""
    return RedirectResponse("/graphiql")


async def healthz(_: Request) -> Response:
    """The process lives."""
    return PlainTextResponse("ok\n")


async def metrics(request: Request) -> Response:
    """Numbers for the operator's monitoring."""
    return Response(request.app.state.plant.metrics.text(), media_type="text/plain; version=0.0.4")


async def readyz(request: Request) -> Response:
    """The database answers."""
    try:
        cursor = await request.app.state.plant.database.read(head)
    except Unavailable as error:
        return JSONResponse({"ready": False, "code": error.code, "message": str(error)}, status_code=503)
    return JSONResponse({"ready": True, "cursor": str(cursor)})
