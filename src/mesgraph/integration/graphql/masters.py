"""Tables of master data in the API."""

from typing import Any

import strawberry

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import find_optional
from mesgraph.api.user_errors import UserError
from mesgraph.equipment.models import Site
from mesgraph.integration.masters.actions import RowOutcome, submit_masters
from mesgraph.integration.masters.kinds import KINDS, MastersKind
from mesgraph.work import Work


def _columns(kind: MastersKind) -> str:
    names = [f"`{name}`{'*' if column.required else ''}" for name, column in KINDS[kind].columns.items()]
    return f"Columns: {', '.join(names)} (* demanded)."


described_enum(
    MastersKind,
    "What the rows of a table are. Columns are called as the fields of the command, which says what they mean.",
    {
        MastersKind.SUPPLIERS: f"`submitSuppliers`. {_columns(MastersKind.SUPPLIERS)}",
        MastersKind.MATERIALS: f"`submitMaterialDefinitions`; `uomFactors` as `GRM=0.001 TNE=1000`. "
        f"{_columns(MastersKind.MATERIALS)}",
        MastersKind.EQUIPMENT_CLASSES: f"`submitEquipmentClasses`. {_columns(MastersKind.EQUIPMENT_CLASSES)}",
        MastersKind.EQUIPMENT: f"`submitEquipment`, parents first; several classes or stores are separated by spaces. "
        f"{_columns(MastersKind.EQUIPMENT)}",
        MastersKind.LOTS: f"`submitLots`: open stock; `reason` is demanded. `expiresAt` may be a day: the lot may be "
        f"used to its end, at the site. {_columns(MastersKind.LOTS)}",
    },
)
described_enum(
    RowOutcome,
    "What became of a row.",
    {
        RowOutcome.CREATED: "It was new.",
        RowOutcome.UPDATED: "It was known and is changed.",
        RowOutcome.UNCHANGED: "All of it was known; nothing is recorded.",
        RowOutcome.REJECTED: "It breaks rules; nothing of it was done.",
    },
)


@strawberry.input(description="A table of master data in CSV (RFC 4180): the first record names the columns.")
class SubmitMastersCsvInput(CommandInput):
    """A table."""

    kind: MastersKind = strawberry.field(description="What the rows are.")
    document: str = strawberry.field(
        description="The table: at most 500 rows and 200,000 characters. A byte order mark is passed over. Send more "
        "in several documents, or with `mesgraph master import`."
    )
    delimiter: str = strawberry.field(
        default=",", description="What separates the cells: a comma, a semicolon or a tab. Another one is refused."
    )
    site: strawberry.ID | None = strawberry.field(default=None, description="Site of rows that name none.")
    first_line: int = strawberry.field(
        default=2, description="Line of the file at which the first row of this document stands, for the report."
    )
    atomic: bool = strawberry.field(default=False, description="All rows or none.")


@strawberry.type(description="What became of one row of a table.")
class MastersRow:
    """Executed on :class:`~mesgraph.integration.masters.actions.RowResult`."""

    line: int = strawberry.field(description="Line of the file on which it begins.")
    key: str = strawberry.field(description="What it names.")
    outcome: RowOutcome = strawberry.field(description="What became of it.")

    @strawberry.field(description="Every broken rule; `path` is the column. Empty unless it was rejected.")
    def user_errors(root: strawberry.Parent[Any]) -> list[UserError]:
        """The violations."""
        return list(root.violations)


@strawberry.type(description="The report on a table, a line for each row.")
class SubmitMastersCsvPayload(CommandPayload):
    """Answer."""

    rows: list[MastersRow] | None = strawberry.field(default=None, description="Every row, in the order of the table.")


@strawberry.type
class MastersCommands:
    """Writes."""

    @command
    def submit_masters_csv(work: Work, input: SubmitMastersCsvInput) -> SubmitMastersCsvPayload:
        """Make master data or open stock known, or change them, from a table. Every row is judged by itself and told in
        `rows`; one that is rejected does not block the others, unless `atomic`. A row says everything of its thing:
        an empty cell, or a column that is not there, takes away what was known.
        """
        results = submit_masters(
            work,
            input.kind,
            input.document,
            delimiter=input.delimiter,
            site=find_optional(work.session, Site, input.site, "site"),
            first_line=input.first_line,
            atomic=input.atomic,
        )
        return SubmitMastersCsvPayload(rows=shown(results))
