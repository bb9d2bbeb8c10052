"""Sites and equipment in the API."""

from collections.abc import AsyncGenerator, Iterator
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.filters import Condition, prefix_field, starts_with
from mesgraph.api.live.topics import AfterCursor, cursor_of, follow
from mesgraph.api.nodes import Node, find, node
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.api.places import at, named
from mesgraph.api.record import LedgerEventType
from mesgraph.api.relations import to_many, to_one
from mesgraph.api.scalars import GLN, UnitCode
from mesgraph.equipment import actions, queries
from mesgraph.equipment.capability import Property, PropertyType
from mesgraph.equipment.models import (
    Equipment,
    EquipmentClass,
    EquipmentLevel,
    EquipmentMode,
    EquipmentStateRecord,
    PackmlState,
    Site,
    StateSource,
)
from mesgraph.equipment.packml import OF_BATCH, BatchState, EquipmentCommand, commands_in
from mesgraph.errors import Findings, Refused, invalid
from mesgraph.ledger.queries import Cursor, Recorded
from mesgraph.words import check_distinct
from mesgraph.work import Work

described_enum(
    EquipmentLevel,
    "Level in the role-based equipment hierarchy (ISA-95 part 1).",
    {
        EquipmentLevel.SITE: "A plant; the root of its tree.",
        EquipmentLevel.AREA: "A part of a site.",
        EquipmentLevel.PROCESS_CELL: "Work center of batch production.",
        EquipmentLevel.PRODUCTION_LINE: "Work center of discrete production.",
        EquipmentLevel.PRODUCTION_UNIT: "Work center of continuous production.",
        EquipmentLevel.STORAGE_ZONE: "Work center that stores.",
        EquipmentLevel.UNIT: "Work unit of a process cell; runs jobs.",
        EquipmentLevel.WORK_CELL: "Work unit of a production line; runs jobs.",
        EquipmentLevel.STORAGE_UNIT: "Store; items are located here.",
        EquipmentLevel.EQUIPMENT_MODULE: "Part of a work unit with a function of its own.",
        EquipmentLevel.CONTROL_MODULE: "Sensor, actuator or controller.",
    },
)
described_enum(
    EquipmentMode,
    "What equipment is there for at the moment.",
    {
        EquipmentMode.PRODUCTION: "Makes products; jobs may begin.",
        EquipmentMode.MAINTENANCE: "Being maintained; no job may begin.",
        EquipmentMode.MANUAL: "Moved by hand; no job may begin.",
    },
)
described_enum(
    PackmlState,
    "Machine state of PackML (ISA-TR88.00.02). States ending in -ING pass on by themselves.",
    {
        PackmlState.CLEARING: "Leaving ABORTED.",
        PackmlState.STOPPED: "Stands after a stop; needs a reset.",
        PackmlState.STARTING: "On the way to EXECUTE.",
        PackmlState.IDLE: "Ready to start.",
        PackmlState.SUSPENDED: "Waits for something outside: starved or blocked.",
        PackmlState.EXECUTE: "Produces.",
        PackmlState.STOPPING: "On the way to STOPPED.",
        PackmlState.ABORTING: "Emergency stop under way.",
        PackmlState.ABORTED: "After an emergency stop; needs clearing.",
        PackmlState.HOLDING: "On the way to HELD.",
        PackmlState.HELD: "Waits for something inside: a fault or the operator.",
        PackmlState.UNHOLDING: "On the way back from HELD.",
        PackmlState.SUSPENDING: "On the way to SUSPENDED.",
        PackmlState.UNSUSPENDING: "On the way back from SUSPENDED.",
        PackmlState.RESETTING: "On the way to IDLE.",
        PackmlState.COMPLETING: "Finishing the batch or run.",
        PackmlState.COMPLETE: "Run finished; needs a reset.",
    },
)
described_enum(
    StateSource,
    "Who said that a state changed.",
    {
        StateSource.DRIVER: "The machine, through a driver.",
        StateSource.OPERATOR: "A person.",
        StateSource.DERIVED: "The system, from other facts.",
    },
)
described_enum(
    EquipmentCommand,
    "What a machine can be told to do (PackML).",
    {
        EquipmentCommand.RESET: "From STOPPED or COMPLETE to RESETTING, and so to IDLE.",
        EquipmentCommand.START: "From IDLE to STARTING, and so to EXECUTE.",
        EquipmentCommand.COMPLETE: "From EXECUTE to COMPLETING, and so to COMPLETE.",
        EquipmentCommand.HOLD: "For a cause inside the machine: to HOLDING, and so to HELD.",
        EquipmentCommand.UNHOLD: "From HELD to UNHOLDING, and so back to EXECUTE.",
        EquipmentCommand.SUSPEND: "For a cause outside, starved or blocked: to SUSPENDING, and so to SUSPENDED.",
        EquipmentCommand.UNSUSPEND: "From SUSPENDED to UNSUSPENDING, and so back to EXECUTE.",
        EquipmentCommand.STOP: "To STOPPING, and so to STOPPED; from every state but the end of a stop or an abort.",
        EquipmentCommand.ABORT: "Emergency: to ABORTING, and so to ABORTED; from every other state.",
        EquipmentCommand.CLEAR: "From ABORTED to CLEARING, and so to STOPPED.",
        EquipmentCommand.STATE_COMPLETE: "The state has done its work and passes on; where no controller says so.",
    },
)
described_enum(
    BatchState,
    "State of a batch unit in the words of ISA-88; stored as the PackML state that means the same.",
    {word: f"{OF_BATCH[word]} in PackML." for word in BatchState},
)
described_enum(
    PropertyType,
    "What the values of a property are.",
    {
        PropertyType.NUMBER: "An exact number, in the unit of the property.",
        PropertyType.TEXT: "A word.",
        PropertyType.BOOLEAN: "`true` or `false`.",
    },
)


@strawberry.type(description="A property that equipment of a class has.")
class EquipmentClassProperty:
    """Executed on :class:`mesgraph.equipment.capability.Property`."""

    code: str = strawberry.field(description="Code, unique within the class.")
    data_type: PropertyType = strawberry.field(description="What its values are.")
    uom: UnitCode | None = strawberry.field(description="Unit of a number.")
    min: Decimal | None = strawberry.field(description="No equipment of the class has less.")
    max: Decimal | None = strawberry.field(description="No equipment of the class has more.")


@strawberry.type(description="What a piece of equipment has of a property of its classes.")
class EquipmentProperty:
    """A value."""

    code: str = strawberry.field(description="Code of the property.")
    value: str = strawberry.field(description="The value as text.")


@node(Site, find=queries.site_by_key)
class SiteNode(Node):
    """A plant with its own time zone. Roles are granted per site."""

    code: str = strawberry.field(description="Unique code, the prefix of site-scoped keys: `HV1/COAT01`.")
    name: str = strawberry.field(description="Name.")
    gln: GLN | None = strawberry.field(description="GS1 location number.")
    time_zone: str = strawberry.field(description="IANA time zone; decides shifts and production days.")


@node(EquipmentClass, find=queries.class_by_key)
class EquipmentClassNode(Node):
    """A capability that segments of operations definitions ask for."""

    code: str = strawberry.field(description="Unique code.")
    name: str = strawberry.field(description="Name.")

    @strawberry.field(description="What its equipment has beyond being of the class; steps may need certain values.")
    def properties(root: strawberry.Parent[Any]) -> list[EquipmentClassProperty]:
        """As the row keeps them."""
        return shown([Property.of(kept) for kept in root.properties])


@node(EquipmentStateRecord)
class EquipmentStateRecordNode(Node):
    """An interval [from, to) in one machine state."""

    packml_state: PackmlState = strawberry.field(description="The state.")
    mode: EquipmentMode = strawberry.field(description="The mode.")
    from_at: datetime = strawberry.field(name="from", description="Start of the interval, included.")
    to_at: datetime | None = strawberry.field(name="to", description="End, excluded; null while it lasts.")
    reason_code: str | None = strawberry.field(description="Reason, where one was given.")
    set_by: StateSource = strawberry.field(description="Who said so.")
    inferred: bool = strawberry.field(description="PackML knows no such step: states between were missed.")


@node(Equipment, find=queries.equipment_by_key, of_site=True)
class EquipmentNode(Node):
    """A role in the plant: an area, a line, a machine, a store. Named by `SITE/CODE`."""

    version: int = strawberry.field(description="Counts changes.")
    code: str = strawberry.field(description="Code, unique within the site.")
    name: str = strawberry.field(description="Name.")
    level: EquipmentLevel = strawberry.field(description="Level in the hierarchy.")
    mode: EquipmentMode = strawberry.field(description="What it is there for now.")
    packml_state: PackmlState = strawberry.field(description="Present machine state.")
    capacity: int = strawberry.field(description="How many jobs may run at once.")
    open_holds: int = strawberry.field(description="Number of open holds; with one, no job may begin.")
    site: SiteNode = to_one(Equipment.site_id, Site, "The site.")
    parent: "EquipmentNode | None" = to_one(Equipment.parent_id, Equipment, "What it is part of; null for the root.")
    children: list["EquipmentNode"] = to_many(Equipment.parent_id, Equipment, "Its parts.", (Equipment.code,))
    states: list[EquipmentStateRecordNode] = to_many(
        EquipmentStateRecord.equipment_id,
        EquipmentStateRecord,
        "Its states, the oldest first.",
        (EquipmentStateRecord.from_at, EquipmentStateRecord.id),
    )

    @strawberry.field(description="What it has of the properties of its classes.")
    def properties(root: strawberry.Parent[Any]) -> list[EquipmentProperty]:
        """As the row keeps them."""
        return [EquipmentProperty(code=code, value=value) for code, value in root.properties.items()]

    @strawberry.field(description="What it can be told to do in its present state (`commandEquipment`).")
    def commands(root: strawberry.Parent[Any]) -> list[EquipmentCommand]:
        """Of the table."""
        return list(commands_in(root.packml_state))

    @strawberry.field(description="The classes it belongs to.")
    async def classes(root: strawberry.Parent[Any], info: Info) -> list[EquipmentClassNode]:
        """Batched by the kit."""
        return await _linked(info, "classes", queries.classes_of, root.id)

    @strawberry.field(description="Stores that it takes from and puts into; the first is where output goes.")
    async def storage_locations(root: strawberry.Parent[Any], info: Info) -> list["EquipmentNode"]:
        """Batched by the kit."""
        return await _linked(info, "stores", queries.stores_of, root.id)


async def _linked(info: Info, name: str, query: Any, equipment_id: int) -> Any:
    async def load(ids: list[int]) -> list[list[Any]]:
        pairs = await info.context.read(lambda session: query(session, ids))
        return [[row for owner, row in pairs if owner == key] for key in ids]

    return await info.context.batched(name, equipment_id, load)


class EquipmentOrder(StrEnum):
    """The orders in which equipment is listed."""

    OLDEST = "OLDEST"
    NEWEST = "NEWEST"
    CODE = "CODE"


EQUIPMENT_ORDERS = orders(
    EquipmentOrder,
    "The order of a list of equipment.",
    {
        EquipmentOrder.OLDEST: (Order((Equipment.id,)), "As it was made known; parents stand before their parts."),
        EquipmentOrder.NEWEST: (Order((Equipment.id,), descending=True), "What was made known last, first."),
        EquipmentOrder.CODE: (Order((Equipment.code, Equipment.id)), "By code."),
    },
)


@strawberry.input(description="Which equipment. All conditions that are given must hold.")
class EquipmentFilter:
    """Conditions on equipment."""

    key_prefix: str | None = prefix_field("code")
    site: strawberry.ID | None = strawberry.field(default=None, description="Of this site.")
    parent: strawberry.ID | None = strawberry.field(default=None, description="Directly below this equipment.")
    within: strawberry.ID | None = strawberry.field(
        default=None, description="This equipment and all that stands below it."
    )
    level: list[EquipmentLevel] | None = strawberry.field(default=None, description="On any of these levels.")
    equipment_class: strawberry.ID | None = strawberry.field(default=None, description="Of this class.")
    state: list[PackmlState] | None = strawberry.field(default=None, description="In any of these states.")
    mode: list[EquipmentMode] | None = strawberry.field(default=None, description="In any of these modes.")


def _conditions(session: Session, wanted: EquipmentFilter) -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(Equipment.code, wanted.key_prefix)
    if wanted.site is not None:
        yield Equipment.site_id == find(session, Site, wanted.site, "filter", "site").id
    if wanted.parent is not None:
        yield Equipment.parent_id == find(session, Equipment, wanted.parent, "filter", "parent").id
    if wanted.within is not None:
        yield Equipment.id.in_(within(session, wanted.within, "filter", "within"))
    if wanted.level is not None:
        yield Equipment.level.in_(wanted.level)
    if wanted.equipment_class is not None:
        owner = find(session, EquipmentClass, wanted.equipment_class, "filter", "equipment_class")
        yield Equipment.id.in_(queries.members_of(owner.id))
    if wanted.state is not None:
        yield Equipment.packml_state.in_(wanted.state)
    if wanted.mode is not None:
        yield Equipment.mode.in_(wanted.mode)


def within(session: Session, reference: str, *path: str | int) -> list[int]:
    """Ids of the equipment that ``reference`` names and of all below it; else NOT_FOUND."""
    return queries.within(session, find(session, Equipment, reference, *path).id)


@strawberry.type
class EquipmentQueries:
    """Reads."""

    @strawberry.field(description="The sites that you may see, by code.")
    async def sites(self, info: Info) -> list[SiteNode]:
        """All in scope."""
        return shown(await info.context.read(queries.sites))

    @strawberry.field(description="Equipment by site and code; null when there is none.")
    async def equipment(
        self,
        info: Info,
        site: Annotated[str, strawberry.argument(description="Code of the site.")],
        code: Annotated[str, strawberry.argument(description="Code of the equipment.")],
    ) -> EquipmentNode | None:
        """One by key."""
        return shown(await info.context.read(lambda s: queries.equipment_by_key(s, f"{site}/{code}")))

    equipment_list: Connection[EquipmentNode] = listing(
        "Equipment.",
        EquipmentFilter,
        EQUIPMENT_ORDERS,
        EquipmentOrder.OLDEST,
        select(Equipment),
        lambda _, session, wanted: _conditions(session, wanted),
    )


@strawberry.input(description="Master data of a site.")
class SiteInput:
    """One site."""

    code: str = strawberry.field(description="Unique code.")
    name: str = strawberry.field(description="Name.")
    time_zone: str = strawberry.field(description="IANA time zone, such as Europe/Stockholm.")
    gln: GLN | None = strawberry.field(default=None, description="GS1 location number.")


@strawberry.input(description="Sites to make known or to change, all or none.")
class SubmitSitesInput(CommandInput):
    """Many sites."""

    sites: list[SiteInput] = strawberry.field(description="The sites; a known code is changed.")


@strawberry.type(description="The sites as they are now.")
class SubmitSitesPayload(CommandPayload):
    """Answer."""

    sites: list[SiteNode] | None = strawberry.field(default=None, description="In the order asked.")


@strawberry.input(description="A property that equipment of the class has.")
class EquipmentClassPropertyInput:
    """One property."""

    code: str = strawberry.field(description="Code, unique within the class.")
    data_type: PropertyType = strawberry.field(description="What its values are.")
    uom: UnitCode | None = strawberry.field(default=None, description="Unit of a number.")
    min: Decimal | None = strawberry.field(default=None, description="No equipment of the class has less.")
    max: Decimal | None = strawberry.field(default=None, description="No equipment of the class has more.")


@strawberry.input(description="What a piece of equipment has of a property of its classes.")
class EquipmentPropertyInput:
    """One value."""

    code: str = strawberry.field(description="Code of the property.")
    value: str = strawberry.field(description="The value as text; numbers in the unit of the property.")


@strawberry.input(description="Master data of an equipment class.")
class EquipmentClassInput:
    """One class."""

    code: str = strawberry.field(description="Unique code.")
    name: str = strawberry.field(description="Name.")
    properties: list[EquipmentClassPropertyInput] | None = strawberry.field(
        default=None, description="Its properties; those that are known stay when left out."
    )


@strawberry.input(description="Equipment classes to make known or to rename, all or none.")
class SubmitEquipmentClassesInput(CommandInput):
    """Many classes."""

    classes: list[EquipmentClassInput] = strawberry.field(description="The classes; a known code is changed.")


@strawberry.type(description="The classes as they are now.")
class SubmitEquipmentClassesPayload(CommandPayload):
    """Answer."""

    classes: list[EquipmentClassNode] | None = strawberry.field(default=None, description="In the order asked.")


@strawberry.input(description="Master data of equipment.")
class EquipmentInput:
    """One piece of equipment."""

    code: str = strawberry.field(description="Code, unique within the site.")
    name: str = strawberry.field(description="Name.")
    level: EquipmentLevel = strawberry.field(description="Level in the hierarchy.")
    parent: str | None = strawberry.field(default=None, description="Code of what it is part of; the site if left out.")
    capacity: int = strawberry.field(default=1, description="How many jobs may run at once, 1 to 10,000.")
    classes: list[str] = strawberry.field(default_factory=list, description="Codes of its classes.")
    storage_locations: list[str] = strawberry.field(
        default_factory=list,
        description="Codes of stores that it takes from; the first is where output goes.",
    )
    properties: list[EquipmentPropertyInput] | None = strawberry.field(
        default=None, description="What it has of the properties of its classes; what is known stays when left out."
    )


@strawberry.input(
    description="Equipment to make known or to change, all or none, in an order that names parents first."
)
class SubmitEquipmentInput(CommandInput):
    """Many pieces of equipment of one site."""

    site: strawberry.ID = strawberry.field(description="The site.")
    equipment: list[EquipmentInput] = strawberry.field(
        description="The equipment, each code once; what is known of a code is replaced."
    )


@strawberry.type(description="The equipment as it is now.")
class SubmitEquipmentPayload(CommandPayload):
    """Answer."""

    equipment: list[EquipmentNode] | None = strawberry.field(default=None, description="In the order asked.")


@strawberry.input(description="The observed state of a machine.")
class ReportEquipmentStateInput(CommandInput):
    """One state."""

    equipment: strawberry.ID = strawberry.field(description="The machine.")
    state: PackmlState | None = strawberry.field(default=None, description="The state it is in.")
    batch_state: BatchState | None = strawberry.field(
        default=None, description="The same in the words of ISA-88, for batch units: instead of `state`."
    )
    mode: EquipmentMode | None = strawberry.field(default=None, description="The mode, if it changed.")
    set_by: StateSource = strawberry.field(default=StateSource.OPERATOR, description="Who says so.")


@strawberry.type(description="The state as recorded.")
class ReportEquipmentStatePayload(CommandPayload):
    """Answer."""

    equipment: EquipmentNode | None = strawberry.field(default=None, description="The machine.")
    state_record: EquipmentStateRecordNode | None = strawberry.field(default=None, description="The open interval.")


@strawberry.input(description="What a machine shall do.")
class CommandEquipmentInput(CommandInput):
    """One command."""

    equipment: strawberry.ID = strawberry.field(description="The machine.")
    command: EquipmentCommand = strawberry.field(description="The command; `commands` of the equipment lists them.")
    expected_version: int | None = strawberry.field(
        default=None, description="`version` that you decided on; another one is refused (VERSION_CONFLICT)."
    )


@strawberry.type(description="The state as recorded.")
class CommandEquipmentPayload(CommandPayload):
    """Answer."""

    equipment: EquipmentNode | None = strawberry.field(default=None, description="The machine.")
    state_record: EquipmentStateRecordNode | None = strawberry.field(default=None, description="The open interval.")


@strawberry.type
class EquipmentCommands:
    """Writes."""

    @command
    def submit_sites(work: Work, input: SubmitSitesInput) -> SubmitSitesPayload:
        """Make sites known, or change their name, GLN or time zone."""
        found, rows = Findings(), []
        found.extend(check_distinct([x.code for x in input.sites], "sites"))
        for i, site in enumerate(input.sites):
            with found.under("sites", i):
                rows.append(
                    actions.submit_site(work, code=site.code, name=site.name, gln=site.gln, time_zone=site.time_zone)
                )
        found.refuse()
        return SubmitSitesPayload(sites=shown(rows))

    @command
    def submit_equipment_classes(work: Work, input: SubmitEquipmentClassesInput) -> SubmitEquipmentClassesPayload:
        """Make equipment classes known, or rename them."""
        found, rows = Findings(), []
        found.extend(check_distinct([x.code for x in input.classes], "classes"))
        for i, item in enumerate(input.classes):
            with found.under("classes", i):
                properties = None if item.properties is None else [Property(**vars(x)) for x in item.properties]
                rows.append(actions.submit_equipment_class(work, code=item.code, name=item.name, properties=properties))
        found.refuse()
        return SubmitEquipmentClassesPayload(classes=shown(rows))

    @command
    def submit_equipment(work: Work, input: SubmitEquipmentInput) -> SubmitEquipmentPayload:
        """Make equipment of a site known, or replace its name, place, capacity, classes and stores as a whole: what is
        left out is reset. The level of known equipment stays.
        """
        site = find(work.session, Site, input.site, "site")
        found, rows = Findings(), []
        found.extend(check_distinct([x.code for x in input.equipment], "equipment"))
        for i, item in enumerate(input.equipment):
            with found.under("equipment", i):
                values = None if item.properties is None else [(x.code, x.value) for x in item.properties]
                master = actions.EquipmentMaster(**vars(item) | {"properties": values})
                rows.append(actions.submit_equipment(work, site, master))
        found.refuse()
        return SubmitEquipmentPayload(equipment=shown(rows))

    @command
    @at(named(Equipment, "equipment"))
    def report_equipment_state(work: Work, input: ReportEquipmentStateInput) -> ReportEquipmentStatePayload:
        """Record the state that a machine is in. The same state again changes nothing; a step that PackML does not
        know is recorded and marked as inferred.
        """
        equipment = find(work.session, Equipment, input.equipment, "equipment")
        state = OF_BATCH[input.batch_state] if input.batch_state is not None else input.state
        if state is None or None not in (input.state, input.batch_state):
            raise Refused(invalid("name the state by `state` or by `batchState`, one of them", "state"))
        record = actions.report_state(work, equipment, state=state, mode=input.mode, set_by=input.set_by)
        return ReportEquipmentStatePayload(equipment=shown(equipment), state_record=shown(record))

    @command
    @at(named(Equipment, "equipment"))
    def command_equipment(work: Work, input: CommandEquipmentInput) -> CommandEquipmentPayload:
        """Tell a machine what to do, by hand, where no driver reports its states: they follow the commands of PackML.
        What the present state does not permit is refused with the commands that it does.
        """
        equipment = find(work.session, Equipment, input.equipment, "equipment")
        record = actions.command_equipment(work, equipment, input.command, expected_version=input.expected_version)
        return CommandEquipmentPayload(equipment=shown(equipment), state_record=shown(record))


@strawberry.type(description="A machine changed its state.")
class EquipmentStateEvent:
    """One event of the topic."""

    cursor: Cursor = strawberry.field(description="Pass it as `after` to go on behind it.")
    event: LedgerEventType = strawberry.field(description="The record; its payload has fromState and toState.")
    equipment: EquipmentNode | None = strawberry.field(description="The machine as it is now.")


@strawberry.type
class EquipmentSubscriptions:
    """Live."""

    @strawberry.subscription(description="Changes of machine states, of one machine or of all below one.")
    async def equipment_state_changed(
        self,
        info: Info,
        equipment: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only this equipment and what stands below it."),
        ] = None,
        after: AfterCursor = None,
    ) -> AsyncGenerator[EquipmentStateEvent, None]:
        """Follow the record."""
        context = info.context
        watched: set[int] | None = None
        if equipment is not None:
            root = await context.read(lambda s: find(s, Equipment, equipment, "equipment"))
            watched = set(await context.read(lambda s: queries.within(s, root.id)))

        def wanted(event: Recorded) -> bool:
            return watched is None or event.subjects[0][1] in watched

        async for event in follow(context, after, types={"EQUIPMENT_STATE_CHANGED"}, wanted=wanted):
            row = await context.one(Equipment, event.subjects[0][1])
            yield EquipmentStateEvent(cursor=cursor_of(context, event), event=shown(event), equipment=shown(row))
