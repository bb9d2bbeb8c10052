"""Scanned codes in the API."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.scalars import GTIN, SSCC
from mesgraph.errors import Code, Refused
from mesgraph.materials import queries
from mesgraph.materials.graphql.nodes import MaterialDefinitionNode, TraceableItem
from mesgraph.materials.models import Item, MaterialDefinition
from mesgraph.materials.scan import Scan, ScanForm, read_scan

described_enum(
    ScanForm,
    "What kind of code was scanned.",
    {
        ScanForm.ELEMENT_STRING: "Element strings of GS1: application identifiers with values.",
        ScanForm.DIGITAL_LINK: "A GS1 Digital Link, of any domain.",
        ScanForm.PLAIN: "A text without identifiers: an SSCC, a GTIN, a number or a key.",
    },
)
ScannedCode = Annotated[
    str,
    strawberry.argument(
        description="What the scanner sent, with or without symbology identifier, FNC1 as GS (U+001D): element "
        "strings, a GS1 Digital Link, an SSCC, an item's key, or a lot or serial number."
    ),
]


@strawberry.type(description="An application identifier of GS1 with its value.")
class ScannedElement:
    """Executed on :class:`~mesgraph.materials.scan.Element`."""

    ai: str = strawberry.field(description="The identifier, such as 01, 10, 17 or 3100.")
    title: str = strawberry.field(description="What GS1 calls it, such as GTIN or BATCH/LOT.")
    value: str = strawberry.field(description="The value as it was read.")
    day: date | None = strawberry.field(description="The value as a day; day 00 is the last of its month.")
    amount: Decimal | None = strawberry.field(description="The value as a number, such as a weight.")


@strawberry.type(name="Scan", description="What a code says, and what it names.")
class ScanType:
    """Executed on :class:`_Read`."""

    scan: strawberry.Private[Scan]
    found: strawberry.Private[Item | None]
    of: strawberry.Private[MaterialDefinition | None]

    @strawberry.field(description="What kind of code it was.")
    def form(self) -> ScanForm:
        """The form."""
        return self.scan.form

    @strawberry.field(description="All that the code says, in its order.")
    def elements(self) -> list[ScannedElement]:
        """The elements."""
        return shown(list(self.scan.elements))

    @strawberry.field(description="GTIN, AI 01.")
    def gtin(self) -> GTIN | None:
        """From the elements."""
        return shown(self.scan.value("01"))

    @strawberry.field(description="Lot number, AI 10.")
    def lot(self) -> str | None:
        """From the elements."""
        return self.scan.value("10")

    @strawberry.field(description="Serial number, AI 21.")
    def serial(self) -> str | None:
        """From the elements."""
        return self.scan.value("21")

    @strawberry.field(description="Number of a logistic unit, AI 00.")
    def sscc(self) -> SSCC | None:
        """From the elements."""
        return shown(self.scan.value("00"))

    @strawberry.field(description="Last day of use, AI 17.")
    def expires_on(self) -> date | None:
        """From the elements."""
        return self.scan.day("17")

    @strawberry.field(description="Day of production, AI 11.")
    def produced_on(self) -> date | None:
        """From the elements."""
        return self.scan.day("11")

    @strawberry.field(description="The material of the GTIN; null when there is none.")
    def material(self) -> MaterialDefinitionNode | None:
        """The latest revision."""
        return shown(self.of)

    @strawberry.field(description="The item that it names; null when there is none, such as before its receipt.")
    def item(self) -> TraceableItem | None:
        """As `itemByScan`."""
        return shown(self.found)


@strawberry.type
class ScanQueries:
    """Reads."""

    @strawberry.field(
        description="The item that a scanned code names. A code that GS1 does not permit is INVALID_GS1_KEY, one that "
        "names nothing is NOT_FOUND; both messages say what was read. A bare number that several materials have is "
        "refused (VALIDATION_FAILED)."
    )
    async def item_by_scan(self, info: Info, code: ScannedCode) -> TraceableItem | None:
        """One by label."""
        scan = read_scan(code)
        return shown(await info.context.read(lambda session: queries.item_by_scan(session, scan)))

    @strawberry.field(
        description="All that a scanned code says, and what it names if that is known: for forms that are filled from "
        "a label, such as a receipt. INVALID_GS1_KEY for a code that GS1 does not permit."
    )
    async def scan(self, info: Info, code: ScannedCode) -> ScanType:
        """The elements, the material, the item."""
        read = read_scan(code)
        return await info.context.read(lambda session: _read(session, read))


def _read(session: Session, scan: Scan) -> ScanType:
    gtin = scan.value("01")
    item: Item | None = None
    try:
        item = queries.item_by_scan(session, scan)
    except Refused as refused:
        if any(violation.code is not Code.NOT_FOUND for violation in refused.violations):
            raise
    material: Any = queries.material_by_gtin(session, gtin) if gtin else None
    return ScanType(scan=scan, found=item, of=material)
