"""`mesgraph demo`: everything wired together."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from mesgraph.demo.checks import Check
from mesgraph.demo.client import Seen
from mesgraph.demo.crew import Crew
from mesgraph.demo.database import own_database
from mesgraph.demo.halvard import PEOPLE
from mesgraph.demo.perform import crew_of, perform
from mesgraph.demo.picture import Picture
from mesgraph.demo.plan import Plan
from mesgraph.demo.stage import Stage, stage
from mesgraph.demo.verdict import as_json, checks

PORT = 8000
INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended."""
FRAMES_PER_S = 8


def play(plan: Plan, *, once: bool, report: bool, database: str | None, speed: float) -> int:
    """Play the shift of ``plan`` in a database of its own; the status to exit with: 0 when every check holds.

    ``report`` prints the checks as JSON and plays as fast as it goes; otherwise the shift can be watched, ``speed``
    seconds of the plant in a second. Without ``once`` the server stays until Ctrl-C.
    """
    url = own_database(database)
    console = Console(stderr=report)
    with stage(url, port=PORT if not once else None, graphiql=not once) as set_up:
        try:
            ok = asyncio.run(
                _perform(set_up, console, plan, speed=None if report else speed, report=report, stays=not once)
            )
        except KeyboardInterrupt:
            return INTERRUPTED
    return 0 if ok else 1


async def _perform(
    stage: Stage, console: Console, plan: Plan, *, speed: float | None, report: bool, stays: bool
) -> bool:
    async with crew_of(stage, plan) as crew:
        if stays:
            _addresses(console, stage, crew)
        with contextlib.nullcontext() if report else _watching(console, plan) as on_event:
            shown = await perform(stage, crew, plan, speed=speed, on_event=on_event)
        found = checks(shown)
        if report:
            sys.stdout.write(json.dumps(as_json(stage.server.database, shown, found), indent=2) + "\n")
            sys.stdout.flush()
        else:
            _verdict(console, stage, found)
        if stays:
            _addresses(console, stage, crew)
            await _until_interrupted()
    return all(check.ok for check in found)


@contextmanager
def _watching(console: Console, plan: Plan) -> Iterator[Callable[[Seen], None]]:
    """A picture that moves, or plain lines where there is no terminal."""
    picture = Picture(plan)
    if not console.is_terminal:

        def say(seen: Seen) -> None:
            for line in picture.take(seen):
                console.print(line, highlight=False, markup=False, soft_wrap=True)

        yield say
        return
    with Live(console=console, refresh_per_second=FRAMES_PER_S, get_renderable=picture.drawn):

        def draw(seen: Seen) -> None:
            picture.take(seen)

        yield draw


def _verdict(console: Console, stage: Stage, found: Sequence[Check]) -> None:
    console.print()
    for check in found:
        mark = "ok  " if check.ok else "FAIL"
        console.print(f"{mark} {check.name}", highlight=False, markup=False)
        if not check.ok:
            console.print(
                f"     expected {check.expected}\n     actual   {check.actual}", highlight=False, markup=False
            )
    console.print(f"database {stage.server.database}", highlight=False, markup=False)


SHOWN = ("audit-01", "sup-02", "plan-01", "op-031", "qa-01", "erp", "viewer", "admin")
"""Whose keys are printed, so that everything can be tried; they open this demo alone."""


def _addresses(console: Console, stage: Stage, crew: Crew) -> None:
    """Where to look; the key stands behind #, which no browser sends to a server."""
    url = stage.server.url
    roles = {person.subject: f"{person.name} ({', '.join(person.roles)})".lower() for person in PEOPLE}
    lines = [
        "",
        f"GraphiQL  {url}/graphiql#key={crew['audit-01'].key}   (reads everything; put another key to do something)",
        f"GraphQL   {url}/graphql   (HTTP and WebSocket)   Authorization: Bearer KEY",
        *(f"  {crew[subject].key}  {subject}, {roles.get(subject, 'first administrator')}" for subject in SHOWN),
        "Ctrl-C stops the server.",
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


async def _until_interrupted() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
