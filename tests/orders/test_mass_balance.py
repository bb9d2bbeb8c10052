"""An order is closed with true books: what nobody accounts for is tolerated and written off, or explained (I47)."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mesgraph.access.roles import Role
from mesgraph.definitions.models import MaterialUse
from mesgraph.orders.mass_balance import Balance, Flows, Purpose, balance
from tests.api import Api
from tests.factories.execution import (
    Line,
    Order,
    Step,
    amount,
    codes,
    consume,
    lot,
    make_order,
    make_plant,
    produce,
    receive,
    start,
    stock,
)
from tests.invariants.checks import broken_invariants

PARTS = (
    "issued",
    "made",
    "inProducts",
    "output",
    "byProducts",
    "samples",
    "scrap",
    "returned",
    "adjusted",
    "closingWip",
    "unaccounted",
)
BALANCE = f"massBalance {{ material {{ code }} uom {' '.join(PARTS)} unaccountedPct tolerancePct }}"

MIXING = Step(20, "SLURRY-C", [Line(code, per="1") for code in ("RM-LFP", "RM-CB", "RM-PVDF", "RM-NMP")])
COATING = Step(30, "COIL-C", [Line("SLURRY-C", per="1")], beside=[Line("RM-NMP", MaterialUse.BY_PRODUCT)])
CHARGE = {"RM-LFP": "481.12", "RM-CB": "7.44", "RM-PVDF": "7.44", "RM-NMP": "304"}
"""800 kg of cathode slurry."""


async def batch(api: Api) -> Order:
    """Golden case G1 (domain, 6.4), up to the end of the order: a batch of 800.00 kg of slurry; 495.94 kg of it become
    the coating of two coils, 301.60 kg NMP are recovered, 0.50 kg are sampled and 1.60 kg are lost in cleaning.
    """
    operator = await make_plant(api)
    order = await make_order(api, MIXING, COATING, quantity="2296")
    mix = await start(api, order, 20, operator)
    for material, value in CHARGE.items():
        await receive(api, material, f"L-{material}", "500")
        await consume(api, mix, material, f"L-{material}", value, by=operator)
    await produce(api, mix, lot("SLURRY-C", "SC-1", "800"), by=operator)
    coat = await start(api, order, 30, operator)
    for number, taken, recovered in (("A", "398.77", "150.80"), ("B", "398.77", "150.80")):
        await consume(api, coat, "SLURRY-C", "SC-1", taken, by=operator)
        recovery = lot("RM-NMP", f"NMP-{number}", recovered, use="BY_PRODUCT")
        await produce(api, coat, lot("COIL-C", f"CC-{number}", "1148", "MTR"), recovery, by=operator)
    slurry = {"material": "SLURRY-C", "lot": "SC-1"}
    await api.do("takeSample", "", by=operator, item=slurry, quantity=amount("0.5", "KGM"))
    cleaning = {"code": "CLEANING"}
    await api.do("scrapItem", "", by=Role.SUPERVISOR, item=slurry, quantity=amount("1.6", "KGM"), reason=cleaning)
    for seq in (20, 30):
        await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[seq])
    return order


async def balances(api: Api, order: Order) -> dict[str, dict[str, Any]]:
    data = await api.ask(
        f"query($key: ID!) {{ operationsRequest(key: $key) {{ {BALANCE} }} }}", by=Role.VIEWER, key=order.code
    )
    return {row["material"]["code"]: row for row in data["operationsRequest"]["massBalance"]}


def parts(row: dict[str, Any]) -> dict[str, str]:
    """The parts that are not zero."""
    return {name: row[name] for name in PARTS if row[name] != "0"}


async def test_golden_case_g1(api: Api) -> None:
    order = await batch(api)
    rows = await balances(api, order)
    assert Decimal("495.94") + Decimal("301.60") == Decimal("797.54")
    assert parts(rows["SLURRY-C"]) == {
        "made": "800",
        "inProducts": "797.54",
        "samples": "0.5",
        "scrap": "1.6",
        "unaccounted": "0.36",
    }
    assert (rows["SLURRY-C"]["unaccountedPct"], rows["SLURRY-C"]["tolerancePct"]) == ("0.045", "0.5")
    assert parts(rows["RM-LFP"]) == {"issued": "481.12", "inProducts": "481.12"}
    assert parts(rows["RM-NMP"]) == {"issued": "304", "made": "301.6", "inProducts": "304", "byProducts": "301.6"}
    assert parts(rows["COIL-C"]) == {"made": "2296", "output": "2296"}
    assert sum(Decimal(rows[code]["issued"]) for code in CHARGE) == 800


async def test_what_is_unaccounted_for_within_the_tolerance_is_written_off(api: Api) -> None:
    order = await batch(api)
    closed = await api.do(
        "closeOperationsRequest",
        f"operationsRequest {{ state {BALANCE} }} ledgerEvents {{ type reasonCode payload }}",
        by=Role.ERP,
        operationsRequest=order.code,
    )
    assert closed["operationsRequest"]["state"] == "CLOSED"
    [adjusted, settled] = closed["ledgerEvents"]
    assert (adjusted["type"], adjusted["reasonCode"]) == ("LOT_ADJUSTED", "UNACCOUNTED")
    assert [line["quantity"] for line in adjusted["payload"]["inputs"]] == ["0.36"]
    [told] = [row for row in settled["payload"]["massBalance"] if row["material"] == "SLURRY-C:1"]
    assert told == {
        "material": "SLURRY-C:1",
        "uom": "KGM",
        "made": "800",
        "inProducts": "797.54",
        "samples": "0.5",
        "scrap": "1.6",
        "unaccounted": "0.36",
    }
    slurry = await stock(api, "SLURRY-C", lot="SC-1")
    assert (slurry["lifecycle"], slurry["quantity"]) == ("CONSUMED", {"value": "0"})
    assert (await balances(api, order))["SLURRY-C"]["unaccounted"] == "0.36", "the balance stays as it was settled"
    assert await api.plant.database.read(broken_invariants) == []


async def test_more_than_the_tolerance_is_refused_unless_a_planner_explains_it(api: Api) -> None:
    order = await batch(api)
    lost = {"material": "SLURRY-C", "lot": "SC-1"}
    why = {"code": "COUNT", "comment": "tank gauged"}
    await api.do("adjustLot", "", by=Role.SUPERVISOR, item=lost, counted=amount("10", "KGM"), reason=why)
    for by in (Role.ERP, Role.PLANNER):
        errors = await api.refused("closeOperationsRequest", by=by, operationsRequest=order.code)
        assert [(e["code"], e["__typename"]) for e in errors] == [("MASS_BALANCE_EXCEEDED", "QuantityError")]
        assert "10 KGM of SLURRY-C are unaccounted for, 1.25 % of 800; 0.5 % are tolerated" in errors[0]["message"]
    close = "mutation($i: CloseOperationsRequestInput!) { closeOperationsRequest(input: $i) { replayed } }"
    accepted = {"operationsRequest": order.code, "acceptUnaccounted": True}
    async with api.nothing_written():
        assert (await api.error(close, by=await api.actor(Role.ERP), i=accepted))["code"] == "FORBIDDEN"
    for reason in ({}, {"reason": {"code": "SPILL"}}):
        errors = await api.refused("closeOperationsRequest", by=Role.PLANNER, **accepted, **reason)
        assert [(e["code"], e["path"]) for e in errors] == [("REASON_REQUIRED", ["input", "reason", "comment"])]
    closed = await api.do(
        "closeOperationsRequest",
        "operationsRequest { state } ledgerEvents { type reasonCode }",
        by=Role.PLANNER,
        **accepted,
        reason={"code": "SPILL", "comment": "a seal of the tank broke, see the shift report"},
    )
    assert closed["operationsRequest"] == {"state": "CLOSED"}
    assert closed["ledgerEvents"][0] == {"type": "LOT_ADJUSTED", "reasonCode": "SPILL"}


async def test_what_is_carried_over_is_not_unaccounted_for(api: Api) -> None:
    order = await batch(api)
    kept = {"item": {"material": "SLURRY-C", "lot": "SC-1"}, "quantity": amount("0.3", "KGM")}
    await api.do("closeOperationsRequest", "", by=Role.PLANNER, operationsRequest=order.code, carriedOver=[kept])
    row = (await balances(api, order))["SLURRY-C"]
    assert (row["closingWip"], row["unaccounted"]) == ("0.3", "0.06")
    slurry = await stock(api, "SLURRY-C", lot="SC-1")
    assert (slurry["lifecycle"], slurry["quantity"]) == ("AVAILABLE", {"value": "0.3"})


async def test_only_lots_that_are_to_be_declared_are_and_no_more_than_there_is(api: Api) -> None:
    order = await batch(api)
    slurry, coil = {"material": "SLURRY-C", "lot": "SC-1"}, {"material": "COIL-C", "lot": "CC-A"}
    errors = await api.refused(
        "closeOperationsRequest",
        by=Role.PLANNER,
        operationsRequest=order.code,
        carriedOver=[
            {"item": slurry, "quantity": amount("0.4", "KGM")},
            {"item": coil},
            {"item": slurry},
            {"item": {"material": "SLURRY-C", "lot": "NO"}},
        ],
    )
    assert [(e["code"], e["path"]) for e in errors] == [("NOT_FOUND", ["input", "carriedOver", "3", "item"])]
    errors = await api.refused(
        "closeOperationsRequest",
        by=Role.PLANNER,
        operationsRequest=order.code,
        carriedOver=[{"item": slurry, "quantity": amount("0.4", "KGM")}, {"item": coil}, {"item": slurry}],
    )
    assert [(e["code"], e["path"][-2:]) for e in errors] == [
        ("INSUFFICIENT_QUANTITY", ["0", "quantity"]),
        ("VALIDATION_FAILED", ["1", "item"]),
        ("VALIDATION_FAILED", ["2", "item"]),
    ]


async def test_work_in_process_is_not_unaccounted_for_while_the_order_runs(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIXING, COATING)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    mix = await start(api, order, 20, operator)
    assert await balances(api, order) == {}
    await consume(api, mix, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    assert parts((await balances(api, order))["RM-PVDF"]) == {"issued": "7.44", "closingWip": "7.44"}
    await produce(api, mix, lot("SLURRY-C", "SC-1", "800"), by=operator)
    rows = await balances(api, order)
    assert parts(rows["RM-PVDF"]) == {"issued": "7.44", "inProducts": "7.44"}
    assert parts(rows["SLURRY-C"]) == {"made": "800", "closingWip": "800"}


async def test_what_is_given_back_was_returned_and_what_an_abort_scrapped_is_scrap(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIXING, COATING)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    await receive(api, "RM-NMP", "NMP-1", "400")
    mix, coat = await start(api, order, 20, operator), await start(api, order, 30, operator)
    wrong = await consume(api, mix, "RM-PVDF", "PVDF-2219", "3", by=operator)
    await api.do("reverseEvent", "", by=operator, event=wrong["eventId"], reason={"code": "WRONG_LOT"})
    await consume(api, mix, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, mix, lot("SLURRY-C", "SC-1", "800"), by=operator)
    await consume(api, coat, "SLURRY-C", "SC-1", "100", by=operator)
    await consume(api, mix, "RM-NMP", "NMP-1", "5", by=operator)
    await api.do(
        "abortOperationsRequest",
        "",
        by=Role.SUPERVISOR,
        operationsRequest=order.code,
        disposition="QUARANTINE",
        reason={"code": "NO_DEMAND"},
    )
    rows = await balances(api, order)
    assert parts(rows["RM-PVDF"]) == {"issued": "10.44", "returned": "3", "inProducts": "7.44"}
    assert parts(rows["RM-NMP"]) == {"issued": "5", "scrap": "5"}
    assert parts(rows["SLURRY-C"]) == {"made": "800", "scrap": "100", "closingWip": "700"}, "quarantine is decided on"
    await api.do("closeOperationsRequest", "", by=Role.PLANNER, operationsRequest=order.code)
    assert (await stock(api, "SLURRY-C", lot="SC-1"))["quantity"] == {"value": "700"}


async def test_a_held_order_is_not_closed(api: Api) -> None:
    order = await batch(api)
    running = await make_order(api, MIXING, code="2")
    why = {"code": "CHECK"}
    await start(api, running, 20)
    await api.do("placeHold", "", by=Role.QUALITY, operationsRequest=running.code, severity="MINOR", reason=why)
    await api.do(
        "abortOperationsRequest",
        "",
        by=Role.SUPERVISOR,
        operationsRequest=running.code,
        disposition="SCRAP",
        reason=why,
    )
    assert codes(await api.refused("closeOperationsRequest", by=Role.ERP, operationsRequest=running.code)) == [
        "ORDER_ON_HOLD"
    ]
    await api.do("closeOperationsRequest", "", by=Role.ERP, operationsRequest=order.code)


amounts = st.decimals(0, 1000, places=3)


@given(amounts, amounts, st.lists(amounts, min_size=5, max_size=5), st.sampled_from(Purpose), amounts)
def test_the_parts_add_up_to_what_came_in(
    issued: Decimal, made: Decimal, gone: list[Decimal], purpose: Purpose, left: Decimal
) -> None:
    row = balance(Flows(issued, made, *gone), purpose, left)
    out = row.in_products + row.output + row.by_products + row.samples + row.scrap + row.returned + row.adjusted
    assert out + row.closing_wip + row.unaccounted == row.inputs == issued + made
    assert row.unaccounted == (left if purpose is Purpose.INTERMEDIATE else 0)


def test_the_tolerance_is_included() -> None:
    def row(unaccounted: str) -> Balance:
        return balance(Flows(made=Decimal(800)), Purpose.INTERMEDIATE, Decimal(unaccounted))

    assert not row("4").exceeded
    assert row("4.000001").exceeded
    assert row("0.36").unaccounted_pct == Decimal("0.045")
    assert row("0").unaccounted_pct == 0
