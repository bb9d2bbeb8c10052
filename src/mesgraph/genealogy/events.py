"""What happens to items. Every event carries the full lines of its activity."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from mesgraph.db import Entity
from mesgraph.equipment.models import Equipment
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind
from mesgraph.ledger import Event


@dataclass(frozen=True, kw_only=True)
class OfItems:
    """The lines of an activity, inputs first; its items are the subjects of the event."""

    subjects: ClassVar[tuple[str, ...]] = ("inputs", "outputs")
    inputs: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    location: Equipment | None = None
    job_response: Entity | None = None

    def subject_rows(self) -> list[Entity]:
        """The items of the lines, each once."""
        items = {line["item"].id: line["item"] for line in [*self.inputs, *self.outputs]}
        return list(items.values())


class MaterialReceived(OfItems, Event):
    """Lots came in from a supplier."""


class ItemsCommissioned(OfItems, Event):
    """Items were made known without naming what they were made from."""


class MaterialTransformed(OfItems, Event):
    """A run made outputs from inputs."""


class LotSplit(OfItems, Event):
    """A lot was divided into sublots."""


class LotsMerged(OfItems, Event):
    """Lots of one material became one lot."""


class UnitAssembled(OfItems, Event):
    """Parts were built into a unit, for good."""


class UnitDisassembled(OfItems, Event):
    """Parts were taken out of the unit that they had been built into."""


class ItemReworked(OfItems, Event):
    """A rejected item goes on as its next revision, or as a new sublot of its lot."""


class ItemsPacked(OfItems, Event):
    """Items were put into a logistic unit."""


class ItemsUnpacked(OfItems, Event):
    """Items were taken out of a logistic unit."""


class ItemsMoved(OfItems, Event):
    """Items were brought to another storage location, with all that is in them."""


class ItemsShipped(OfItems, Event):
    """Items left the plant, with all that is in them."""


class ItemsReturned(OfItems, Event):
    """Items that had been shipped came back, with all that is in them."""


class ItemsTransferredOut(OfItems, Event):
    """Items left a site for another one, with all that is in them; from then on they are in transit."""


class ItemsTransferredIn(OfItems, Event):
    """Items that were in transit came to a site, with all that is in them."""


class MaterialSampled(OfItems, Event):
    """A quantity was taken out of a lot to be tested."""


class LotAdjusted(OfItems, Event):
    """The quantity on hand was counted: a shortfall is an input, a surplus an output."""


class ItemsScrapped(OfItems, Event):
    """Items, or a part of their quantity, were thrown away."""


@dataclass(frozen=True, kw_only=True)
class GenealogyReversed(OfItems, Event):
    """An earlier activity was undone, because it was recorded wrongly; the lines are those of the one undone."""

    reverses: GenealogyEvent


OF_KIND: dict[GenealogyKind, type[OfItems]] = {
    GenealogyKind.RECEIVE: MaterialReceived,
    GenealogyKind.COMMISSION: ItemsCommissioned,
    GenealogyKind.TRANSFORM: MaterialTransformed,
    GenealogyKind.SPLIT: LotSplit,
    GenealogyKind.MERGE: LotsMerged,
    GenealogyKind.ASSEMBLE: UnitAssembled,
    GenealogyKind.DISASSEMBLE: UnitDisassembled,
    GenealogyKind.REWORK: ItemReworked,
    GenealogyKind.PACK: ItemsPacked,
    GenealogyKind.UNPACK: ItemsUnpacked,
    GenealogyKind.MOVE: ItemsMoved,
    GenealogyKind.SHIP: ItemsShipped,
    GenealogyKind.RETURN: ItemsReturned,
    GenealogyKind.TRANSFER_OUT: ItemsTransferredOut,
    GenealogyKind.TRANSFER_IN: ItemsTransferredIn,
    GenealogyKind.SAMPLE: MaterialSampled,
    GenealogyKind.ADJUST: LotAdjusted,
    GenealogyKind.SCRAP: ItemsScrapped,
}
"""The event of each kind of activity."""

WORDS = frozenset(cls.word for cls in [*OF_KIND.values(), GenealogyReversed] if issubclass(cls, Event))
"""The types of ledger events that tell of genealogy."""
