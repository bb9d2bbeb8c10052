"""Asking the API in-process, as any actor, and proving that a refusal changed nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from mesgraph.access.actions import create_principal, grant_role
from mesgraph.access.models import Principal, PrincipalKind
from mesgraph.access.queries import actor_of
from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.equipment.models import Site
from mesgraph.models import Row
from mesgraph.plant import Plant
from mesgraph.schema import build_schema
from mesgraph.work import SYSTEM, Actor, Work

START = datetime(2026, 2, 16, 5, 0, tzinfo=UTC)
"""Monday 06:00 at HV1: the beginning of the demo's first shift."""


class SteppedClock:
    """A clock that a test moves."""

    virtual = True

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def step(self, **delta: float) -> datetime:
        self.at += timedelta(**delta)
        return self.at


class Api:
    """The schema, asked as ``self.actor`` or as whoever is named."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self._actors: dict[tuple[Any, ...], Actor] = {}

    @property
    def clock(self) -> SteppedClock:
        clock = self.plant.clock
        assert isinstance(clock, SteppedClock)
        return clock

    async def actor(self, *roles: Role, site: str | None = None, subject: str | None = None) -> Actor:
        """A principal with these roles at ``site`` (everywhere if left out); the same one when asked again."""
        key = (roles, site, subject)
        if key not in self._actors:
            name = subject or f"{'-'.join(roles).lower()}{len(self._actors)}"
            self._actors[key] = await self.plant.database.write(lambda s: self._make(s, name, roles, site))
        return self._actors[key]

    def _make(self, session: Session, name: str, roles: tuple[Role, ...], site: str | None) -> Actor:
        work = self.work(session)
        principal: Principal = create_principal(work, subject=name, kind=PrincipalKind.PERSON, display_name=name)
        site_id = session.query(Site).filter_by(code=site).one().id if site else None
        for role in roles:
            grant_role(work, principal, role, site_id, site)
        return actor_of(session, principal, "test")

    def work(self, session: Session, actor: Actor = SYSTEM) -> Work:
        """A unit of work for factories that call verbs directly."""
        now = self.plant.clock.now()
        return Work(session=session, actor=actor, now=now, occurred_at=now, command="test")

    async def answer(self, document: str, *, by: Actor | Role, **variables: Any) -> Any:
        """The raw execution result."""
        actor = await self.actor(by) if isinstance(by, Role) else by
        context = Context(self.plant, actor)
        return await build_schema().execute(document, variable_values=variables, context_value=context)

    async def ask(self, document: str, *, by: Actor | Role, **variables: Any) -> dict[str, Any]:
        """``data``; a top-level error fails the test."""
        result = await self.answer(document, by=by, **variables)
        assert not result.errors, [(e.message, e.extensions, e.path) for e in result.errors]
        data: dict[str, Any] = result.data
        return data

    async def do(self, command: str, fields: str, /, *, by: Actor | Role, **input: Any) -> dict[str, Any]:
        """Run the mutation ``command`` with ``input`` and return its payload; a refusal fails the test."""
        payload = await self._command(command, fields, by, input)
        assert payload["userErrors"] == [], payload["userErrors"]
        return payload

    async def refused(self, command: str, /, *, by: Actor | Role, **input: Any) -> list[dict[str, Any]]:
        """Run ``command``, which must be refused; proves that nothing was written; returns the userErrors."""
        actor = await self.actor(by) if isinstance(by, Role) else by
        async with self.nothing_written():
            payload = await self._command(command, "", actor, input)
        assert payload["userErrors"], f"{command} was not refused"
        errors: list[dict[str, Any]] = payload["userErrors"]
        return errors

    async def _command(self, command: str, fields: str, by: Actor | Role, input: dict[str, Any]) -> dict[str, Any]:
        name = command[0].upper() + command[1:]
        document = (
            f"mutation Do($input: {name}Input!) {{ {command}(input: $input) {{ {fields} replayed "
            "userErrors { __typename code message path retryable } } }"
        )
        data = await self.ask(document, by=by, input=input)
        payload: dict[str, Any] = data[command]
        return payload

    async def error(self, document: str, *, by: Actor | Role, **variables: Any) -> dict[str, Any]:
        """The extensions of the one top-level error, which there must be."""
        result = await self.answer(document, by=by, **variables)
        assert result.errors, "no error"
        assert len(result.errors) == 1, [e.message for e in result.errors]
        extensions: dict[str, Any] = result.errors[0].extensions
        return extensions

    @asynccontextmanager
    async def nothing_written(self) -> AsyncIterator[None]:
        """The block must leave every table as it was."""
        before = await self.plant.database.read(content)
        yield
        after = await self.plant.database.read(content)
        assert after == before


MOVED_BY_THEMSELVES = frozenset({"ledger_sequencer", "ledger_position", "ledger_reader"})
"""Tables of the sequencer and of readers, which follow what is committed."""


def content(session: Session) -> dict[str, list[Any]]:
    """Every row of every table that has rows, but for those that move by themselves."""
    tables = sorted(Row.metadata.tables.keys() - MOVED_BY_THEMSELVES)
    filled = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables)
    return {
        table: sorted(map(repr, session.execute(text(f'SELECT * FROM "{table}"'))))
        for (table,) in session.execute(text(filled))
    }
