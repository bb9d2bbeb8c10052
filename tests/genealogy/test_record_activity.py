"""What every activity must fulfil, whoever records it (I3, I4, I6, I32, positions)."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from mesgraph.errors import Refused
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyKind as K
from mesgraph.materials.models import Item
from mesgraph.work import Work
from tests.api import Api
from tests.factories.genealogy import act, item, new_item, receive, transform
from tests.factories.materials import make_halvard

Lines = Sequence[Line]


async def refused(api: Api, verb: Callable[[Work], object]) -> list[str]:
    with pytest.raises(Refused) as refusal:
        async with api.nothing_written():
            await act(api, verb)
    return [v.code.value for v in refusal.value.violations]


def record(work: Work, kind: K, inputs: Lines, outputs: Lines) -> None:
    record_activity(work, kind=kind, site_id=[*inputs, *outputs][0].item.site_id, inputs=inputs, outputs=outputs)


async def plant(api: Api) -> None:
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-1", "25")
    await receive(api, "COIL-C", "CC-1", "100")


def line(work: Work, key: str, quantity: str = "1", **more: str) -> Line:
    return Line(item(work, key), Decimal(quantity), **{name: Decimal(value) for name, value in more.items()})  # type: ignore[arg-type]


def new(work: Work, number: str, code: str = "RM-CB", weight: str | None = None) -> Line:
    return Line(new_item(work, code, number, "1"), Decimal(1), weight=None if weight is None else Decimal(weight))


@pytest.mark.parametrize(
    ("kind", "inputs", "outputs"),
    [
        (K.RECEIVE, 1, 1),
        (K.RECEIVE, 0, 0),
        (K.TRANSFORM, 0, 1),
        (K.TRANSFORM, 1, 0),
        (K.SPLIT, 2, 1),
        (K.MERGE, 1, 2),
        (K.MOVE, 1, 1),
        (K.SAMPLE, 0, 0),
    ],
)
async def test_every_kind_has_its_sides(api: Api, kind: K, inputs: int, outputs: int) -> None:
    await plant(api)

    def verb(work: Work) -> None:
        sides = [line(work, "RM-PVDF/P-1")] * inputs, [new(work, str(i)) for i in range(outputs)]
        site_id = item(work, "RM-PVDF/P-1").site_id
        record_activity(work, kind=kind, site_id=site_id, inputs=sides[0], outputs=sides[1])

    assert set(await refused(api, verb)) == {"QUANTITY_NOT_CONSERVED"}


async def test_outputs_agree_on_how_the_inputs_are_shared(api: Api) -> None:
    await plant(api)

    def by_product_alone(work: Work) -> None:
        record(work, K.TRANSFORM, [line(work, "RM-PVDF/P-1")], [new(work, "1", weight="0")])

    def two_units(work: Work) -> None:
        record(work, K.TRANSFORM, [line(work, "RM-PVDF/P-1")], [new(work, "1"), new(work, "2", "CELL-105")])

    def declared(work: Work) -> None:
        outputs = [new(work, "1", weight="3"), new(work, "2", "CELL-105", weight="1")]
        record(work, K.TRANSFORM, [line(work, "RM-PVDF/P-1")], outputs)

    assert await refused(api, by_product_alone) == ["QUANTITY_NOT_CONSERVED"]
    assert await refused(api, two_units) == ["UOM_MISMATCH"]
    await act(api, declared)


async def test_no_item_becomes_its_own_ancestor(api: Api) -> None:
    await plant(api)
    await transform(api, [("RM-PVDF/P-1", "1")], [("SLURRY-C", "S-1", "1")])
    await transform(api, [("SLURRY-C/S-1", "1")], [("COIL-A", "A-1", "1")])

    def back(work: Work) -> None:
        record(work, K.TRANSFORM, [line(work, "COIL-A/A-1")], [line(work, "RM-PVDF/P-1")])

    def itself(work: Work) -> None:
        record(work, K.TRANSFORM, [line(work, "RM-PVDF/P-1")], [line(work, "RM-PVDF/P-1")])

    def forward(work: Work) -> None:
        record(work, K.TRANSFORM, [line(work, "COIL-C/CC-1")], [line(work, "RM-PVDF/P-1")])

    assert await refused(api, back) == ["GENEALOGY_CYCLE"]
    assert await refused(api, itself) == ["GENEALOGY_CYCLE"]
    await act(api, forward)


@pytest.mark.parametrize(
    ("start", "end", "fits"),
    [("0", "10", True), ("20", "30", True), ("19.999999", "30", False), ("5", "11", False), ("90", "100.1", False)],
)
async def test_positions_are_taken_once_and_lie_on_the_lot(api: Api, start: str, end: str, fits: bool) -> None:
    await plant(api)
    await transform(api, [("COIL-C/CC-1", "10")], [("CELL-105", "1", "1")], ranges={"COIL-C/CC-1": ("10", "20")})

    def verb(work: Work) -> None:
        cut = line(work, "COIL-C/CC-1", "1", range_from=start, range_to=end)
        record(work, K.TRANSFORM, [cut], [new(work, "2", "CELL-105")])

    if fits:
        await act(api, verb)
    else:
        assert await refused(api, verb) == ["VALIDATION_FAILED"]


async def test_positions_of_an_undone_activity_are_free_again(api: Api) -> None:
    from mesgraph.genealogy.actions import reverse_activity
    from mesgraph.genealogy.models import GenealogyEvent

    await plant(api)
    ranges = {"COIL-C/CC-1": ("10", "20")}
    made = await transform(api, [("COIL-C/CC-1", "10")], [("CELL-105", "1", "1")], ranges=ranges)
    await act(api, lambda work: reverse_activity(work, work.session.get_one(GenealogyEvent, made)))
    await transform(api, [("COIL-C/CC-1", "10")], [("CELL-105", "2", "1")], ranges=ranges)


async def test_nothing_is_used_before_it_was_made(api: Api) -> None:
    await plant(api)

    def verb(work: Work) -> None:
        work.occurred_at -= timedelta(seconds=1)
        record(work, K.SAMPLE, [line(work, "RM-PVDF/P-1")], [])

    assert await refused(api, verb) == ["TIME_ORDER_INVALID"]


async def test_a_late_posting_takes_only_what_was_there_then(api: Api) -> None:
    """10 kg until a count at 07:00 finds 30: at 06:30 at most 10 could be taken (I4)."""
    from mesgraph.genealogy.actions import adjust_lot, take_sample

    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-9", "10")
    api.clock.step(hours=1)
    await act(api, lambda work: adjust_lot(work, item(work, "RM-PVDF/P-9"), Decimal(30)))

    def late(quantity: str) -> Callable[[Work], Item]:
        def verb(work: Work) -> Item:
            work.occurred_at -= timedelta(minutes=30)
            return take_sample(work, item(work, "RM-PVDF/P-9"), Decimal(quantity)).items[0]

        return verb

    assert await refused(api, late("10.5")) == ["INSUFFICIENT_QUANTITY"]
    await act(api, late("10"))
    assert await refused(api, late("0.1")) == ["INSUFFICIENT_QUANTITY"]
