"""A valid operation for every field of the schema, built by introspection: arguments, inputs, selections.

What names a thing (an argument or input field in :data:`NAMES`) takes the thing of a site, by its key or by its opaque
id, or something of the same form that is not there. Everything else takes a value that fits its type.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_required_input_field,
)

from mesgraph.api.nodes import opaque_id, parse_node_id
from mesgraph.documents.actions import id_of
from tests.factories.b2mml import document, request
from tests.security.two_plants import ABSENT, NO_SSCC, SSCCS, STORED, Things

Path: TypeAlias = tuple[str, ...]
Form: TypeAlias = str
KEY, ID = "key", "id"
FORMS = (KEY, ID)
BY_ID_ALONE = {"node", "nodes", "history", "signatures", "ChallengeSignatureInput"}
"""Fields and inputs that take opaque ids and nothing else."""
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

NAMES: dict[str, str] = {
    "actual": "actual",
    "among": "lot",
    "apiKey": "key",
    "code@itemByScan": "pallet",
    "code@scan": "pallet",
    "components@DisassembleUnitInput": "component",
    "deviation": "deviation",
    "driverInstance": "driver",
    "tag@tagHistory": "tag",
    "tag@DataQualityIssueFilter": "tag",
    "equipment": "equipment",
    "event": "event",
    "from@genealogyPath": "lot",
    "fromSite": "site",
    "hold": "hold",
    "identity": "identity",
    "id@ItemKey": "lot",
    "id@history": "order",
    "id@jobOrder": "job",
    "id@node": "order",
    "ids@nodes": "order",
    "item": "lot",
    "item@asBuilt": "unit",
    "item@ComponentInput": "free cell",
    "item@TransferFilter": "lot2",
    "items": "lot",
    "jobOrder": "waiting job",
    "jobOrder@PauseJobOrderInput": "job",
    "jobOrder@StopJobOrderInput": "job",
    "jobResponse": "run",
    "key@item": "lot",
    "key@operationsRequest": "order",
    "key@transfer": "transfer",
    "location": "location",
    "lot@ItemFilter": "lot2",
    "materialActual": "actual",
    "messages": "message",
    "operationsRequest": "order",
    "order": "order",
    "parent@EquipmentFilter": "root equipment",
    "parent@ItemFilter": "pallet",
    "request": "order",
    "principal": "person",
    "record": "lot",
    "reservation": "reservation",
    "root": "lot",
    "securityEvent": "security event",
    "segmentRequirement": "step",
    "site": "site",
    "sites@DraftOperationsDefinitionInput": "site",
    "sscc@UnpackInput": "pallet",
    "takenFrom": "job",
    "to@genealogyPath": "made",
    "transfer": "transfer",
    "unit": "unit",
    "within": "root equipment",
    "destination": "destination",
}
"""Names of arguments and input fields that name a thing of a site, and which thing; with ``@`` of one owner only."""

VALUES: dict[str, Any] = {
    "accept": True,
    "atomic@SubmitOperationsScheduleInput": True,
    "badge": "BADGE-NEW",
    "classes@SubmitEquipmentClassesInput": [{"code": "NEW", "name": "New"}],
    "code": "NEW-1",
    "code@equipment": "COAT01",
    "code@materialDefinition": "RM-PVDF",
    "code@operationsDefinition": "OD-MIX",
    "command": "STOP",
    "contextCode": "TEST",
    "config": {"scan": 1},
    "direction": "FORWARD",
    "driverInstance@TagInput": "DRV-1",
    "samples": {
        "paths": ["Temp"],
        "tag": [0],
        "time": [1771200000000000],
        "received": [1771200000000000],
        "value": [1],
    },
    "sequence": 0,
    "window@tagHistory": {"from": "2026-02-16T05:00:00Z", "to": "2026-02-16T06:00:00Z"},
    "document": "code,name\nNEW,New\n",
    "document@SubmitB2mmlInput": document(request(product="SLURRY-C", uom="KGM", site=None)),
    "equipmentClass": "WORK-UNIT",
    "externalId": "NEW-1",
    "field": "net",
    "field@whyDenied": "Mutation.releaseLot",
    "held": False,
    "id@storedDocument": id_of(STORED),
    "storedDocument": id_of(STORED),
    "issuer": "https://id.example",
    "kind@CreatePrincipalInput": "PERSON",
    "level": "STORAGE_ZONE",
    "lot@OutputInput": "S-NEW",
    "lotNumber": "NEW-1",
    "material": "RM-PVDF",
    "material@AssembleUnitInput": "MOD-8S",
    "material@OutputInput": "SLURRY-C",
    "material@ReceiptLineInput": "RM-NMP",
    "messageId": "NEW-1",
    "operationsDefinition": "OD-MIX:1",
    "parameter": "SOLIDS",
    "product": "SLURRY-C",
    "quantity@ReceiptLineInput": {"value": "1", "uom": "KGM"},
    "quantity@OutputInput": {"value": "1", "uom": "KGM"},
    "resolution": "LOST",
    "role": "VIEWER",
    "role@WithdrawRoleInput": "OPERATOR",
    "serialNumber": "NEW-1",
    "sourceSystem": "ERP1",
    "sscc": NO_SSCC,
    "state": "IDLE",
    "state@ReportDriverHealthInput": "RUNNING",
    "step": "10",
    "subject": "new-1",
    "timeZone": "Europe/Lisbon",
    "toSite": "HV3",
    "to@PositionRangeInput": "2",
    "to@ItemRangeInput": "2",
    "to@SuspectProductionInput": "2026-02-17T00:00:00Z",
    "from@SuspectProductionInput": "2026-02-15T00:00:00Z",
    "text@DocumentInput": "{ sites { code } }",
    "uom": "KGM",
    "url": "https://erp.example",
    "version": "9",
}
"""Values of what names no thing, by name; with ``@`` for one owner only."""

GIVEN = {
    "atomic@SubmitOperationsScheduleInput",
    "fromSite@CreateTransferInput",
    "items@PlaceHoldInput",
    "items@SuspectSetInput",
    "jobOrder@ReserveMaterialInput",
    "site@GrantRoleInput",
    "site@IssueApiKeyInput",
    "site@OperationsRequestInput",
    "site@RegisterDestinationInput",
    "site@WithdrawRoleInput",
}
"""What may be left out, and is given all the same, because little would be asked without it."""

OF_TYPE: dict[str, Any] = {
    "Boolean": False,
    "DateTime": "2026-02-16T05:00:00Z",
    "Decimal": "1",
    "Duration": "PT1H",
    "Float": 1.0,
    "ID": "NONE",
    "Int": 1,
    "Long": 1,
    "String": "NEW",
    "UnitCode": "KGM",
}


class Unknown(LookupError):
    """The matrix does not know what an argument stands for; a line in :data:`NAMES` or :data:`VALUES` says it."""


class Asked:
    """Whose things an operation names: ``everything`` of one site, or one reference of another."""

    def __init__(self, things: Things, form: Form = KEY, *, absent: bool = False) -> None:
        self.things, self.form, self.absent = things, form, absent
        self.offset = ABSENT * absent
        self.others: dict[Path, Asked] = {}

    def but(self, path: Path, other: "Asked") -> "Asked":
        """The same, but that the reference at ``path`` names a thing of ``other``."""
        asked = Asked(self.things, self.form, absent=self.absent)
        asked.others = {path: other}
        return asked

    def at(self, path: Path) -> "Asked":
        """Who is asked for the reference at ``path``."""
        return self.others.get(path, self)

    def spelled(self, name: str, type_name: str, owner: str = "") -> Any:
        """The thing called ``name``, as an argument of this type takes it."""
        key = self.things.keys[name]
        if owner in BY_ID_ALONE or (self.form == ID and type_name in ("ID", "ItemKey") and name in self.things.rows):
            kind, row_id = self.things.rows[name]
            opaque = opaque_id(kind, row_id + self.offset)
            return opaque if type_name == "ID" else {"id": opaque}
        if type_name == "ID" and isinstance(key, dict):
            key = "/".join(key.values())
        if type_name in ("SSCC", "String") and isinstance(key, dict):
            key = key["sscc"]
        return absent(key) if self.absent else key

    def plain(self, text: str) -> str:
        """``text`` with each name of something absent as that of the thing that it stands for."""
        names = {absent(part): part for key in self.things.keys.values() for part in _parts(key)}
        rows = self.things.rows.values()
        names |= {opaque_id(kind, row_id + ABSENT): opaque_id(kind, row_id) for kind, row_id in rows}
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, names[name])
        return text


def _parts(key: Any) -> list[str]:
    return list(key.values()) if isinstance(key, dict) else [key]


def absent(key: Any) -> Any:
    """The name of nothing, in the form of ``key``."""
    if isinstance(key, dict):
        last = list(key)[-1]
        return key | {last: absent(key[last])}
    if key in SSCCS.values():
        return NO_SSCC
    if (parsed := parse_node_id(key)) is not None:
        return opaque_id(parsed[0], parsed[1] + ABSENT)
    if UUID.fullmatch(key):
        return "00000000-0000-7000-8000-000000000000"
    return key[:-1] + "Z"


def looked_up(table: Mapping[str, Any], owner: str, name: str) -> Any:
    """What a table says of a name, of this owner or of any."""
    return table.get(f"{name}@{owner}", table.get(name))


def is_given(owner: str, name: str, argument: Any) -> bool:
    """Whether every operation gives the argument."""
    return is_required_input_field(argument) or f"{name}@{owner}" in GIVEN


def names_a_thing(owner: str, name: str, kind: Any) -> str | None:
    """Which thing of a site the argument or input field names, if it does."""
    if f"{name}@{owner}" in VALUES:
        return None
    wanted = get_named_type(kind).name
    thing: str | None = looked_up(NAMES, owner, name)
    return thing if thing is not None and wanted in ("ID", "ItemKey", "SSCC", "String") else None


def references(owner: str, arguments: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, bool]]:
    """Every path of arguments to the name of a thing, and whether it must be given."""
    for name, argument in arguments.items():
        path, needed = (*above, name), is_given(owner, name, argument)
        kind = get_named_type(argument.type)
        if names_a_thing(owner, name, argument.type) is not None:
            yield path, needed
        elif isinstance(kind, GraphQLInputObjectType) and kind.name != "ReasonInput" and len(path) < 6:
            for below, below_needed in references(kind.name, kind.fields, path):
                yield below, needed and below_needed


def arguments_of(owner: str, arguments: Mapping[str, Any], asked: Asked, path: Path = (), chosen: Path = ()) -> Any:
    """Values of all arguments that must be given, and of those on the way to ``chosen``."""
    values = {}
    for name, argument in arguments.items():
        here = (*path, name)
        if name == "reason":
            values[name] = {"code": "TEST", "comment": "for the matrix"}
        elif is_given(owner, name, argument) or here == chosen[: len(here)]:
            values[name] = _value(owner, name, argument.type, asked, here, chosen)
    return values


def _value(owner: str, name: str, kind: Any, asked: Asked, path: Path, chosen: Path) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _value(owner, name, kind.of_type, asked, path, chosen)
    thing = names_a_thing(owner, name, kind)
    if thing is not None:
        return _listed(kind, asked.at(path).spelled(thing, get_named_type(kind).name, owner))
    known = looked_up(VALUES, owner, name)
    if known is not None and not isinstance(get_named_type(kind), GraphQLInputObjectType):
        return _listed(kind, known)
    if known is not None and f"{name}@{owner}" in VALUES:
        return known
    if isinstance(kind, GraphQLList):
        return [_value(owner, name, kind.of_type, asked, path, chosen)]
    if isinstance(kind, GraphQLInputObjectType):
        return arguments_of(kind.name, kind.fields, asked, path, chosen)
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if kind.name not in OF_TYPE:
        raise Unknown(f"{owner}.{name}: {kind}")
    return OF_TYPE[kind.name]


def _listed(kind: Any, value: Any) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _listed(kind.of_type, value)
    return [value] if isinstance(kind, GraphQLList) and not isinstance(value, list) else value
