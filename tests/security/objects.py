"""The cells of fields that are not at a root: asked of a real object, and along the way that leads to it."""

from typing import Any

from graphql import GraphQLError

from mesgraph.access.policy import MASK
from mesgraph.api.nodes import opaque_id
from mesgraph.errors import Code, Denied
from tests.security.crawl import Crawl, Found, Step, look
from tests.security.matrix import HOME, Cell, Matrix, Outcome, Place, field_of, selection
from tests.security.operations import FORMS, Asked, arguments_of

NEVER_MET = frozenset(
    {
        *("AffectedShipment", "DuplicateOf", "EquipmentClassProperty", "EquipmentNeed", "EquipmentProperty"),
        *("GenericUserError", "InboundResult", "InvalidTransitionError", "ItemRange", "LotOnHoldError", "MastersRow"),
        *("OperationsRequestResult", "PositionRange", "QuantityError", "SegmentDependency"),
        *("SharedAncestor", "VersionConflictError", "InboundMessage", "InboundMessageEdge"),
        *("SignatureChallenge", "SignatureRequiredError"),
        *("AggregateSeries", "RejectedSample"),
        *("SecurityEvent", "SecurityEventConnection", "SecurityEventEdge", "SecurityEventMessage"),
    }
)
"""Types of which the two plants have nothing to show, or that only commands answer with: their fields are asked of an
object without content, which shows whether the role is refused and nothing else."""


OF_NO_SITE = {"person"}
"""Things that are known everywhere: whoever acts stands in the record by name."""


class Blank:
    """An object without content."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class Objects:
    """Asks the cells of object fields."""

    def __init__(self, matrix: Matrix, home: Crawl) -> None:
        self.matrix = matrix
        self.home = home

    def one(self, type_name: str) -> Found:
        """An object of the type at the own site."""
        found = self.home.found.get(type_name, [])
        if type_name == "Principal":
            found = [one for one in found if one.way[0].thing not in OF_NO_SITE]
        return found[0] if found else Found(type_name, Blank())

    async def outcome(self, cell: Cell) -> Outcome | str:
        """What becomes of the cell."""
        found = self.one(cell.type_name)
        if cell.place is Place.OWN:
            return await self._here(cell, found)
        if not found.way or found.way[0].type_name == "Subscription":
            # only commands and topics lead there, and those have cells of their own
            return Outcome.ABSENT if cell.place is Place.OTHER else Outcome.FORBIDDEN
        return await (self._elsewhere(cell, found) if cell.place is Place.OTHER else self._nowhere(cell, found))

    async def _here(self, cell: Cell, found: Found) -> Outcome | str:
        """The field alone, of an object that somebody else has got hold of."""
        asked = Asked(self.matrix.plants.at[HOME])
        arguments = arguments_of(cell.field, field_of(cell.type_name, cell.field).args, asked)
        step = Step(cell.type_name, cell.field)
        answer, _ = await look(self.matrix.plants, self.matrix.actor(cell), found, step, arguments)
        refused = [error for error in answer.errors or [] if _forbids(error)]
        if refused:
            return Outcome.FORBIDDEN
        if answer.errors and not isinstance(found.source, Blank):
            return f"{cell} got {answer.errors}"
        return Outcome.MASKED if (answer.data or {}).get(cell.field) == MASK else Outcome.ALLOWED

    async def _elsewhere(self, cell: Cell, found: Found) -> Outcome | str:
        """Along the way to it, from a root: the same answer as for a way to nothing."""
        actor = self.matrix.actor(cell)
        for form in FORMS:
            there, nowhere = (Asked(self.matrix.plants.at[HOME], form, absent=absent) for absent in (False, True))
            shown = await self._along(found, cell.field, actor, there)
            missing = await self._along(found, cell.field, actor, nowhere)
            known = found.way[0].thing in OF_NO_SITE  # it is found, but what is behind it is not shown
            if shown[0] != missing[0] or (shown[1] != missing[1] and not known):
                return f"{cell} by {found.way} tells {shown} apart from {missing}"
        return Outcome.ABSENT

    async def _nowhere(self, cell: Cell, found: Found) -> Outcome | str:
        document, arguments = _way(found, cell.field, Asked(self.matrix.plants.at[HOME]))
        result = await self.matrix.plants.api.answer(document, by=self.matrix.actor(cell), **arguments)
        codes = [error.extensions["code"] for error in result.errors or []]
        return Outcome.FORBIDDEN if codes == ["FORBIDDEN"] else f"{cell} got {result}"

    async def _along(self, found: Found, field: str, actor: Any, asked: Asked) -> tuple[str, str]:
        document, arguments = _way(found, field, asked)
        result = await self.matrix.plants.api.answer(document, by=actor, **arguments)
        errors = [(e.message, e.extensions["code"], e.path) for e in result.errors or []]
        return asked.plain(repr(_shown(result.data))), asked.plain(repr(errors))


def _shown(data: Any) -> Any:
    """What of an answer is more than the way to nothing: who acts is known everywhere, and nothing is shown of it."""
    if isinstance(data, dict):
        data = {name: shown for name, value in data.items() if (shown := _shown(value)) is not None}
    elif isinstance(data, list):
        data = [shown for value in data if (shown := _shown(value)) is not None]
    return None if data in ({}, []) else data


def _forbids(error: GraphQLError) -> bool:
    cause = error.original_error
    return isinstance(cause, Denied) and cause.code is Code.FORBIDDEN


def _way(found: Found, field: str, asked: Asked) -> tuple[str, dict[str, Any]]:
    """The document that goes the way to an object, and asks one field of it; and its variables."""
    steps = [*found.way, Step(found.type_name, field)]
    selected, variables, declared = "", {}, []
    for depth in reversed(range(len(steps))):
        step = steps[depth]
        definition = field_of(step.type_name, step.field)
        given = _arguments(step, asked) if depth < len(found.way) else arguments_of(field, definition.args, asked)
        names = {name: f"a{depth}_{name}" for name in given}
        declared += [f"${names[name]}: {definition.args[name].type}" for name in given]
        variables |= {names[name]: value for name, value in given.items()}
        passed = ", ".join(f"{name}: ${names[name]}" for name in given)
        if depth == len(steps) - 1:
            selected = selection(definition.type, 0)
        selected = f"{{ ... on {step.type_name} {{ {step.field}{f'({passed})' if passed else ''} {selected} }} }}"
    head = f"query Way{f'({chr(44).join(declared)})' if declared else ''}"
    return f"{head} {selected}", variables


def _arguments(step: Step, asked: Asked) -> dict[str, Any]:
    if step.thing is not None:
        kind, row_id = asked.things.rows[step.thing]
        return {"id": opaque_id(kind, row_id + asked.offset)}
    return dict(arguments_of(step.field, field_of(step.type_name, step.field).args, asked))
