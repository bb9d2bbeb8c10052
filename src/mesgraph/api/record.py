"""The record as the API shows it."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import cbor2
import strawberry

from mesgraph.access.policy import MASK, MASKED, MASKED_VALUES
from mesgraph.api.context import Info
from mesgraph.api.nodes import opaque_id
from mesgraph.api.scalars import JSON, show_instant
from mesgraph.api.user_errors import camel
from mesgraph.clock import from_micros
from mesgraph.ledger.entry import Field, decode_payload
from mesgraph.ledger.queries import Cursor, Recorded
from mesgraph.quantity import plain


@strawberry.type(description="A thing that an event is about.")
class Subject:
    """Executed on (kind, id, counter)."""

    @strawberry.field(description="Type name, such as JobOrder or MaterialLot.")
    def kind(root: strawberry.Parent[Any]) -> str:
        """The type."""
        return str(root[0])

    @strawberry.field(description="Opaque id; fetch it with `node(id)`.")
    def id(root: strawberry.Parent[Any]) -> strawberry.ID:
        """The id."""
        return opaque_id(root[0], root[1])

    @strawberry.field(description="The number of this event in the history of the subject: 1, 2, 3, ... without gap.")
    def counter(root: strawberry.Parent[Any]) -> int:
        """The counter."""
        return int(root[2])


@strawberry.type(name="LedgerEvent", description="One recorded fact: what happened, to what, by whom, when, and why.")
class LedgerEventType:
    """Executed on :class:`~mesgraph.ledger.queries.Recorded` (or a stored event, in the answer of its command)."""

    @strawberry.field(description="UUIDv7 of the event, unique everywhere.")
    def event_id(root: strawberry.Parent[Any]) -> strawberry.ID:
        """The id."""
        value = root.event_id
        return strawberry.ID(str(UUID(bytes=value) if isinstance(value, bytes) else value))

    type: str = strawberry.field(description="What happened, such as JOB_ORDER_STARTED. See docs for the list.")
    actor: str = strawberry.field(description="Subject of the principal who did it; `system` for the plant itself.")
    occurred_at: datetime = strawberry.field(description="When it happened on the floor (event time).")
    recorded_at: datetime = strawberry.field(description="When it was recorded (record time).")
    reason_code: str | None = strawberry.field(description="Reason code, where one was given.")

    @strawberry.field(
        description="The values of the event. Decimals are strings, moments RFC 3339, things {kind, key}."
    )
    def payload(root: strawberry.Parent[Any], info: Info) -> JSON:
        """The payload as JSON, names of people masked for those who see none."""
        stored = root.payload
        values = decode_payload(stored) if isinstance(stored, bytes) else stored
        if not info.context.actor.has_any(MASKED["LedgerEvent"]["actor"]):
            values = values | dict.fromkeys(MASKED_VALUES & values.keys(), MASK)
        return JSON(as_json(values))

    @strawberry.field(description="SHA-256 leaf of the entry, hexadecimal: keep it, and absence can be proved later.")
    def leaf_hash(root: strawberry.Parent[Any]) -> str:
        """The leaf."""
        return bytes(root.leaf).hex()

    @strawberry.field(description="The things that the event is about, the primary one first.")
    def subjects(root: strawberry.Parent[Any]) -> list[Subject]:
        """The subjects."""
        if isinstance(root, Recorded):
            return list(root.subjects)  # type: ignore[arg-type]  # Subject is executed on the tuples
        return [tuple(link[:3]) for link in cbor2.loads(root.entry)[Field.SUBJECTS]]  # type: ignore[misc]

    @strawberry.field(
        description="Place in the record. In the answer of a command this waits, up to two seconds, until the event "
        "has one; null if it takes longer."
    )
    async def cursor(root: strawberry.Parent[Any], info: Info) -> Cursor | None:
        """The cursor."""
        tail = info.context.plant.tail
        if isinstance(root, Recorded):
            return Cursor(tail.cursor.epoch, root.position)
        return await tail.position_of(root.id, timeout_s=2)


def as_json(value: Any) -> Any:
    """A decoded payload as JSON values, its names in the spelling of the schema."""
    match value:
        case {"instant": micros}:
            return show_instant(from_micros(micros))
        case {"kind": kind, "id": _, "key": key}:
            return {"kind": kind, "key": key}
        case dict():
            return {camel(key): as_json(item) for key, item in value.items()}
        case list():
            return [as_json(item) for item in value]
        case Decimal():
            return plain(value)
        case bytes():
            return value.hex()
    return value
