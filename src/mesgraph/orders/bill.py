"""The bill of a segment: what may go in, what may come out, and how much of it (I9, I11)."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.definitions import queries as definition_queries
from mesgraph.definitions.models import IssueMethod, MaterialSpecification, MaterialUse, RevisionRule, ToleranceAction
from mesgraph.errors import Code, Violation, invalid
from mesgraph.materials.models import MaterialDefinition
from mesgraph.quantity import MAX, QUANTUM, plain

INPUTS = frozenset({MaterialUse.CONSUMED, MaterialUse.CONSUMABLE})


@dataclass(frozen=True)
class Alternate:
    """A material that may go in instead of a line's: ``factor`` base units of it for each one."""

    material: MaterialDefinition
    factor: Decimal

    def worth(self, amount: Decimal) -> Decimal:
        """How much of the line's material ``amount`` of it replaces."""
        return (amount / self.factor).quantize(QUANTUM, ROUND_HALF_UP)


@dataclass(frozen=True)
class BillLine:
    """A line of the bill with its material and what may go in instead of it."""

    specification: MaterialSpecification
    material: MaterialDefinition
    alternates: tuple[Alternate, ...] = ()

    @property
    def codes(self) -> frozenset[str]:
        """The codes of all materials that fit."""
        return frozenset({self.material.code, *(alternate.material.code for alternate in self.alternates)})

    @property
    def is_consumed(self) -> bool:
        """Whether it becomes a part of the output, by a counted amount."""
        return self.specification.use is MaterialUse.CONSUMED

    @property
    def is_backflushed(self) -> bool:
        """Whether it is taken with the output, as much as the bill says."""
        return self.specification.issue is IssueMethod.BACKFLUSH

    def needed(self, output: Decimal) -> Decimal:
        """How much goes into ``output``, in the base unit; of a BACKFLUSH line with what is lost on the way, to the six
        decimals that can be posted.
        """
        needed = self.specification.quantity_per * output
        if not self.is_backflushed or needed > MAX:  # more than that nobody has
            return needed
        return (needed * (1 + self.specification.scrap_factor)).quantize(QUANTUM, ROUND_HALF_UP)

    def accepts(self, material: MaterialDefinition) -> bool:
        """Whether ``material`` is the line's own or an alternate, in a revision that the line's rule permits."""
        return self.accepts_own(material) or any(self._permits(x.material, material) for x in self.alternates)

    def accepts_own(self, material: MaterialDefinition) -> bool:
        """Whether ``material`` is the line's own, in a revision that its rule permits."""
        return self._permits(self.material, material)

    def taken(self, amounts: Mapping[str, Decimal]) -> Decimal:
        """What of ``amounts`` (by material code) counts for this line, in its own material; alternates by their factor,
        to six decimals.
        """
        own = amounts.get(self.material.code, Decimal(0))
        return own + sum((x.worth(amounts.get(x.material.code, Decimal(0))) for x in self.alternates), Decimal(0))

    def _permits(self, named: MaterialDefinition, material: MaterialDefinition) -> bool:
        if material.code != named.code:
            return False
        match self.specification.revision_rule:
            case RevisionRule.EXACT:
                return material.id == named.id
            case RevisionRule.MINIMUM:
                return revision_rank(material.revision) >= revision_rank(named.revision)
        return True


def revision_rank(revision: str) -> tuple[tuple[int, int, str], ...]:
    """Orders revisions as people do: runs of digits by their number, the rest by letter; a number before a letter."""
    parts = re.findall(r"[0-9]+|[^0-9]+", revision)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def bill_lines(session: Session, segment_id: int) -> list[BillLine]:
    """The bill of a segment, by line number."""
    return bills_of(session, [segment_id])[segment_id]


def bills_of(session: Session, segment_ids: Collection[int]) -> dict[int, list[BillLine]]:
    """The bill of each segment, by line number."""
    bills = definition_queries.bills_of(session, segment_ids)
    instead = definition_queries.substitutes_of(session, [line.id for bill in bills.values() for line in bill])
    wanted = {specification.material_id for bill in bills.values() for specification in bill}
    wanted |= {row.material_id for rows in instead.values() for row in rows}
    rows = session.scalars(select(MaterialDefinition).where(MaterialDefinition.id.in_(wanted)))
    materials = {material.id: material for material in rows}
    return {
        segment_id: [
            BillLine(
                specification,
                materials[specification.material_id],
                tuple(Alternate(materials[row.material_id], row.factor) for row in instead[specification.id]),
            )
            for specification in bill
        ]
        for segment_id, bill in bills.items()
    }


def bill_violation(
    lines: Sequence[BillLine],
    material: MaterialDefinition | None,
    uses: Collection[MaterialUse],
    *path: str | int,
) -> Violation | None:
    """WRONG_MATERIAL or WRONG_MATERIAL_VERSION when no line with one of ``uses`` accepts ``material`` (I9)."""
    fitting = [line for line in lines if line.specification.use in uses]
    if material is not None and any(line.accepts(material) for line in fitting):
        return None
    named = ", ".join(line.material.human_key for line in fitting) or "nothing"
    words = "/".join(sorted(uses))
    if material is not None and any(material.code in line.codes for line in fitting):
        return invalid(
            f"{material.human_key} has not the revision of the bill, which names {named} as {words}",
            *path,
            code=Code.WRONG_MATERIAL_VERSION,
        )
    shown = material.human_key if material else "a logistic unit"
    return invalid(
        f"{shown} is on no bill line of this segment; as {words} the bill names {named}",
        *path,
        code=Code.WRONG_MATERIAL,
    )


def line_of(lines: Sequence[BillLine], material: MaterialDefinition) -> BillLine | None:
    """The first line that consumes this material into the output."""
    return next(
        (x for x in lines if x.specification.use is MaterialUse.CONSUMED and x.accepts(material)),
        None,
    )


@dataclass(frozen=True)
class OutOfTolerance:
    """A consumption per output unit outside the tolerance of its bill line (I11)."""

    line: BillLine
    expected: Decimal
    actual: Decimal

    @property
    def blocks(self) -> bool:
        """Whether the line refuses it rather than warn."""
        return self.line.specification.tolerance_action is ToleranceAction.BLOCK

    def __str__(self) -> str:
        material, tolerance = self.line.material, self.line.specification.tolerance_pct or Decimal(0)
        return (
            f"{plain(self.actual)} {material.base_uom} of {material.code}, the bill asks "
            f"{plain(self.expected)} {material.base_uom} within {plain(tolerance)} %"
        )


def out_of_tolerance(
    lines: Sequence[BillLine], taken: Mapping[str, Decimal], produced: Decimal
) -> list[OutOfTolerance]:
    """The lines whose amount ``taken`` (by material code) does not fit ``produced`` units of output (I11).

    Compared over the whole activity, without a division: |taken - per x produced| against per x produced x tolerance.
    """
    found = []
    for line in lines:
        specification = line.specification
        if specification.use is not MaterialUse.CONSUMED or specification.tolerance_pct is None:
            continue
        expected = line.needed(produced)
        actual = line.taken(taken)
        if line.is_backflushed and actual < expected:
            continue  # it takes what it needs; what the stores lack is told as that
        if abs(actual - expected) * 100 > expected * specification.tolerance_pct:
            found.append(OutOfTolerance(line, expected, actual))
    return found
