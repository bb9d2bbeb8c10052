"""The picture is drawn from the events of a subscription alone."""

from typing import Any

from rich.console import Console

from mesgraph.demo.client import Seen
from mesgraph.demo.picture import Picture
from mesgraph.demo.shifts import mini


def event(word: str, **payload: Any) -> Seen:
    occurred = "2026-02-16T09:30:00Z"
    return Seen("c1-1", {"eventId": "1", "type": word, "actor": "op-017", "occurredAt": occurred, "payload": payload})


def thing(key: str) -> dict[str, str]:
    return {"kind": "Thing", "key": key}


def drawn(picture: Picture) -> str:
    console = Console(width=130, color_system=None)
    with console.capture() as capture:
        console.print(picture.drawn())
    return capture.get()


def test_orders_machines_and_items_follow_the_events() -> None:
    picture = Picture(mini())
    picture.take(event("OPERATIONS_REQUEST_STARTED", request=thing("10041")))
    picture.take(event("EQUIPMENT_STATE_CHANGED", equipment=thing("COAT01"), toState="EXECUTE"))
    picture.take(event("JOB_ORDER_STARTED", equipment=thing("COAT01"), jobOrder=thing("10041-30")))
    made = [{"item": thing("COIL-C/CC-26047-01-A"), "quantity": "1148", "uom": "MTR"}]
    (line,) = picture.take(event("MATERIAL_TRANSFORMED", inputs=[], outputs=made))
    assert line == "Mon 10:30  made: COIL-C/CC-26047-01-A, 1148 MTR  (op-017)"
    rows = [" ".join(row.split()) for row in drawn(picture).splitlines()]
    assert "10041 COIL-C RUNNING COAT01 EXECUTE 10041-30 received lots 0" in rows
    assert any(row.endswith("COIL-C 1") for row in rows)


def test_a_job_that_ended_leaves_its_machine() -> None:
    picture = Picture(mini())
    picture.take(event("EQUIPMENT_STATE_CHANGED", equipment=thing("COAT01"), toState="COMPLETE"))
    picture.take(event("JOB_ORDER_STARTED", equipment=thing("COAT01"), jobOrder=thing("10041-30")))
    picture.take(event("JOB_ORDER_ENDED", jobOrder=thing("10041-30"), jobResponse=thing("10041-30-R1")))
    assert picture.jobs == {"COAT01": []}
