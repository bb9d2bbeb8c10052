"""Two plants that mirror each other, HV1 and HV2, with one thing of every kind at each; and HV3, where nothing is.

What stands at a site carries the site's code in its key or name, so that a trace of it in an answer can be seen.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph import ledger
from mesgraph.access.accounts import link_identity, open_account, register_badge
from mesgraph.access.actions import create_principal, issue_api_key
from mesgraph.access.models import ApiKey, Identity, Principal, PrincipalKind, RoleGrant, SessionMethod
from mesgraph.access.roles import Role
from mesgraph.access.sessions import start_session
from mesgraph.api.nodes import node_id
from mesgraph.clock import to_micros
from mesgraph.db import Entity
from mesgraph.definitions.draft import ParameterDraft
from mesgraph.definitions.instruction import EntryDraft, InstructionDraft, StepDraft
from mesgraph.definitions.models import OperationsDefinition, StepKind
from mesgraph.definitions.values import ValueRule
from mesgraph.documents.actions import DocumentDraft, register
from mesgraph.equipment.actions import EquipmentMaster, submit_equipment, submit_equipment_class, submit_site
from mesgraph.equipment.models import Equipment, EquipmentLevel, Site
from mesgraph.holds.models import Hold
from mesgraph.integration.events import OutboundMessageQueued
from mesgraph.integration.models import (
    Destination,
    DestinationKind,
    InboundMessage,
    MessageState,
    OutboundMessage,
    OutboundState,
    OutboundTrigger,
)
from mesgraph.ledger.models import LedgerEvent
from mesgraph.materials.actions import submit_material_definition, submit_supplier
from mesgraph.materials.models import ApprovalStatus, Item
from mesgraph.orders.models import (
    Deviation,
    JobOrder,
    JobResponse,
    MaterialActual,
    MaterialReservation,
    OperationsRequest,
    SegmentRequirement,
)
from mesgraph.security_events.actions import raise_event
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.models import SecurityEvent
from mesgraph.security_events.watch import Alarm, principal
from mesgraph.signatures import actions as signatures
from mesgraph.signatures.models import SignatureMeaning
from mesgraph.sites.models import Transfer
from mesgraph.telemetry.models import DriverInstance, Tag
from mesgraph.telemetry.sealing import seal
from mesgraph.work import Actor, Grant
from tests.api import Api
from tests.factories.execution import Line, Step, amount, lot, put_definition, put_order
from tests.factories.materials import MATERIALS, make_item, site
from tests.factories.snapshot import asked_once

SITES = ("HV1", "HV2", "HV3")
STOCKED = SITES[:2]
SSCCS = {"HV1": "095212340000000013", "HV2": "095212340000000020"}
NO_SSCC = "095212340000000037"
STORED = "{ me { subject } }"
"""A document that is stored, of no site."""
ABSENT = 1_000_000
"""Added to the id of something, it is the id of nothing."""
NET = EntryDraft(field="net", prompt="Net weight", rule=ValueRule(uom="KGM", low=Decimal("7.40"), high=Decimal("7.48")))
MIX = Step(
    20,
    "SLURRY-C",
    [Line("RM-PVDF", per="0.0093", tolerance="0.5"), Line("RM-CB", per="0.0093", instead=[("RM-LFP", "1")])],
    parameters=[ParameterDraft(code="SOLIDS", name="Solids", rule=ValueRule(uom="P1", low=Decimal("61.2")))],
    instruction=InstructionDraft(
        code="WI-MIX",
        version="1",
        name="Charge",
        steps=[StepDraft(no=10, kind=StepKind.DATA, prompt="Weigh", entries=[NET])],
    ),
    alternates=["WORK-UNIT"],
)
BUILD = Step(10, "MOD-8S", [Line("CELL-105", per="2")])
WHY = {"code": "TEST", "comment": "for the matrix"}


@dataclass
class Things:
    """What stands at one site, by the name of its kind: the rows' ids, and how people name them."""

    site: str
    rows: dict[str, tuple[str, int]] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)

    def note(self, name: str, row: Entity, key: Any) -> None:
        """Remember a row under ``name``, with the human key that the API takes."""
        self.rows[name] = (row.subject_kind, row.id)
        self.keys[name] = key


@dataclass
class Plants:
    """The two plants, and a principal in whose name the matrix asks."""

    api: Api
    at: dict[str, Things]
    site_ids: dict[str, int]
    principal_id: int

    def actor(self, *roles: Role, at: str | None = None) -> Actor:
        """Somebody with these roles at a site (everywhere if left out)."""
        site_id = self.site_ids[at] if at else None
        grants = tuple(Grant(role.value, site_id) for role in roles)
        return Actor(principal_id=self.principal_id, subject="matrix", grants=grants, authenticated_by="test")

    def nobody(self) -> Actor:
        """The same without a role: what is left of a key for one site of somebody whose roles count at another."""
        return Actor(principal_id=self.principal_id, subject="matrix", authenticated_by="test")


async def two_plants(api: Api) -> Plants:
    """The plants, built by their verbs."""

    async def build() -> tuple[dict[str, Things], dict[str, int], int]:
        plants = await _build(api)
        return plants.at, plants.site_ids, plants.principal_id

    plants = Plants(api, *await asked_once(api, "two plants", build))
    end = await api.plant.tail.end()
    await api.plant.tail.moved_from(end.position - 1)
    return plants


async def _build(api: Api) -> Plants:
    def begin(session: Session) -> tuple[dict[str, int], int]:
        _masters(api, session)
        matrix = create_principal(api.work(session), subject="matrix", kind=PrincipalKind.PERSON, display_name="M")
        by = Actor(principal_id=matrix.id, subject=matrix.subject)
        register(api.work(session, by), [DocumentDraft(text=STORED, name="")])
        return {row.code: row.id for row in session.scalars(select(Site))}, matrix.id

    site_ids, principal_id = await api.plant.database.write(begin)
    plants = Plants(api, {}, site_ids, principal_id)
    everywhere = plants.actor(*Role)
    for code in STOCKED:
        plants.at[code] = Things(code)
        await _furnish(plants, code, everywhere)
    for code, to in zip(STOCKED, reversed(STOCKED), strict=True):
        await _send(api, code, to, everywhere)
        await _sample(api, code, everywhere, 2)  # into the head, behind one that never came
    return plants


def _masters(api: Api, session: Session) -> None:
    """What all sites share, and the equipment of each."""
    work = api.work(session)
    submit_equipment_class(work, code="WORK-UNIT", name="Anything that runs jobs")
    for code in SITES:
        row = submit_site(work, code=code, name=f"Plant {code}", gln=None, time_zone="Europe/Lisbon")
        for store in ("STORE-1", "STORE-2"):
            zone = EquipmentMaster(code=store, name=f"{store} of {code}", level=EquipmentLevel.STORAGE_ZONE)
            submit_equipment(work, row, zone)
        submit_equipment(
            work,
            row,
            EquipmentMaster(
                code="COAT01",
                name=f"Coater of {code}",
                level=EquipmentLevel.WORK_CELL,
                classes=["WORK-UNIT"],
                storage_locations=["STORE-1", "STORE-2"],
                capacity=100,
            ),
        )
    submit_supplier(work, code="SOLEXA", name="Solexa", gln=None, approval_status=ApprovalStatus.APPROVED)
    for master in MATERIALS:
        submit_material_definition(work, master)


async def _furnish(plants: Plants, code: str, by: Actor) -> None:
    """One thing of every kind at the site, made by the API."""
    api = plants.api
    orders = await api.plant.database.write(lambda session: _orders(api, session, code))
    for material, number in (("RM-PVDF", f"P-{code}"), ("RM-CB", f"CB-{code}"), ("RM-LFP", f"L-{code}")):
        await make_item(api, material, number, "500", site_code=code, location=f"{code}/STORE-1")
    line = {"material": "RM-NMP", "lotNumber": f"N-{code}", "quantity": amount("100", "KGM"), "supplier": "SOLEXA"}
    await api.do("receiveItems", "", by=by, site=code, lines=[line | {"location": f"{code}/STORE-1"}])
    for n in range(4):
        await make_item(api, "CELL-105", f"C{n}-{code}", site_code=code, location=f"{code}/STORE-1")
    await _run(api, code, by, orders["MIX"])
    await _assemble(api, code, by, orders["BUILD"])
    await _stock(api, code, by, orders["WAIT"])
    await _measure(api, code, by)
    await api.plant.database.write(lambda session: _people_and_messages(plants, session, code))
    await api.plant.database.read(lambda session: _note(plants.at[code], session))


def _orders(api: Api, session: Session, code: str) -> dict[str, str]:
    """Orders of the site: one that is run, one that builds a unit, one that waits. Returns their jobs."""
    jobs = {}
    author = api.work(session)
    for name, step in (("MIX", MIX), ("BUILD", BUILD), ("WAIT", MIX)):
        known = session.query(OperationsDefinition).filter_by(code=f"OD-{name}").one_or_none()
        if known is None:
            people = [_principal(author, f"{who}-{name.lower()}") for who in ("eng", "qa")]
            actors = [Actor(principal_id=person.id, subject=person.subject) for person in people]
            known = put_definition(api, session, name, [step], actors[0], actors[1])
        order = put_order(api, session, known, [step], f"{name}-{code}", Decimal(20), "COAT01", code)
        [jobs[name]] = order.jobs.values()
    return jobs


def _principal(work: Any, subject: str) -> Principal:
    return create_principal(work, subject=subject, kind=PrincipalKind.PERSON, display_name=subject)


async def _run(api: Api, code: str, by: Actor, job: str) -> None:
    """A run that took, made, reported, measured and deviated."""
    run = f"{job}-R1"
    pvdf = {"material": "RM-PVDF", "lot": f"P-{code}"}
    await api.do("startJobOrder", "", by=by, jobOrder=job)
    await api.do("consumeMaterial", "", by=by, jobResponse=run, item=pvdf, quantity=amount("7", "KGM"))
    made = lot("SLURRY-C", f"S-{code}", "10")
    await api.do("produceMaterial", "", by=by, jobResponse=run, outputs=[made])
    await api.do("consumeMaterial", "", by=by, jobResponse=run, item=pvdf, quantity=amount("1", "KGM"))
    await api.do("reportQuantity", "", by=by, jobResponse=run, good=amount("1", "KGM"))
    await api.do("recordParameter", "", by=by, jobResponse=run, parameter="SOLIDS", value="70", uom="P1")
    entry = {"field": "net", "value": "7.45", "uom": "KGM"}
    await api.do("recordStep", "", by=by, jobResponse=run, step="10", entries=[entry])
    await api.do("openDeviation", "", by=by, jobResponse=run, material="RM-PVDF", reason=WHY)
    scrap = amount("1", "KGM")
    await api.do(
        "reportQuantity", "", by=by, jobResponse=run, scrap=scrap, scrapReasons=[{"quantity": scrap, "reason": WHY}]
    )


async def _assemble(api: Api, code: str, by: Actor, job: str) -> None:
    await api.do("startJobOrder", "", by=by, jobOrder=job)
    cells = [{"item": {"material": "CELL-105", "serial": f"C{n}-{code}"}, "slot": f"S{n}"} for n in range(2)]
    await api.do(
        "assembleUnit",
        "",
        by=by,
        jobResponse=f"{job}-R1",
        material="MOD-8S",
        serialNumber=f"M-{code}",
        components=cells,
    )


async def _stock(api: Api, code: str, by: Actor, job: str) -> None:
    """What stands beside production: a part of a lot, a pallet, holds, a reservation, a transfer, a machine's state."""
    carbon, powder = ({"material": m, "lot": f"{n}-{code}"} for m, n in (("RM-CB", "CB"), ("RM-LFP", "L")))
    await api.do("splitLot", "", by=by, item=carbon, children=[{"quantity": amount("5", "KGM")}])
    cell = {"material": "CELL-105", "serial": f"C3-{code}"}
    await api.do("pack", "", by=by, sscc=SSCCS[code], items=[cell])
    for held in (
        {"items": [{"material": "RM-NMP", "lot": f"N-{code}"}]},
        {"items": [], "equipment": f"{code}/STORE-2"},
        {"items": [], "operationsRequest": f"{code}/WAIT-{code}"},
    ):
        await api.do("placeHold", "", by=by, severity="MINOR", reason=WHY, **held)
    await api.do("reserveMaterial", "", by=by, jobOrder=job, item=powder, quantity=amount("2", "KGM"))
    await api.do("createTransfer", "", by=by, fromSite=code, toSite="HV3", items=[powder])
    await api.do("reportEquipmentState", "", by=by, equipment=f"{code}/COAT01", state="EXECUTE")


async def _measure(api: Api, code: str, by: Actor) -> None:
    """A driver with a tag, and a sample of it in a chunk."""
    driver = {"code": "DRV-1", "driver": "simulator", "config": {"host": code}}
    await api.do("submitDriverInstances", "", by=by, site=code, driverInstances=[driver])
    tag = {"path": "Temp", "driverInstance": "DRV-1", "address": code, "kind": "ANALOG", "dataType": "FLOAT"}
    await api.do("submitTags", "", by=by, site=code, tags=[tag | {"validRange": {"high": "10"}}])
    await _sample(api, code, by, 0)
    await seal(api.plant.database)


async def _sample(api: Api, code: str, by: Actor, sequence: int) -> None:
    now = to_micros(api.clock.now()) + sequence
    samples = {"paths": ["Temp"], "tag": [0], "time": [now], "received": [now], "value": [20 + sequence]}
    given = {"driverInstance": f"{code}/DRV-1", "sequence": sequence, "samples": samples}
    await api.do("ingestSamples", "", by=by, **given)


async def _send(api: Api, code: str, to: str, by: Actor) -> None:
    """A lot of which a run of the one site took, that went to the other and was used there, too."""
    gone = {"material": "RM-PVDF", "lot": f"GONE-{to}"}
    await make_item(api, "RM-PVDF", f"GONE-{to}", "50", site_code=code, location=f"{code}/STORE-1")

    async def take(site_code: str, number: str) -> None:
        run = f"{site_code}/MIX-{site_code}-20-R1"
        await api.do("consumeMaterial", "", by=by, jobResponse=run, item=gone, quantity=amount("1", "KGM"))
        made = lot("SLURRY-C", f"{number}-{site_code}", "1")
        await api.do("produceMaterial", "", by=by, jobResponse=run, outputs=[made])

    await take(code, "BEFORE")
    sent = await api.do("createTransfer", "transfer { number }", by=by, fromSite=code, toSite=to, items=[gone])
    number = sent["transfer"]["number"]
    await api.do("shipTransfer", "", by=by, transfer=number)
    await api.do("confirmTransferReceipt", "", by=by, transfer=number, location=f"{to}/STORE-1")
    await take(to, "AFTER")


def _people_and_messages(plants: Plants, session: Session, code: str) -> None:
    """A person of the site with every way in, and what came from and goes to other systems."""
    work = plants.api.work(session)
    person = _principal(work, f"person-{code}")
    site_id = plants.site_ids[code]
    for role in (Role.OPERATOR, Role.PLANNER):
        work.add(RoleGrant(principal_id=person.id, role=role, site_id=site_id))
    open_account(work, person, "no hash")
    register_badge(work, person, f"BADGE-{code}", "no hash")
    link_identity(work, person, "https://id.example", f"sub-{code}")
    issue_api_key(work, person, site_id, code)
    session_id = start_session(work, person, SessionMethod.PASSWORD).session.id
    _sign(plants, session, code, Actor(principal_id=person.id, subject=person.subject, session_id=session_id))
    looks = Alarm(SecurityEventKind.PROBING, principal(person.id), work.now, work.now, work.now, 30)
    raise_event(work, looks)
    destination = work.add(
        Destination(
            code=f"ERP-{code}",
            destination_kind=DestinationKind.CONNECTOR,
            from_position=0,
            site_id=site_id,
            active=True,
        )
    )
    request = session.query(OperationsRequest).filter_by(code=f"MIX-{code}").one()
    message = work.add(
        OutboundMessage(
            destination_id=destination.id,
            message_id=f"OUT-{code}",
            trigger=OutboundTrigger.ORDER_CLOSED,
            request_id=request.id,
            document="<SyncOperationsPerformance/>",
            state=OutboundState.PENDING,
            site_id=site_id,
        )
    )
    queued = OutboundMessageQueued(message=message, destination=destination, request=request, trigger=message.trigger)
    ledger.record(work, queued, site_id=site_id)
    work.add(
        InboundMessage(
            source_system=f"ERP-{code}",
            message_id=f"IN-{code}",
            message_kind="ProcessOperationsSchedule",
            payload_hash=b"-" * 32,
            state=MessageState.DEAD_LETTER,
            principal_id=person.id,
            problem="nothing of it can be read",
        )
    )


def _sign(plants: Plants, session: Session, code: str, by: Actor) -> None:
    """Put a signature under the lot that the matrix asks about."""
    work = plants.api.work(session, by)
    lot = session.query(Item).filter_by(number=f"P-{code}").one()
    _, text = signatures.challenge(work, lot, SignatureMeaning.REVIEW)
    given = signatures.Given(text, signatures.prove(work, text, SessionMethod.PASSWORD))
    signatures.take(work, given, lambda _: "UTC")


def _note(things: Things, session: Session) -> None:
    """Look up what was made, and how each is named."""
    code = things.site
    site_id = site(session, code).id

    def first(cls: Any, **wanted: Any) -> Any:
        return session.query(cls).filter_by(**wanted).order_by(cls.id).first()

    def here(cls: Any, **wanted: Any) -> Any:
        return first(cls, site_id=site_id, **wanted)

    things.note("site", here(Site), code)
    for name, equipment in (("equipment", "COAT01"), ("location", "STORE-1"), ("root equipment", code)):
        things.note(name, here(Equipment, code=equipment), f"{code}/{equipment}")
    for name, key in (
        ("lot", {"material": "RM-PVDF", "lot": f"P-{code}"}),
        ("lot2", {"material": "RM-CB", "lot": f"CB-{code}"}),
        ("waiting", {"material": "RM-NMP", "lot": f"N-{code}"}),
        ("made", {"material": "SLURRY-C", "lot": f"S-{code}"}),
        ("unit", {"material": "MOD-8S", "serial": f"M-{code}"}),
        ("component", {"material": "CELL-105", "serial": f"C0-{code}"}),
        ("free cell", {"material": "CELL-105", "serial": f"C2-{code}"}),
    ):
        things.note(name, here(Item, number=key.get("lot") or key["serial"]), key)
    things.note("pallet", here(Item, number=SSCCS[code]), {"sscc": SSCCS[code]})
    for name, order in (("order", "MIX"), ("waiting order", "WAIT")):
        things.note(name, here(OperationsRequest, code=f"{order}-{code}"), f"{code}/{order}-{code}")
    for name, job in (("job", "MIX"), ("waiting job", "WAIT")):
        row = here(JobOrder, code=f"{job}-{code}-20")
        things.note(name, row, f"{code}/{row.code}")
    run = here(JobResponse, code=f"MIX-{code}-20-R1")
    things.note("run", run, f"{code}/{run.code}")
    for name, cls in (("hold", Hold), ("deviation", Deviation)):
        row = here(cls)
        things.note(name, row, f"{code}/{row.number}")
    for name, cls in (
        ("step", SegmentRequirement),
        ("reservation", MaterialReservation),
        ("actual", MaterialActual),
        ("message", OutboundMessage),
    ):
        row = here(cls)
        things.note(name, row, node_id(row))
    things.note("driver", here(DriverInstance), f"{code}/DRV-1")
    things.note("tag", here(Tag), f"{code}/Temp")
    transfer = first(Transfer, from_site_id=site_id)
    things.note("transfer", transfer, transfer.number)
    person = first(Principal, subject=f"person-{code}")
    things.note("person", person, person.subject)
    looks = first(SecurityEvent, principal_id=person.id)
    things.note("security event", looks, node_id(looks))
    key = first(ApiKey, principal_id=person.id)
    things.note("key", key, key.key_id)
    identity = first(Identity, principal_id=person.id)
    things.note("identity", identity, node_id(identity))
    event = session.scalars(
        select(LedgerEvent).where(LedgerEvent.site_id == site_id, LedgerEvent.type == "QUANTITY_REPORTED")
    ).first()
    assert event is not None
    things.keys |= {"event": str(UUID(bytes=event.event_id)), "message": f"OUT-{code}", "destination": f"ERP-{code}"}
