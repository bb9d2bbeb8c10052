"""HALVARD's cathode line with its definition OD-CATH-105 v5, and orders for cathode coil (domain.md, section 8)."""

from typing import Any

from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.equipment.actions import EquipmentMaster, submit_equipment, submit_equipment_class
from mesgraph.equipment.models import EquipmentLevel
from mesgraph.orders.models import JobOrder, JobState, JobSubState, OperationsRequest, RequestState
from mesgraph.orders.queries import job_by_key, request_by_key
from tests.api import Api
from tests.factories.materials import make_halvard, site

UNITS = {
    "WB01": "DISPENSING",
    "MIX01": "MIXING",
    "COAT01": "COATING",
    "COAT02": "COATING",
    "CAL01": "CALENDERING",
    "SLIT01": "SLITTING",
}
"""Work units of the line and the class of each; coating alone has two."""


def quantity(value: str, uom: str) -> dict[str, str]:
    """A quantity of the API."""
    return {"value": value, "uom": uom}


def takes(line: int, material: str, per: str, uom: str = "KGM", **more: Any) -> dict[str, Any]:
    """A bill line that is consumed."""
    return {"line": line, "material": material, "use": "CONSUMED", "quantityPer": quantity(per, uom), **more}


def makes(line: int, material: str, uom: str) -> dict[str, Any]:
    """The bill line of the output."""
    return {"line": line, "material": material, "use": "PRODUCED", "quantityPer": quantity("1", uom)}


def step(seq: int, name: str, equipment_class: str, **more: Any) -> dict[str, Any]:
    """A step of a route."""
    return {"seq": seq, "name": name, "equipmentClass": equipment_class, **more}


def cathode(**changes: Any) -> dict[str, Any]:
    """The definition of the cathode coil, as an engineer drafts it."""
    mixing = [
        takes(1, "RM-LFP", "0.6014", tolerancePct="0.5"),
        takes(2, "RM-CB", "0.0093", tolerancePct="0.5"),
        takes(3, "RM-PVDF", "0.0093", tolerancePct="0.5"),
        takes(4, "RM-NMP", "0.38", tolerancePct="0.5"),
        makes(5, "SLURRY-C", "KGM"),
    ]
    coating = [
        takes(1, "SLURRY-C", "0.3475", tolerancePct="1", toleranceAction="BLOCK"),
        takes(2, "RM-ALFOIL", "1", "MTR"),
        makes(3, "COIL-C", "MTR"),
    ]
    return {
        "code": "OD-CATH-105",
        "version": "5",
        "name": "Cathode coil",
        "product": "COIL-C",
        "segments": [
            step(10, "DISP-C", "DISPENSING", setupTime="PT5M"),
            step(20, "MIX-C", "MIXING", setupTime="PT15M", materials=mixing),
            step(30, "COAT-C", "COATING", setupTime="PT24M", runTimePerUnit="PT7.5S", materials=coating),
            step(40, "CAL-C", "CALENDERING", setupTime="PT12M", runTimePerUnit="PT1S"),
            step(50, "SLIT-C", "SLITTING", setupTime="PT12M", runTimePerUnit="PT1S"),
        ],
        **changes,
    }


async def make_line(api: Api) -> None:
    """HALVARD with the work units of the cathode line, each of its class."""
    await make_halvard(api)

    def prepare(session: Session) -> None:
        work = api.work(session)
        for code in dict.fromkeys(UNITS.values()):
            submit_equipment_class(work, code=code, name=code.title())
        for code, equipment_class in UNITS.items():
            master = EquipmentMaster(
                code=code,
                name=code,
                level=EquipmentLevel.WORK_CELL,
                classes=[equipment_class],
                storage_locations=["STORE-RM", "STORE-WIP"],
            )
            submit_equipment(work, site(session), master)

    await api.plant.database.write(prepare)


async def approve(api: Api, draft: dict[str, Any], **times: str) -> str:
    """Draft by eng-03, approve by qa-01; returns the key of the version."""
    author = await api.actor(Role.ENGINEER, subject="eng-03")
    approver = await api.actor(Role.QA, subject="qa-01")
    key = f"{draft['code']}:{draft['version']}"
    await api.do("draftOperationsDefinition", "", by=author, **draft)
    await api.do("submitOperationsDefinition", "", by=author, operationsDefinition=key)
    await api.do("approveOperationsDefinition", "", by=approver, operationsDefinition=key, **times)
    return key


async def make_cathode(api: Api) -> str:
    """The cathode line with its approved definition; returns the key of the version."""
    await make_line(api)
    return await approve(api, cathode())


def order(external_id: str = "10041", **changes: Any) -> dict[str, Any]:
    """An order for two coils, as the ERP sends it."""
    return {
        "externalId": external_id,
        "revision": 1,
        "site": "HV1",
        "product": "COIL-C",
        "quantity": quantity("2296", "MTR"),
        "priority": 50,
        **changes,
    }


async def submit(api: Api, *orders: dict[str, Any], message: str = "BOD-7781", **more: Any) -> list[dict[str, Any]]:
    """Send a message of ERP1; returns what became of its orders."""
    payload = await api.do(
        "submitOperationsSchedule",
        "results { externalId outcome operationsRequest { code state } userErrors { code path message } }",
        by=Role.ERP,
        sourceSystem="ERP1",
        messageId=message,
        requests=list(orders),
        **more,
    )
    results: list[dict[str, Any]] = payload["results"]
    return results


async def release(api: Api, external_id: str = "10041", **changes: Any) -> str:
    """An order that is submitted and released at once; returns its key."""
    [result] = await submit(
        api, order(external_id, state="RELEASED", **changes), message=f"BOD-{external_id}-{changes.get('revision', 1)}"
    )
    assert result["userErrors"] == [], result["userErrors"]
    return f"HV1/{result['operationsRequest']['code']}"


async def put_request(api: Api, key: str, state: RequestState) -> None:
    """Bring an order to a state, whatever leads there."""

    def put(session: Session) -> None:
        request_of(session, key).state = state

    await api.plant.database.write(put)


async def put_job(api: Api, key: str, state: JobState, sub_state: JobSubState | None) -> None:
    """Bring a job to a place, whatever leads there."""

    def put(session: Session) -> None:
        job = job_of(session, key)
        job.state, job.sub_state = state, sub_state

    await api.plant.database.write(put)


def request_of(session: Session, key: str) -> OperationsRequest:
    """The row of an order."""
    row = request_by_key(session, key)
    assert row is not None, key
    return row


def job_of(session: Session, key: str) -> JobOrder:
    """The row of a job."""
    row = job_by_key(session, key)
    assert row is not None, key
    return row


def codes(errors: list[dict[str, Any]]) -> list[str]:
    """The codes of refusals, in order."""
    return [error["code"] for error in errors]
