"""How much a document asks for, found before it is validated: validation itself can be made to take seconds.

Two passes. The first goes over each definition once and adds up fragments from the bottom upwards, so that it is linear
in the text, whatever fragments would expand to; what it finds too large goes no further. Only what is left, at most
:data:`~mesgraph.api.limits.SELECTIONS_MAX` selections when expanded, is walked as execution would walk it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    VariableNode,
    get_named_type,
    is_composite_type,
)

from mesgraph.access.policy import RECORDED
from mesgraph.api import limits
from mesgraph.api.limits import SATURATED, Excess, at_most
from mesgraph.api.literals import check_literals
from mesgraph.api.weights import SIZE, SIZES, UNIT, object_cost, own_cost
from mesgraph.errors import Code

PAGE_MAX = 500
INTROSPECTION = ("__schema", "__type")


class Part(NamedTuple):
    """What a selection set comes to with its fragments expanded."""

    depth: int = 0
    selections: int = 0
    aliases: int = 0
    directives: int = 0

    def __add__(self, other: Any) -> "Part":
        """Both beside each other."""
        return Part(
            max(self.depth, other.depth),
            min(self.selections + other.selections, SATURATED),
            min(self.aliases + other.aliases, SATURATED),
            min(self.directives + other.directives, SATURATED),
        )


@dataclass
class Extent:
    """A document within the limits, whose cost can still depend on its variables.

    ``types`` are those whose fields it reads, ``recorded`` whether it is recorded who reads one of them,
    ``introspects`` whether it asks about the schema itself.
    """

    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]
    operations: dict[str, OperationDefinitionNode]
    types: set[str] = field(default_factory=set)
    recorded: bool = False
    introspects: bool = False
    _costs: dict[tuple[str, tuple[int, ...]], int] = field(default_factory=dict)
    _sized: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def cost(self, name: str | None, variables: Mapping[str, Any]) -> int:
        """Cost of an operation (of the only one, when ``name`` is none) with these variables."""
        operation = self.operation(name)
        if operation is None:
            return 0
        named = name or ""
        sized = self._sized.get(named)
        if sized is None:
            sized = self._sized[named] = tuple(self._sizing_variables(operation))
        key = (named, tuple(_length(variables.get(variable, Undefined)) for variable in sized))
        cost = self._costs.get(key)
        if cost is None:
            if len(self._costs) > 100:
                self._costs.clear()
            cost = self._costs[key] = _Walk(self, operation, variables).cost()
        return cost

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of this name, or the only one."""
        if name is None:
            return next(iter(self.operations.values())) if len(self.operations) == 1 else None
        return self.operations.get(name)

    def check(self) -> None:
        """Walk every operation once, for what its variables cannot change. Raises :class:`Excess`."""
        for operation in self.operations.values():
            _Walk(self, operation, {}).check_root()

    def _sizing_variables(self, operation: OperationDefinitionNode) -> list[str]:
        walk = _Walk(self, operation, {})
        walk.cost()
        return sorted(walk.sizing)


def measure(schema: GraphQLSchema, document: DocumentNode) -> Extent:
    """What ``document`` asks for. Raises :class:`Excess` when it is too much, or when fragments contain themselves."""
    fragments, operations = _definitions(document)
    parts: dict[str, Part] = {}
    for name in _bottom_up(fragments):
        parts[name] = _part_of(fragments[name], parts)
        _check(f"fragment {name}", parts[name], limits.INTROSPECTION_DEPTH_MAX)
    whole = Part()
    for operation in operations.values():
        part = _part_of(operation, parts)
        whole += part
        _check(_named(operation), part, limits.DEPTH_MAX)
    at_most("the document", "selections", whole.selections, limits.SELECTIONS_MAX, "send its operations one by one")
    extent = Extent(schema, fragments, operations)
    extent.check()
    return extent


def _definitions(
    document: DocumentNode,
) -> tuple[dict[str, FragmentDefinitionNode], dict[str, OperationDefinitionNode]]:
    fragments: dict[str, FragmentDefinitionNode] = {}
    operations: dict[str, OperationDefinitionNode] = {}
    for definition in document.definitions:
        match definition:
            case FragmentDefinitionNode():
                if definition.name.value in fragments:
                    raise Excess(f"there are two fragments {definition.name.value[:40]}", Code.DOCUMENT_INVALID)
                fragments[definition.name.value] = definition
            case OperationDefinitionNode():
                name = definition.name.value if definition.name else ""
                if name in operations:
                    raise Excess(f"there are two operations {name[:40]!r}", Code.DOCUMENT_INVALID)
                operations[name] = definition
    at_most("the document", "fragments", len(fragments), limits.FRAGMENTS_MAX, "send what one operation needs")
    return fragments, operations


def _named(operation: OperationDefinitionNode) -> str:
    return f"{operation.operation.value} {operation.name.value[:40]}" if operation.name else operation.operation.value


def _check(what: str, part: Part, depth_max: int) -> None:
    at_most(what, "levels", part.depth, depth_max, "ask for the deeper things by their ids")
    at_most(what, "selections", part.selections, limits.SELECTIONS_MAX, "divide it")
    at_most(what, "aliases", part.aliases, limits.ALIASES_MAX, "use a list, or several requests")
    at_most(what, "directives", part.directives, limits.DIRECTIVES_MAX, "leave out fields instead")


def _bottom_up(fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[str]:
    """Names of ``fragments``, each behind those that it spreads. Raises :class:`Excess` for a cycle."""
    spreads = {name: set(_spreads(node.selection_set)) & fragments.keys() for name, node in fragments.items()}
    users: dict[str, list[str]] = {name: [] for name in fragments}
    for name, used in spreads.items():
        for spread in used:
            users[spread].append(name)
    ready = [name for name, used in spreads.items() if not used]
    done = 0
    while ready:
        name = ready.pop()
        done += 1
        yield name
        for user in users[name]:
            spreads[user].discard(name)
            if not spreads[user]:
                ready.append(user)
    if done < len(fragments):
        stuck = min(name for name, used in spreads.items() if used)
        raise Excess(f"fragment {stuck[:40]} contains itself, or one that does", Code.DOCUMENT_INVALID)


def _spreads(selection_set: SelectionSetNode) -> Iterator[str]:
    # The parser nests definitions 200 deep at most, so recursion within one is safe.
    for selection in selection_set.selections:
        if isinstance(selection, FragmentSpreadNode):
            yield selection.name.value
        elif (below := _below(selection)) is not None:
            yield from _spreads(below)


def _below(selection: SelectionNode) -> SelectionSetNode | None:
    return selection.selection_set if isinstance(selection, FieldNode | InlineFragmentNode) else None


def _part_of(definition: OperationDefinitionNode | FragmentDefinitionNode, fragments: Mapping[str, Part]) -> Part:
    directives = _directives(definition)
    for variable in definition.variable_definitions or ():
        directives += _directives(variable)
        if variable.default_value is not None:
            check_literals(variable.default_value)
    return _part(definition.selection_set, fragments) + Part(directives=directives)


def _part(selection_set: SelectionSetNode, fragments: Mapping[str, Part]) -> Part:
    whole = Part()
    for selection in selection_set.selections:
        own = Part(selections=1, directives=_directives(selection))
        match selection:
            case FragmentSpreadNode():
                own += fragments.get(selection.name.value, Part())
            case InlineFragmentNode():
                own += _part(selection.selection_set, fragments)
            case FieldNode():
                own += _field_part(selection, fragments)
        whole += own
    return whole


def _field_part(node: FieldNode, fragments: Mapping[str, Part]) -> Part:
    for argument in node.arguments or ():
        check_literals(argument.value)
    below = _part(node.selection_set, fragments) if node.selection_set else Part()
    if node.name.value in INTROSPECTION:
        at_most(node.name.value, "levels", below.depth, limits.INTROSPECTION_DEPTH_MAX, "nest `ofType` less")
        below = below._replace(depth=0)
    return below._replace(depth=below.depth + 1, aliases=below.aliases + (node.alias is not None))


def _directives(node: Any) -> int:
    directives = node.directives or ()
    for directive in directives:
        for argument in directive.arguments or ():
            check_literals(argument.value)
    at_most("one node", "directives", len(directives), limits.NODE_DIRECTIVES_MAX, "leave out fields instead")
    return len(directives)


Placed = tuple[str, Any, FieldNode]
"""A field as it stands: the name of its parent type, its definition (none where there is no such field), the node."""


class _Walk:
    """One operation, walked as execution does: fields of one name in one place are one."""

    def __init__(self, extent: Extent, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> None:
        self._extent = extent
        self._operation = operation
        self._variables = variables
        self._defaults = {
            variable.variable.name.value: variable.default_value for variable in operation.variable_definitions or ()
        }
        self.sizing: set[str] = set()

    def check_root(self) -> None:
        fields = self._root()
        mutation = self._operation.operation is OperationType.MUTATION
        most = limits.MUTATIONS_MAX if mutation else limits.ROOT_FIELDS_MAX
        at_most(_named(self._operation), "fields at its root", len(fields), most, "send several requests")
        secret = sum(nodes[0][2].name.value in limits.CREDENTIAL_FIELDS for nodes in fields.values()) if mutation else 0
        at_most(_named(self._operation), "commands about secrets", secret, 1, "send several requests")
        self._extent.introspects |= any(nodes[0][2].name.value in INTROSPECTION for nodes in fields.values())
        self._check_below(fields, 0)

    def cost(self) -> int:
        """In whole units."""
        return -(-self._cost(self._root(), None) // UNIT)

    def _root(self) -> dict[str, list[Placed]]:
        root = self._extent.schema.get_root_type(self._operation.operation)
        return self._grouped([(root, self._operation.selection_set)])

    def _grouped(self, sets: Iterable[tuple[Any, SelectionSetNode]]) -> dict[str, list[Placed]]:
        groups: dict[str, list[Placed]] = {}
        for parent, selection_set in sets:
            self._collect(parent, selection_set, groups)
        return groups

    def _collect(self, parent: Any, selection_set: SelectionSetNode, groups: dict[str, list[Placed]]) -> None:
        for selection in selection_set.selections:
            match selection:
                case FieldNode():
                    key = (selection.alias or selection.name).value
                    definition = self._definition(parent, selection.name.value)
                    groups.setdefault(key, []).append((parent.name if parent else "", definition, selection))
                case InlineFragmentNode():
                    self._collect(self._narrowed(parent, selection.type_condition), selection.selection_set, groups)
                case FragmentSpreadNode():
                    fragment = self._extent.fragments.get(selection.name.value)
                    if fragment is not None:
                        self._collect(self._narrowed(parent, fragment.type_condition), fragment.selection_set, groups)

    def _definition(self, parent: Any, name: str) -> GraphQLField | None:
        return self._extent.schema.get_field(parent, name) if is_composite_type(parent) else None

    def _narrowed(self, parent: Any, condition: Any) -> Any:
        return parent if condition is None else self._extent.schema.get_type(condition.name.value)

    def _below(self, nodes: Sequence[Placed]) -> dict[str, list[Placed]]:
        return self._grouped(
            (get_named_type(definition.type) if definition else None, node.selection_set)
            for _, definition, node in nodes
            if node.selection_set is not None
        )

    def _check_below(self, fields: Mapping[str, Sequence[Placed]], lists: int) -> None:
        for key, nodes in fields.items():
            at_most("one place", f"fields that answer as {key[:40]!r}", len(nodes), limits.SAME_KEY_MAX, "ask once")
            self._extent.types.update(parent for parent, _, _ in nodes)
            self._extent.recorded |= any((parent, node.name.value) in RECORDED for parent, _, node in nodes)
            deeper = lists
            if nodes[0][0].startswith("__") and nodes[0][1] is not None:
                deeper += _is_list(nodes[0][1].type)
                most = limits.INTROSPECTION_LISTS_MAX
                at_most("introspection", "lists within lists", deeper, most, "use `__type(name:)`")
            self._check_below(self._below(nodes), deeper)

    def _cost(self, fields: Mapping[str, Sequence[Placed]], page: int | None) -> int:
        whole = 0
        for nodes in fields.values():
            parent, definition, node = nodes[0]
            if definition is None or parent.startswith("__") or node.name.value.startswith("__"):
                continue  # unknown fields are left to validation, introspection has limits of its own
            whole += own_cost(parent, node.name.value, definition)
            if node.selection_set is not None:
                asked = self._asked(definition, node)
                times = self._times(parent, definition, node, asked, page)
                whole += times * (object_cost(definition.type) + self._cost(self._below(nodes), asked))
        return min(whole, SATURATED * UNIT)

    def _times(
        self, parent: str, definition: GraphQLField, node: FieldNode, asked: int | None, page: int | None
    ) -> int:
        if not _is_list(definition.type):
            return 1
        if asked is not None:
            return asked
        if page is not None and parent.endswith("Connection"):
            return page
        return SIZES.get((parent, node.name.value), SIZE)

    def _asked(self, definition: GraphQLField, node: FieldNode) -> int | None:
        """How many the arguments of a field ask for."""
        for name in ("first", "ids"):
            if name not in definition.args:
                continue
            given = next((argument.value for argument in node.arguments or () if argument.name.value == name), None)
            default = definition.args[name].default_value
            asked = _length(default) if given is None else self._size(given)
            return None if asked < 0 else asked
        return None

    def _size(self, value: Any) -> int:
        match value:
            case VariableNode():
                name = value.name.value
                self.sizing.add(name)
                sent = self._variables.get(name, Undefined)
                if sent is not Undefined:
                    return _length(sent)
                default = self._defaults.get(name)
                return PAGE_MAX if default is None else self._size(default)
            case IntValueNode():
                return _length(int(value.value))
            case ListValueNode():
                return _length(value.values)
            case NullValueNode():
                return _length(None)
        return 1


def _is_list(of: Any) -> bool:
    while isinstance(of, GraphQLNonNull):
        of = of.of_type
    return isinstance(of, GraphQLList)


def _length(sent: Any) -> int:
    """How many a value asks for; -1 when it does not say."""
    match sent:
        case bool():
            return 1
        case int():
            return max(0, min(sent, PAGE_MAX))
        case list() | tuple():
            return min(len(sent), PAGE_MAX)
    return -1 if sent is None or sent is Undefined else 1
