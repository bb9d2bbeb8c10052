"""A plant with something of everything that can be listed, drawn by a fixed seed, and its rows as plain objects."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.models import Principal, RoleGrant
from mesgraph.access.roles import Role
from mesgraph.definitions.models import OperationsDefinition
from mesgraph.documents.models import StoredDocument
from mesgraph.equipment.actions import EquipmentMaster, submit_equipment
from mesgraph.equipment.models import Equipment, EquipmentClassMember, EquipmentLevel, EquipmentMode, PackmlState
from mesgraph.genealogy.models import GenealogyEvent, GenealogyLine
from mesgraph.holds.models import HeldItem, Hold
from mesgraph.integration.models import (
    Destination,
    DestinationKind,
    InboundMessage,
    MessageState,
    OutboundMessage,
    OutboundState,
    OutboundTrigger,
)
from mesgraph.materials.creation import create_item
from mesgraph.materials.models import ApprovalStatus, Item, ItemKind, Lifecycle, MaterialDefinition, Supplier
from mesgraph.orders.models import (
    Deviation,
    DeviationKind,
    DeviationState,
    JobOrder,
    JobResponse,
    JobState,
    JobSubState,
    OperationsRequest,
    RequestState,
)
from mesgraph.security_events.kinds import SecurityEventKind, SecuritySeverity
from mesgraph.security_events.models import SecurityEvent
from mesgraph.sites.models import Transfer, TransferLine, TransferState
from mesgraph.telemetry.models import DataQualityIssue, DriverInstance, IssueKind, Tag
from tests.api import START, Api
from tests.factories.genealogy import act, new_item, receive
from tests.factories.materials import SSCC, make_item, site
from tests.factories.orders import cathode, make_cathode, makes, order, release, step, submit
from tests.factories.telemetry import TAGS, TEMP

NOW = START + timedelta(days=3)
SSCC_2 = "095212340000000020"
STORES = {"RACK-1": "STORE-RM", "RACK-2": "STORE-RM", "BIN-11": "RACK-1"}


class Lot:
    """Stands for the rows of :class:`Item` that are lots."""


@dataclass
class Rows:
    """The rows by class, each in the order of its making, and what links them."""

    of: dict[type, list[Any]] = field(default_factory=dict)
    parents: dict[int, int | None] = field(default_factory=dict)
    links: dict[str, set[tuple[Any, ...]]] = field(default_factory=dict)

    def id(self, cls: type, name: str) -> int:
        """The id of the only row of ``cls`` that is called so."""
        [row] = [row for row in self.of[cls] if name in (row.human_key, getattr(row, "code", None))]
        return int(row.id)

    def row(self, cls: type, key: int) -> Any:
        """The row of ``cls`` with this id."""
        [row] = [row for row in self.of[cls] if row.id == key]
        return row

    def below(self, equipment_id: int | None, root: str) -> bool:
        """Whether the equipment is ``root`` or stands below it."""
        wanted = self.id(Equipment, root)
        while equipment_id is not None and equipment_id != wanted:
            equipment_id = self.parents[equipment_id]
        return equipment_id is not None


async def fill(api: Api) -> Rows:
    """Make the plant; afterwards the clock stands at :data:`NOW`."""
    draw = random.Random(7)
    await make_cathode(api)
    author = await api.actor(Role.ENGINEER, subject="eng-03")
    await api.do("draftOperationsDefinition", "", by=author, **cathode(version="6"))
    anode = [step(10, "COAT-A", "COATING", materials=[makes(1, "COIL-A", "MTR")])]
    await api.do("draftOperationsDefinition", "", by=author, **cathode(code="OD-X", product="COIL-A", segments=anode))
    await _people(api)
    await _equipment(api)
    await _lots(api, draw)
    await _holds(api)
    await _orders(api, draw)
    await _telemetry(api)
    api.clock.at = NOW
    return await api.plant.database.read(_rows)


async def _people(api: Api) -> None:
    for subject, site_code in (("q-05", "HV1"), ("q-06", "HV2"), ("viewer-1", "HV2")):
        await api.actor(Role.QUALITY, site=site_code, subject=subject)
    admin = await api.actor(Role.ADMIN)
    await api.do("withdrawRole", "", by=admin, principal="q-06", role="QUALITY", site="HV2")
    await api.do("createPrincipal", "", by=admin, subject="svc-1", kind="SERVICE", displayName="Driver")

    def retire(session: Session) -> None:
        session.query(Principal).filter_by(subject="viewer-1").one().active = False

    await api.plant.database.write(retire)


async def _equipment(api: Api) -> None:
    def make(session: Session) -> None:
        work = api.work(session)
        for code, parent in STORES.items():
            master = EquipmentMaster(code=code, name=code, level=EquipmentLevel.STORAGE_UNIT, parent=parent)
            submit_equipment(work, site(session), master)
        session.flush()
        for code, state, mode in (
            ("COAT01", PackmlState.EXECUTE, EquipmentMode.PRODUCTION),
            ("COAT02", PackmlState.HELD, EquipmentMode.MAINTENANCE),
        ):
            row = session.query(Equipment).filter_by(code=code).one()
            row.packml_state, row.mode = state, mode
        session.query(Supplier).filter_by(code="FERROVIA").one().approval_status = ApprovalStatus.BLOCKED

    await api.plant.database.write(make)


async def _lots(api: Api, draw: random.Random) -> None:
    places = [None, "HV1/STORE-RM", "HV1/STORE-WIP", "HV1/RACK-1", "HV1/RACK-2", "HV1/BIN-11"]
    for i in range(30):
        code = draw.choice(["RM-LFP", "RM-PVDF", "RM-CB"])
        lot = await make_item(api, code, f"L-{draw.randrange(100):02}-{i}", "9", location=draw.choice(places))
        changes: dict[str, Any] = {
            "lifecycle": draw.choice(list(Lifecycle)),
            "open_holds": draw.choice([0, 0, 1]),
            # with repeats, so that the tie-break decides
            "expires_at": draw.choice([None, *(START + timedelta(days=days) for days in (1, 3, 3, 5, 9))]),
            "supplier_lot": draw.choice([None, "S-1", "S-2"]),
        }
        supplier = draw.choice([None, "SOLEXA", "FERROVIA"])
        await api.plant.database.write(lambda s, key=lot.id, c=changes, by=supplier: _put(s, key, c, by))
    await make_item(api, "RM-CB", "L-HV2", location="HV2/STORE-FG", site_code="HV2")
    await make_item(api, "CELL-105", "HC2604700001")
    for number in ("G-1", "G-2"):
        api.clock.step(hours=5)
        await receive(api, "RM-NMP", number, "100", location="HV1/STORE-RM")
    await act(api, lambda work: new_item(work, "COIL-C", "C-1", "100"))
    part = {"quantity": {"value": "10", "uom": "KGM"}}
    for number in ("G-1", "G-2"):
        whole = {"material": "RM-NMP", "lot": number}
        await api.do("splitLot", "", by=Role.OPERATOR, item=whole, children=[part, part])
    await api.plant.database.write(lambda session: _pack(api, session))


def _pack(api: Api, session: Session) -> None:
    """A pallet that holds a unit, and an empty one."""
    full, _ = (
        create_item(
            api.work(session),
            site_id=site(session).id,
            item_kind=ItemKind.LOGISTIC_UNIT,
            material=None,
            number=number,
            quantity=Decimal(1),
            lifecycle=Lifecycle.AVAILABLE,
        )
        for number in (SSCC, SSCC_2)
    )
    session.flush()
    session.query(Item).filter_by(item_kind=ItemKind.SERIAL_UNIT).one().parent_id = full.id


def _put(session: Session, item_id: int, changes: dict[str, Any], supplier: str | None) -> None:
    row = session.query(Item).filter_by(id=item_id).one()
    for name, value in changes.items():
        setattr(row, name, value)
    row.supplier_id = None if supplier is None else session.query(Supplier).filter_by(code=supplier).one().id


async def _holds(api: Api) -> None:
    why = {"code": "SUPPLIER_NOTICE"}
    for severity, more in (
        ("MINOR", {"items": [{"material": "RM-NMP", "lot": "G-1"}]}),
        ("MAJOR", {"equipment": "HV1/COAT02"}),
        ("CRITICAL", {"items": [{"material": "RM-NMP", "lot": number} for number in ("G-1", "G-2")]}),
        (
            "MINOR",
            {"items": [{"material": "COIL-C", "lot": "C-1"}], "range": {"from": "1", "to": "2"}},
        ),
        ("MAJOR", {"equipment": "HV1/RACK-1"}),
    ):
        api.clock.step(hours=1)
        await api.do("placeHold", "", by=Role.QUALITY, severity=severity, reason=why, **more)
    await api.do("releaseHold", "", by=Role.QA, hold="HV1/H-000002")


async def _orders(api: Api, draw: random.Random) -> None:
    def day(days: int | None) -> str | None:
        return None if days is None else (START + timedelta(days=days)).isoformat()

    for i in range(12):
        due, start = draw.choice([None, 4, 4, 5, 6]), draw.choice([None, 1, 2])
        number = f"{draw.choice('ABC')}-{draw.randrange(1000):03}-{i}"
        await submit(api, order(number, dueAt=day(due), earliestStart=day(start)), message=f"M-{i}")
    await submit(api, order("Z-1", product="COIL-A"), message="M-Z")
    for number in ("R-1", "R-2", "R-3"):
        await release(api, number)
    why = {"code": "ERP"}
    await api.do("placeHold", "", by=Role.QUALITY, severity="MINOR", reason=why, operationsRequest="HV1/R-3")

    def scatter(session: Session) -> None:
        machines = [None, *session.scalars(select(Equipment.id).where(Equipment.code.in_(["COAT01", "RACK-1"])))]
        for request in session.scalars(select(OperationsRequest).where(OperationsRequest.code.startswith("A"))):
            request.state = draw.choice(list(RequestState))
        for job in session.scalars(select(JobOrder).order_by(JobOrder.id)):
            job.state = draw.choice(list(JobState))
            job.sub_state = draw.choice([None, *JobSubState])
            job.equipment_id = draw.choice(machines)
            job.planned_start = draw.choice([None, *(START + timedelta(hours=hours) for hours in (1, 1, 2, 3))])

        made_for = session.query(OperationsRequest).filter_by(code="R-2").one().id
        for item in session.scalars(select(Item).where(Item.number.in_(["C-1", "HC2604700001"]))):
            item.request_id = made_for

    await api.plant.database.write(scatter)
    await api.plant.database.write(_deviations)
    await api.plant.database.write(_messages)
    await api.plant.database.write(_told)
    await api.plant.database.write(_security)


def _deviations(session: Session) -> None:
    author = session.query(Principal).filter_by(subject="eng-03").one()
    machine = session.query(Equipment).filter_by(code="WB01").one()
    states, kinds = list(DeviationState), list(DeviationKind)
    for i, number in enumerate(("R-1", "R-2")):
        job = session.query(JobOrder).filter_by(code=f"{number}-10").one()
        common = {"site_id": job.site_id, "created_at": START}
        run = JobResponse(
            code=f"{job.code}-R1",
            job_order_id=job.id,
            request_id=job.request_id,
            run=1,
            equipment_id=machine.id,
            begun_by_id=author.id,
            started_at=START,
            **common,
        )
        session.add(run)
        session.flush()
        for k in range(4):
            session.add(
                Deviation(
                    number=f"D-{i}{k}",
                    deviation_kind=kinds[k % len(kinds)],
                    state=states[(i + k) % len(states)],
                    job_response_id=run.id,
                    description="out of its limits",
                    opened_by_id=author.id,
                    opened_at=START + timedelta(days=k),
                    **common,
                )
            )


def _messages(session: Session) -> None:
    sender = session.query(Principal).filter_by(subject="eng-03").one()
    for i, state in enumerate(MessageState):
        message = InboundMessage(
            source_system=f"ERP{i % 2 + 1}",
            message_id=f"BOD-{i}",
            message_kind="ProcessOperationsSchedule",
            payload_hash=bytes([i]) * 32,
            state=state,
            principal_id=sender.id,
            created_at=START,
        )
        session.add(message)


def _told(session: Session) -> None:
    lot = session.query(Item).filter_by(key="RM-NMP/G-1").one()
    request = session.query(OperationsRequest).filter_by(code="R-1").one()
    here, there = (site(session, code) for code in ("HV1", "HV2"))
    for i, kind in enumerate(DestinationKind):
        destination = Destination(
            code=f"X{9 - i}", destination_kind=kind, active=i == 0, from_position=0, created_at=START
        )
        session.add(destination)
        session.flush()
        for k, state in enumerate(OutboundState):
            message = OutboundMessage(
                destination_id=destination.id,
                message_id=f"O-{i}{k}",
                trigger=OutboundTrigger.ORDER_COMPLETED,
                request_id=request.id,
                document="<SyncOperationsPerformance/>",
                state=state,
                site_id=here.id,
                created_at=START,
            )
            session.add(message)
    for i, state in enumerate(TransferState):
        transfer = Transfer(
            number=f"T-{i}",
            from_site_id=here.id,
            to_site_id=there.id,
            from_code="HV1",
            to_code="HV2",
            state=state,
            created_at=START,
        )
        session.add(transfer)
        session.flush()
        if i % 2:
            line = TransferLine(
                transfer_id=transfer.id,
                line=1,
                item_id=lot.id,
                item_key=lot.key,
                uom=lot.uom,
                shipped=lot.quantity,
                created_at=START,
            )
            session.add(line)


async def _telemetry(api: Api) -> None:
    """Drivers at both sites, tags of each type, and what is wrong with them, on two days."""
    by = Role.ENGINEER
    for site_code, codes in (("HV1", ("DRV-1", "DRV-12")), ("HV2", ("DRV-9",))):
        drivers = zip(codes, ("simulator", "modbus"), strict=False)
        given = [{"code": code, "driver": driver} for code, driver in drivers]
        await api.do("submitDriverInstances", "", by=by, site=site_code, driverInstances=given)
    await api.do("submitTags", "", by=by, site="HV1", tags=TAGS)
    store = TEMP | {"path": "STORE/Temp", "driverInstance": "DRV-12", "equipment": "BIN-11"}
    await api.do("submitTags", "", by=by, site="HV1", tags=[store])
    alone = {"path": "COAT09/Temp", "driverInstance": "DRV-9", "equipment": None, "dataType": "INTEGER"}
    await api.do("submitTags", "", by=by, site="HV2", tags=[TEMP | alone])

    def find_fault(session: Session) -> None:
        tags = session.scalars(select(Tag).order_by(Tag.id)).all()
        for i, kind in enumerate(IssueKind):
            tag = None if kind is IssueKind.GAP else tags[i % len(tags)]
            at = START + timedelta(days=i % 2)
            session.add(
                DataQualityIssue(
                    site_id=tags[i % len(tags)].site_id,
                    driver_instance_id=tags[i % len(tags)].driver_instance_id,
                    tag_id=tag.id if tag else None,
                    issue_kind=kind,
                    hour=i,
                    first_at=at,
                    last_at=at,
                    count=i + 1,
                    created_at=at,
                )
            )

    await api.plant.database.write(find_fault)


def _security(session: Session) -> None:
    """Stored documents, and what looked like attacks, some of it acknowledged."""
    by = session.scalars(select(Principal.id).limit(1)).one()
    for i, name in enumerate(("Stop", "Start", "Start", "Lots")):
        session.add(
            StoredDocument(
                document_id=f"{i:064x}",
                text=f"query {name} {{ me {{ subject }} }} # {i}",
                name=name,
                registered_by_id=by,
                registered_at=START,
                retired_at=START if i % 2 else None,
                created_at=START,
            )
        )
    for i, kind in enumerate(SecurityEventKind):
        at = START + timedelta(days=i)
        session.add(
            SecurityEvent(
                event_kind=kind,
                severity=list(SecuritySeverity)[i % 3],
                source="server",
                window_at=at,
                first_at=at,
                last_at=at,
                count=1,
                acknowledged_at=at if i % 2 else None,
                created_at=START,
            )
        )


def _rows(session: Session) -> Rows:
    classes = (
        *(Equipment, Supplier, MaterialDefinition, OperationsDefinition, Hold, OperationsRequest, JobOrder),
        *(JobResponse, Deviation, GenealogyEvent, Principal, InboundMessage),
        *(Destination, OutboundMessage, Transfer, Item, StoredDocument, SecurityEvent),
        *(DriverInstance, Tag, DataQualityIssue),
    )
    rows = Rows({cls: list(session.scalars(select(cls).order_by(cls.id))) for cls in classes})
    rows.of[Lot] = [row for row in rows.of[Item] if row.item_kind is ItemKind.LOT]
    rows.parents = {row.id: row.parent_id for row in rows.of[Equipment]}
    pairs = {
        "class": select(EquipmentClassMember.equipment_id, EquipmentClassMember.class_id),
        "held": select(HeldItem.hold_id, HeldItem.item_id),
        "sent": select(TransferLine.transfer_id, TransferLine.item_id),
        "line": select(GenealogyLine.event_id, GenealogyLine.item_id),
        "role": select(RoleGrant.principal_id, RoleGrant.role, RoleGrant.site_id).where(
            RoleGrant.withdrawn_at.is_(None)
        ),
    }
    rows.links = {name: {tuple(row) for row in session.execute(pair)} for name, pair in pairs.items()}
    return rows
