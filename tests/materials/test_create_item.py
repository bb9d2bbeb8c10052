"""The primitives with which other domains make and use up items."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from mesgraph.errors import QuantityViolation, Refused
from mesgraph.materials.actions import deposit, put_back, usable_violations, withdraw
from mesgraph.materials.creation import create_item
from mesgraph.materials.graphql import QuantityInput, read_quantity
from mesgraph.materials.models import TERMINAL, Item, ItemKind, Lifecycle, MaterialDefinition
from mesgraph.work import SYSTEM, Work
from tests.api import START, Api
from tests.factories.materials import SSCC, make_halvard, make_item, material, site


async def create(api: Api, code: str | None, kind: ItemKind, number: str, **more: Any) -> Item:
    """Call the primitive with the ordinary values for what is not said."""

    def make(session: Session) -> Item:
        values: dict[str, Any] = {"quantity": Decimal(1), "lifecycle": Lifecycle.AVAILABLE, "path": ("number",)} | more
        return create_item(
            api.work(session),
            site_id=site(session).id,
            item_kind=kind,
            material=material(session, code) if code else None,
            number=number,
            **values,
        )

    return await api.plant.database.write(make)


async def refused(api: Api, code: str | None, kind: ItemKind, number: str, **more: Any) -> list[tuple[str, Any]]:
    """Codes and paths of the refusal."""
    async with api.nothing_written():
        with pytest.raises(Refused) as refusal:
            await create(api, code, kind, number, **more)
    return [(violation.code, violation.path) for violation in refusal.value.violations]


async def test_keys_follow_the_kind_of_item(api: Api) -> None:
    await make_halvard(api)
    lot = await create(api, "RM-PVDF", ItemKind.LOT, "PVDF-2219", quantity=Decimal(25))
    sublot = await create(api, "RM-PVDF", ItemKind.SUBLOT, "B1", quantity=Decimal(5), lot=lot)
    unit = await create(api, "MOD-8S", ItemKind.SERIAL_UNIT, "HM260470001")
    reworked = await create(api, "MOD-8S", ItemKind.SERIAL_UNIT, "HM260470001", item_revision=1)
    pallet = await create(api, None, ItemKind.LOGISTIC_UNIT, SSCC)
    assert [item.key for item in (lot, sublot, unit, reworked, pallet)] == [
        "RM-PVDF/PVDF-2219",
        "RM-PVDF/PVDF-2219/B1",
        "MOD-8S/HM260470001",
        "MOD-8S/HM260470001#1",
        SSCC,
    ]
    assert [item.uom for item in (lot, unit, pallet)] == ["KGM", "C62", "C62"]


async def test_an_item_expires_with_its_lot_or_by_its_material(api: Api) -> None:
    await make_halvard(api)
    made = START - timedelta(hours=2)
    lot = await create(api, "SLURRY-C", ItemKind.LOT, "SC-26047-01", produced_at=made)
    given_date = await create(api, "SLURRY-C", ItemKind.LOT, "SC-26047-02", expires_at=START)
    sublot = await create(api, "SLURRY-C", ItemKind.SUBLOT, "1", lot=lot)
    never = await create(api, "RM-CB", ItemKind.LOT, "CB-1")
    assert lot.expires_at == sublot.expires_at == made + timedelta(hours=24)
    assert (given_date.expires_at, never.expires_at) == (START, None)


async def test_numbers_are_never_used_twice(api: Api) -> None:
    await make_halvard(api)
    await create(api, "RM-CB", ItemKind.LOT, "CB-1")
    await create(api, "CELL-105", ItemKind.SERIAL_UNIT, "HC2604700001")
    assert await refused(api, "RM-CB", ItemKind.LOT, "CB-1") == [("DUPLICATE_KEY", ("number",))]
    assert await refused(api, "CELL-105", ItemKind.SERIAL_UNIT, "HC2604700001") == [("SERIAL_NOT_UNIQUE", ("number",))]


@pytest.mark.parametrize(
    ("code", "kind", "number", "more", "expected"),
    [
        ("RM-CB", ItemKind.LOT, "", {}, [("VALIDATION_FAILED", ("number",))]),
        ("RM-CB", ItemKind.LOT, "x" * 21, {}, [("VALIDATION_FAILED", ("number",))]),
        ("RM-CB", ItemKind.LOT, "A B", {}, [("VALIDATION_FAILED", ("number",))]),
        ("RM-CB", ItemKind.LOT, "A#1", {}, [("VALIDATION_FAILED", ("number",))]),
        ("RM-CB", ItemKind.SERIAL_UNIT, "A", {}, [("VALIDATION_FAILED", ("number",))]),
        ("CELL-105", ItemKind.LOT, "A", {}, [("VALIDATION_FAILED", ("number",))]),
        ("RM-CB", ItemKind.SUBLOT, "A", {}, [("VALIDATION_FAILED", ("number",))]),
        (None, ItemKind.LOT, "A", {}, [("VALIDATION_FAILED", ("number",))]),
        ("RM-CB", ItemKind.LOGISTIC_UNIT, SSCC, {}, [("VALIDATION_FAILED", ("number",))]),
        (None, ItemKind.LOGISTIC_UNIT, "095212340000000014", {}, [("INVALID_GS1_KEY", ("number",))]),
        (None, ItemKind.LOGISTIC_UNIT, "123", {}, [("INVALID_GS1_KEY", ("number",))]),
        ("RM-CB", ItemKind.LOT, "A", {"quantity": Decimal(-1)}, [("VALIDATION_FAILED", ("quantity",))]),
        ("RM-CB", ItemKind.LOT, "A", {"quantity": Decimal("NaN")}, [("VALIDATION_FAILED", ("quantity",))]),
        ("RM-CB", ItemKind.LOT, "A", {"quantity": Decimal("1e13")}, [("VALIDATION_FAILED", ("quantity",))]),
        ("CELL-105", ItemKind.SERIAL_UNIT, "A", {"quantity": Decimal(2)}, [("VALIDATION_FAILED", ("quantity",))]),
        ("RM-CB", ItemKind.LOT, "A", {"lifecycle": Lifecycle.SHIPPED}, [("VALIDATION_FAILED", ("number",))]),
    ],
)
async def test_a_wrong_item_is_refused(
    api: Api, code: str | None, kind: ItemKind, number: str, more: dict[str, Any], expected: list[tuple[str, Any]]
) -> None:
    await make_halvard(api)
    assert await refused(api, code, kind, number, **more) == expected


WORK = Work(session=None, actor=SYSTEM, now=START, occurred_at=START)  # type: ignore[arg-type]  # primitives of numbers
amounts = st.decimals(0, 1000, places=3)


def lot(quantity: Decimal, lifecycle: Lifecycle = Lifecycle.AVAILABLE) -> Item:
    return Item(
        key="M/1",
        uom="KGM",
        item_kind=ItemKind.LOT,
        quantity=quantity,
        initial_quantity=quantity,
        lifecycle=lifecycle,
        open_holds=0,
    )


@given(amounts, amounts, st.sampled_from(Lifecycle))
def test_what_is_withdrawn_can_be_put_back_and_nothing_goes_below_zero(
    there: Decimal, asked: Decimal, lifecycle: Lifecycle
) -> None:
    item = lot(there, lifecycle)
    if asked > there:
        with pytest.raises(Refused) as refusal:
            withdraw(WORK, item, asked, "quantity")
        (violation,) = refusal.value.violations
        assert isinstance(violation, QuantityViolation)
        assert (violation.available, violation.requested, violation.uom) == (there, asked, "KGM")
        assert item.quantity == there
        return
    withdraw(WORK, item, asked)
    emptied = asked == there and lifecycle not in TERMINAL
    assert (item.quantity, item.lifecycle) == (there - asked, Lifecycle.CONSUMED if emptied else lifecycle)
    put_back(WORK, item, asked, lifecycle)
    assert (item.quantity, item.lifecycle) == (there, lifecycle)


def test_no_more_is_put_back_than_there_ever_was() -> None:
    with pytest.raises(Refused, match="QUANTITY_NOT_CONSERVED"):
        put_back(WORK, lot(Decimal(5)), Decimal("0.001"), Lifecycle.AVAILABLE)


def test_a_deposit_counts_as_initial_quantity_and_needs_a_live_item() -> None:
    item = lot(Decimal(5))
    deposit(WORK, item, Decimal("2.5"))
    assert (item.quantity, item.initial_quantity) == (Decimal("7.5"), Decimal("7.5"))
    with pytest.raises(Refused, match="INVALID_TRANSITION"):
        deposit(WORK, lot(Decimal(0), Lifecycle.CONSUMED), Decimal(1))


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, []),
        ({"lifecycle": Lifecycle.QUARANTINE}, ["LOT_NOT_RELEASED"]),
        ({"lifecycle": Lifecycle.REJECTED}, ["LOT_NOT_RELEASED"]),
        ({"lifecycle": Lifecycle.SHIPPED}, ["LOT_NOT_RELEASED"]),
        ({"lifecycle": Lifecycle.IN_PROCESS, "request_id": 7}, []),
        ({"lifecycle": Lifecycle.IN_PROCESS, "request_id": 8}, ["LOT_NOT_RELEASED"]),
        ({"lifecycle": Lifecycle.IN_PROCESS}, ["LOT_NOT_RELEASED"]),
        ({"lifecycle": Lifecycle.CONSUMED}, ["ALREADY_CONTAINED"]),
        ({"lifecycle": Lifecycle.INSTALLED, "parent_id": 3}, ["ALREADY_CONTAINED"]),
        ({"parent_id": 3}, ["ALREADY_CONTAINED"]),
        ({"expires_at": START}, ["LOT_EXPIRED"]),
        ({"expires_at": START + timedelta(minutes=59)}, ["LOT_EXPIRED"]),
        ({"expires_at": START + timedelta(hours=1)}, []),
        ({"lifecycle": Lifecycle.QUARANTINE, "expires_at": START}, ["LOT_NOT_RELEASED", "LOT_EXPIRED"]),
    ],
)
def test_what_is_not_usable_says_why(change: dict[str, Any], codes: list[str]) -> None:
    item = lot(Decimal(5))
    for name, value in change.items():
        setattr(item, name, value)
    found = usable_violations(item, START, "item", request_id=7, planned_end=START + timedelta(hours=1))
    assert [violation.code for violation in found] == codes
    assert all(violation.path == ("item",) for violation in found)


@pytest.mark.parametrize(
    ("value", "uom", "outcome"),
    [
        ("2.5", "KGM", Decimal("2.5")),
        ("7440", "GRM", Decimal("7.44")),
        ("0", "KGM", "VALIDATION_FAILED"),
        ("-1", "KGM", "VALIDATION_FAILED"),
        ("1000000000001", "KGM", "VALIDATION_FAILED"),
        ("0.0001", "GRM", "VALIDATION_FAILED"),
        ("1", "MTR", "UOM_MISMATCH"),
    ],
)
def test_quantities_are_read_in_the_base_unit(value: str, uom: str, outcome: Any) -> None:
    pvdf = MaterialDefinition(base_uom="KGM", uom_factors={"GRM": "0.001"})
    given_amount = QuantityInput(value=Decimal(value), uom=uom)  # type: ignore[arg-type]  # UnitCode is text
    if isinstance(outcome, Decimal):
        assert read_quantity(given_amount, pvdf, "quantity") == outcome
        return
    with pytest.raises(Refused) as refusal:
        read_quantity(given_amount, pvdf, "quantity")
    assert [violation.code for violation in refusal.value.violations] == [outcome]


async def test_two_lots_of_one_number_at_two_sites_are_refused_although_one_is_out_of_sight(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "RM-CB", "CB-1", site_code="HV2", location=None)
    hv1 = await api.plant.database.read(lambda s: site(s).id)

    def make(session: Session) -> Item:
        return create_item(
            api.work(session),
            site_id=hv1,
            item_kind=ItemKind.LOT,
            material=material(session, "RM-CB"),
            number="CB-1",
            quantity=Decimal(1),
            lifecycle=Lifecycle.AVAILABLE,
        )

    with pytest.raises(Refused, match="DUPLICATE_KEY"):
        await api.plant.database.write(make, frozenset({hv1}))
