"""Orders that can be run at once: a route on HALVARD's coater, its jobs permitted, its materials received."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.definitions.actions import (
    approve_operations_definition,
    draft_operations_definition,
    submit_operations_definition,
)
from mesgraph.definitions.draft import (
    AlternateDraft,
    DefinitionDraft,
    MaterialAlternateDraft,
    MaterialDraft,
    ParameterDraft,
    SegmentDraft,
)
from mesgraph.definitions.instruction import InstructionDraft
from mesgraph.definitions.models import IssueMethod, MaterialUse, OperationsDefinition, RevisionRule, ToleranceAction
from mesgraph.definitions.queries import segments_of
from mesgraph.equipment.actions import EquipmentMaster, submit_equipment, submit_equipment_class
from mesgraph.equipment.models import EquipmentLevel
from mesgraph.genealogy.actions import ReceiptLine, receive_items
from mesgraph.materials.models import Item
from mesgraph.orders.models import (
    JobOrder,
    JobState,
    JobSubState,
    OperationsRequest,
    RequestState,
    SegmentRequirement,
)
from mesgraph.work import Actor
from tests.api import Api
from tests.factories.materials import equipment, material, put_halvard, site
from tests.factories.snapshot import make_once

STORES = ["STORE-RM", "STORE-WIP"]


@dataclass(frozen=True)
class Line:
    """A bill line: material, amount per unit of output, and how strictly it is kept."""

    material: str
    use: MaterialUse = MaterialUse.CONSUMED
    per: str = "1"
    tolerance: str | None = None
    action: ToleranceAction = ToleranceAction.WARN
    revisions: RevisionRule = RevisionRule.ANY_APPROVED
    issue: IssueMethod = IssueMethod.PICK
    scrap: str = "0"
    instead: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Step:
    """A step of the route that makes ``makes`` of the lines."""

    seq: int
    makes: str
    lines: Sequence[Line] = ()
    beside: Sequence[Line] = ()
    parameters: Sequence[ParameterDraft] = ()
    instruction: InstructionDraft | None = None
    alternates: Sequence[str] = ()


MIX = Step(20, "SLURRY-C", [Line("RM-PVDF", per="0.0093"), Line("RM-LFP", per="0.6014"), Line("RM-NMP", per="0.38")])
COAT = Step(30, "COIL-C", [Line("SLURRY-C", per="0.3475")])
STACK = Step(40, "CELL-105", [Line("COIL-C", per="3.34"), Line("RM-ELY", per="0.265")])
MODULE = Step(10, "MOD-8S", [Line("CELL-105", per="8")])


@dataclass
class Order:
    """An order with its jobs by step, as opaque keys for the API; ``run`` remembers the runs."""

    code: str
    jobs: dict[int, str] = field(default_factory=dict)


async def make_plant(api: Api) -> Actor:
    """HALVARD with COAT01 for any number of jobs and COAT02 for one; returns the operator."""

    def prepare(session: Session) -> None:
        put_halvard(api, session)
        work = api.work(session)
        submit_equipment_class(work, code="WORK-UNIT", name="Anything that runs jobs")
        for code in ("COAT01", "COAT02"):
            master = EquipmentMaster(
                code=code,
                name=code,
                level=EquipmentLevel.WORK_CELL,
                classes=["WORK-UNIT"],
                storage_locations=STORES,
                capacity=10_000 if code == "COAT01" else 1,
            )
            submit_equipment(work, site(session), master)

    await make_once(api, "plant", prepare)
    return await api.actor(Role.OPERATOR, site="HV1", subject="op-017")


async def make_order(
    api: Api, *steps: Step, code: str = "10045", quantity: str = "20", equipment_code: str | None = "COAT01"
) -> Order:
    """An order for the output of the last of ``steps``, READY, with one permitted job for each step."""
    author = await api.actor(Role.ENGINEER, subject="eng-03")
    approver = await api.actor(Role.QA, subject="qa-01")

    def make(session: Session) -> Order:
        definition = put_definition(api, session, code, steps, author, approver)
        return put_order(api, session, definition, steps, code, Decimal(quantity), equipment_code)

    return await api.plant.database.write(make)


def put_definition(
    api: Api, session: Session, code: str, steps: Sequence[Step], author: Actor, approver: Actor
) -> OperationsDefinition:
    """An approved definition of the steps, each of any class of work unit and waiting for nothing."""
    from mesgraph.equipment.queries import class_by_key

    work = api.work(session, author)
    segments = [
        SegmentDraft(
            seq=step.seq,
            name=f"Make {step.makes}",
            equipment_class=class_by_key(session, "WORK-UNIT"),
            dependencies=(),
            parameters=step.parameters,
            instruction=step.instruction,
            alternates=[
                AlternateDraft(equipment_class=class_by_key(session, code), priority=len(step.alternates) - i)
                for i, code in enumerate(step.alternates)
            ],
            materials=[
                MaterialDraft(
                    line=number,
                    material=material(session, line.material),
                    use=line.use,
                    quantity_per=Decimal(line.per),
                    revision_rule=line.revisions,
                    tolerance_pct=Decimal(line.tolerance) if line.tolerance else None,
                    tolerance_action=line.action,
                    issue=line.issue,
                    scrap_factor=Decimal(line.scrap),
                    alternates=[
                        MaterialAlternateDraft(material=material(session, code), factor=Decimal(factor))
                        for code, factor in line.instead
                    ],
                )
                for number, line in enumerate(
                    [Line(step.makes, MaterialUse.PRODUCED), *step.lines, *step.beside], start=1
                )
            ],
        )
        for step in steps
    ]
    draft = DefinitionDraft(
        code=f"OD-{code}",
        version="1",
        name="Route",
        product=material(session, steps[-1].makes),
        segments=segments,
    )
    definition = draft_operations_definition(work, draft)
    submit_operations_definition(work, definition)
    return approve_operations_definition(api.work(session, approver), definition)


def put_order(
    api: Api,
    session: Session,
    definition: OperationsDefinition,
    steps: Sequence[Step],
    code: str,
    quantity: Decimal,
    equipment_code: str | None,
    site_code: str = "HV1",
) -> Order:
    """The rows of an order that is READY, with one permitted job for each step."""
    work = api.work(session)
    site_id = site(session, site_code).id
    unit = equipment(session, f"{site_code}/{equipment_code}") if equipment_code else None
    request = work.add(
        OperationsRequest(
            site_id=site_id,
            code=code,
            source_system="TEST",
            external_id=code,
            content_digest=b"-" * 32,
            product_id=definition.product_id,
            definition_id=definition.id,
            quantity=quantity,
            state=RequestState.READY,
        )
    )
    jobs: dict[int, str] = {}
    for segment in segments_of(session, definition.id):
        requirement = work.add(
            SegmentRequirement(
                site_id=site_id,
                request_id=request.id,
                segment_id=segment.id,
                seq=segment.seq,
                quantity=quantity,
            )
        )
        job = work.add(
            JobOrder(
                site_id=site_id,
                code=f"{code}-{segment.seq}",
                request_id=request.id,
                requirement_id=requirement.id,
                equipment_id=unit.id if unit else None,
                quantity=quantity,
                state=JobState.ALLOWED_TO_START,
                sub_state=JobSubState.READY,
            )
        )
        jobs[segment.seq] = f"{site_code}/{job.code}"
    return Order(code=f"{site_code}/{code}", jobs=jobs)


async def step_of(api: Api, order: Order, seq: int) -> str:
    """The id of a step of an order."""
    data = await api.ask(
        "query($key: ID!) { operationsRequest(key: $key) { segmentRequirements { id seq endedAt } } }",
        by=Role.PLANNER,
        key=order.code,
    )
    steps = data["operationsRequest"]["segmentRequirements"]
    return next(str(step["id"]) for step in steps if step["seq"] == seq)


async def receive(api: Api, code: str, number: str, quantity: str, *, store: str = "STORE-RM") -> Item:
    """A lot received from a supplier, released."""

    def make(session: Session) -> Item:
        from mesgraph.materials.actions import release_lot
        from mesgraph.materials.models import Lifecycle

        work = api.work(session)
        line = ReceiptLine(
            material=material(session, code),
            lot_number=number,
            quantity=Decimal(quantity),
            location=equipment(session, f"HV1/{store}"),
        )
        (posted,) = receive_items(work, site(session), [line])
        item = posted.items[0]
        return release_lot(work, item) if item.lifecycle is Lifecycle.QUARANTINE else item

    return await api.plant.database.write(make)


async def start(api: Api, order: Order, seq: int, by: Actor | Role = Role.OPERATOR, **more: Any) -> str:
    """Start the job of a step; returns the key of its run."""
    payload = await api.do("startJobOrder", "jobResponse { code }", by=by, jobOrder=order.jobs[seq], **more)
    return f"HV1/{payload['jobResponse']['code']}"


def amount(value: str, uom: str) -> dict[str, str]:
    """A quantity of the API."""
    return {"value": value, "uom": uom}


async def consume(
    api: Api,
    run: str,
    material: str,
    lot: str,
    value: str,
    uom: str = "KGM",
    by: Actor | Role = Role.OPERATOR,
    **more: Any,
) -> dict[str, Any]:
    """Consume of a lot; returns the material actual."""
    payload = await api.do(
        "consumeMaterial",
        "materialActual { id pending { value } item { key status quantity { value uom } } } ledgerEvents { eventId }",
        by=by,
        jobResponse=run,
        item={"material": material, "lot": lot},
        quantity=amount(value, uom),
        **more,
    )
    actual: dict[str, Any] = payload["materialActual"] | {"eventId": payload["ledgerEvents"][0]["eventId"]}
    return actual


async def produce(
    api: Api, run: str, *outputs: dict[str, Any], by: Actor | Role = Role.OPERATOR, **more: Any
) -> dict[str, Any]:
    """Produce; returns the payload."""
    return await api.do(
        "produceMaterial",
        "items { key lifecycle location { code } expiresAt quantity { value uom } } genealogyEvent { id "
        "inputs { item { key } quantity { value } range { from to } } outputs { item { key } } } warnings "
        "ledgerEvents { type eventId payload }",
        by=by,
        jobResponse=run,
        outputs=list(outputs),
        **more,
    )


def lot(material: str, number: str, value: str, uom: str = "KGM", **more: Any) -> dict[str, Any]:
    """A lot as output."""
    return {"material": material, "lot": number, "quantity": amount(value, uom), **more}


def units(material: str, *numbers: str, **more: Any) -> dict[str, Any]:
    """Serial units as output."""
    return {"material": material, "serialNumbers": list(numbers), **more}


async def stock(api: Api, material: str, *, by: Actor | Role = Role.OPERATOR, **key: str) -> dict[str, Any]:
    """The item named by ``lot`` or ``serial``."""
    data = await api.ask(
        "query($key: ItemKey!) { item(key: $key) { id status lifecycle slot quantity { value } location { code } "
        "parent { key } children { key slot } } }",
        by=by,
        key={"material": material, **key},
    )
    item: dict[str, Any] = data["item"]
    return item


def codes(errors: list[dict[str, Any]]) -> list[str]:
    """The codes of refusals, in order."""
    return [error["code"] for error in errors]
