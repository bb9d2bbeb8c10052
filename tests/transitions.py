"""Tests made from a table of states: every verb in every state, by every role that the table names.

A table says from where to where a thing may go, by which trigger, and who may pull it; a *verb* is the command that
pulls a trigger. From these follow, without a word written by hand:

* :func:`policy_differences`: the roles of the policy are those of the table;
* :func:`check_refusals`: in every state that the table does not name for a verb, it is refused with INVALID_TRANSITION,
  the present state and what is allowed, and nothing is written;
* :func:`check_steps`: in every state that it names, the verb works for every role that it names, and is FORBIDDEN to
  the other roles of the policy where the table names fewer for this state.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from mesgraph.access.policy import audience
from mesgraph.access.roles import Role
from tests.api import Api

S = TypeVar("S")

Make = Callable[[Api, Sequence[S]], Awaitable[list[str]]]
"""Makes a thing in each of the given states, however it would come there; returns their keys."""


@dataclass(frozen=True)
class Row(Generic[S]):
    """A row of the table. An empty ``who``: the plant itself takes the step."""

    sources: frozenset[S]
    target: S
    trigger: str
    who: frozenset[Role]


@dataclass(frozen=True)
class Verb(Generic[S]):
    """A command and the trigger that it pulls; ``to`` where one trigger leads to several targets."""

    command: str
    trigger: str
    input: Mapping[str, Any] = field(default_factory=dict)
    to: S | None = None


@dataclass(frozen=True)
class Table(Generic[S]):
    """The table of a kind of thing: its states, its rows, its verbs, and the input field that names the thing."""

    states: Sequence[S]
    rows: Sequence[Row[S]]
    verbs: Sequence[Verb[S]]
    reference: str
    shown: Callable[[S], str] = str
    query: str = ""
    """A document with a variable ``$key`` whose answer has the state of a thing."""
    state_in: Callable[[dict[str, Any]], str] = field(default=lambda data: str(data["thing"]["state"]))

    def rows_of(self, verb: Verb[S]) -> list[Row[S]]:
        """The rows that the verb can take."""
        rows = [r for r in self.rows if r.trigger == verb.trigger and r.who and verb.to in (None, r.target)]
        assert rows, f"no row for {verb.command}"
        return rows

    def who(self, verb: Verb[S], state: S) -> frozenset[Role]:
        """Who may take the step from ``state``; nobody where there is none."""
        return _union(row.who for row in self.rows_of(verb) if state in row.sources)

    def everyone(self, verb: Verb[S]) -> frozenset[Role]:
        """Who may take the step from some state."""
        return _union(row.who for row in self.rows_of(verb))

    def allowed(self, state: S) -> list[str]:
        """Where a thing may go from ``state``, in the order of the table."""
        return [self.shown(target) for target in dict.fromkeys(r.target for r in self.rows if state in r.sources)]

    def arrived(self, verb: Verb[S], state: S) -> set[str]:
        """Where the thing is after the step, or where the plant takes it on by itself."""
        targets = {row.target for row in self.rows_of(verb) if state in row.sources}
        onward = {row.target for row in self.rows if not row.who and row.sources & targets}
        return {self.shown(target) for target in targets | onward}


def _union(roles: Iterable[frozenset[Role]]) -> frozenset[Role]:
    return frozenset[Role]().union(*roles)


def policy_differences(table: Table[S]) -> list[str]:
    """Verbs whose line in the policy names other roles than the table, and triggers of people without a verb."""
    commands: dict[str, frozenset[Role]] = {}
    for verb in table.verbs:
        commands[verb.command] = commands.get(verb.command, frozenset()) | table.everyone(verb)
    found = [f"{command}: {sorted(roles)}" for command, roles in commands.items() if roles != _policy(command)]
    covered = {verb.trigger for verb in table.verbs}
    return found + sorted({f"no verb: {row.trigger}" for row in table.rows if row.who and row.trigger not in covered})


def _policy(command: str) -> frozenset[Role]:
    return audience("Mutation", command)


async def check_refusals(api: Api, table: Table[S], make: Make[S]) -> int:
    """Every verb in every state that its rows do not name; returns how many were refused."""
    keys = await make(api, table.states)
    asked = [
        (verb, state, key, await api.actor(min(table.everyone(verb))))
        for verb in table.verbs
        for state, key in zip(table.states, keys, strict=True)
        if not table.who(verb, state)
    ]
    async with api.nothing_written():
        for verb, state, key, actor in asked:
            errors = await _ask(api, table, verb, key, actor)
            assert errors == [_refusal(table, state)], (verb.command, table.shown(state))
    return len(asked)


async def check_steps(api: Api, table: Table[S], make: Make[S]) -> int:
    """Every verb in every state that its rows name, by every role; returns how many steps were taken."""
    steps = [
        (verb, state, role) for verb in table.verbs for state in table.states for role in sorted(_policy(verb.command))
    ]
    steps = [step for step in steps if table.who(step[0], step[1])]
    keys = await make(api, [state for _, state, _ in steps])
    for (verb, state, role), key in zip(steps, keys, strict=True):
        what = (verb.command, table.shown(state), role)
        actor = await api.actor(role)
        if role not in table.who(verb, state):
            extensions = await api.error(_document(verb), by=actor, input=_input(table, verb, key))
            assert extensions["code"] == "FORBIDDEN", what
            continue
        assert await _ask(api, table, verb, key, actor) == [], what
        data = await api.ask(table.query, by=actor, key=key)
        assert table.state_in(data) in table.arrived(verb, state), what
    return len(steps)


def _document(verb: Verb[Any]) -> str:
    name = verb.command[0].upper() + verb.command[1:]
    return (
        f"mutation($input: {name}Input!) {{ {verb.command}(input: $input) "
        "{ userErrors { code message path ... on InvalidTransitionError { from allowed } } } }"
    )


def _input(table: Table[Any], verb: Verb[Any], key: str) -> dict[str, Any]:
    return {table.reference: key, **verb.input}


async def _ask(api: Api, table: Table[Any], verb: Verb[Any], key: str, actor: Any) -> list[dict[str, Any]]:
    data = await api.ask(_document(verb), by=actor, input=_input(table, verb, key))
    return [{k: v for k, v in error.items() if k != "message"} for error in data[verb.command]["userErrors"]]


def _refusal(table: Table[S], state: S) -> dict[str, Any]:
    return {
        "code": "INVALID_TRANSITION",
        "path": ["input", table.reference],
        "from": table.shown(state),
        "allowed": table.allowed(state),
    }
