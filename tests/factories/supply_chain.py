"""The chain of the supplier's notice on one binder lot: batches, coils, cells, modules, packs, pallets (story S3)."""

from collections.abc import Sequence
from decimal import Decimal

from mesgraph.genealogy.activity import Activity, Line, record_activities
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.materials.creation import NewItem, create_items
from mesgraph.materials.models import Item, ItemKind, Lifecycle, Tracking
from mesgraph.words import gs1_check_digit
from mesgraph.work import Work
from tests.api import Api
from tests.factories.genealogy import act, item, receive
from tests.factories.materials import equipment, material, site

BINDER = "RM-PVDF/PVDF-2219"
CELL_METRES = Decimal("3.34")
ZERO, ONE = Decimal(0), Decimal(1)


class Chain:
    """Records activities of HV1 in few statements."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.site_id = site(work.session).id

    def make(self, code: str | None, numbers: Sequence[str], quantity: str = "1") -> list[Item]:
        """Available items of one material, or logistic units."""
        definition = None if code is None else material(self.work.session, code)
        kind = ItemKind.LOGISTIC_UNIT
        if definition is not None:
            kind = ItemKind.SERIAL_UNIT if definition.tracking is Tracking.SERIAL else ItemKind.LOT
        wanted = [
            NewItem(
                site_id=self.site_id,
                item_kind=kind,
                material=definition,
                number=number,
                quantity=Decimal(quantity),
                lifecycle=Lifecycle.AVAILABLE,
                location_id=equipment(self.work.session, "HV1/STORE-WIP").id,
            )
            for number in numbers
        ]
        return create_items(self.work, wanted, [()] * len(wanted))

    def record(self, kind: GenealogyKind, pairs: Sequence[tuple[list[Line], list[Line]]]) -> None:
        """One activity for each pair of sides."""
        record_activities(
            self.work,
            [Activity(kind=kind, site_id=self.site_id, inputs=ins, outputs=outs) for ins, outs in pairs],
        )

    def whole(self, rows: Sequence[Item]) -> list[Line]:
        """Lines of all that there is of items."""
        return [Line(row, row.quantity) for row in rows]

    def end(self, rows: Sequence[Item], lifecycle: Lifecycle) -> None:
        """Nothing is left of them."""
        for row in rows:
            row.lifecycle, row.quantity = lifecycle, ZERO


def cut_cells(chain: Chain, coil: Item, count: int) -> list[Item]:
    """Cell k of a coil takes the metres [3.34 k, 3.34 (k + 1))."""
    cells = chain.make("CELL-105", [f"{coil.number}-{k:04}" for k in range(count)])
    pairs = []
    for k, cell in enumerate(cells):
        begin, end = CELL_METRES * k, CELL_METRES * (k + 1)
        pairs.append(([Line(coil, CELL_METRES, range_from=begin, range_to=end)], chain.whole([cell])))
    chain.record(GenealogyKind.TRANSFORM, pairs)
    coil.quantity -= CELL_METRES * count
    return cells


async def make_coils(api: Api, lengths: dict[str, str], cells: dict[str, int]) -> None:
    """Coils of these lengths, and so many cells cut from the beginning of each."""

    def verb(work: Work) -> None:
        chain = Chain(work)
        for number, metres in lengths.items():
            (coil,) = chain.make("COIL-C", [number], metres)
            chain.record(GenealogyKind.COMMISSION, [([], chain.whole([coil]))])
            cut_cells(chain, coil, cells[number])

    await act(api, verb)


async def make_chain(api: Api) -> None:
    """25 kg of binder in 3 batches, 6 coils, 2,058 cells of which 1,976 are good, 247 modules, 123 packs, 40 of them
    shipped on 5 pallets; 2.68 kg of the binder are left.
    """
    await receive(api, "RM-PVDF", "PVDF-2219", "25")

    def verb(work: Work) -> None:
        chain = Chain(work)
        binder, cells = item(work, BINDER), []
        batches = chain.make("SLURRY-C", [f"SC-26047-{n:02}" for n in (1, 2, 3)], "800")
        chain.record(
            GenealogyKind.TRANSFORM, [([Line(binder, Decimal("7.44"))], chain.whole([batch])) for batch in batches]
        )
        binder.quantity -= 3 * Decimal("7.44")
        for batch in batches:
            coils = chain.make("COIL-C", [f"C{batch.number[-2:]}-{letter}" for letter in "AB"], "1148")
            taken = (Decimal("399.0"), Decimal("398.9"))
            chain.record(
                GenealogyKind.TRANSFORM,
                [([Line(batch, kg)], chain.whole([coil])) for coil, kg in zip(coils, taken, strict=True)],
            )
            batch.quantity -= sum(taken)
            for coil in coils:
                cells += cut_cells(chain, coil, 343)
        bad, good = cells[:82], cells[82:]
        chain.record(GenealogyKind.SCRAP, [(chain.whole([cell]), []) for cell in bad])
        chain.end(bad, Lifecycle.SCRAPPED)
        modules = _assemble(chain, "MOD-8S", good, 8)
        packs = _assemble(chain, "PACK-48-105", modules[:246], 2)
        digits = [f"{n:017}" for n in range(1, 6)]
        pallets = chain.make(None, [f"{number}{gs1_check_digit(number)}" for number in digits])
        loads = [packs[8 * n : 8 * n + 8] for n in range(5)]
        for pallet, load in zip(pallets, loads, strict=True):
            chain.record(GenealogyKind.PACK, [(chain.whole(load), chain.whole([pallet]))])
            for pack in load:
                pack.parent_id = pallet.id
        gone = [*pallets, *packs[:40]]
        chain.record(GenealogyKind.SHIP, [(chain.whole(gone), [])])
        for row in gone:
            row.lifecycle = Lifecycle.SHIPPED

    await act(api, verb)


def _assemble(chain: Chain, code: str, parts: Sequence[Item], each: int) -> list[Item]:
    units = chain.make(code, [f"{code[0]}{n:05}" for n in range(len(parts) // each)])
    groups = [list(parts[each * n : each * n + each]) for n in range(len(units))]
    pairs = [(chain.whole(group), chain.whole([unit])) for group, unit in zip(groups, units, strict=True)]
    chain.record(GenealogyKind.TRANSFORM, pairs)
    chain.end([part for group in groups for part in group], Lifecycle.CONSUMED)
    return units
