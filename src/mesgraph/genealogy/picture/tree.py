"""A trace as a tree of text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text
from rich.tree import Tree

from mesgraph.genealogy.picture.answer import Answer, Node
from mesgraph.genealogy.picture.words import (
    amount,
    balance,
    completeness,
    contained,
    count,
    each,
    kind_of,
    meaning,
    readable,
    status,
    title,
    total,
)

NARROW = 6
"""So many items of one kind beside each other are shown one by one."""
EXAMPLES = 3
"""So many of more."""
COLOURS = {
    "AVAILABLE": "green",
    "ON_HOLD": "yellow",
    "QUARANTINE": "yellow",
    "EXPIRED": "yellow",
    "REJECTED": "red",
    "SHIPPED": "magenta",
}


def head(answer: Answer) -> str:
    """What the tree shows, and what its brackets mean."""
    asked = [f"by {readable(answer.at)}"] if answer.at else []
    asked += [f"as recorded by {readable(answer.as_of)}"] if answer.as_of else []
    when = f" ({', '.join(asked)})" if asked else ""
    return f"{title(answer)}: {meaning(answer)}{when}.\n[...] is {contained(answer)}, {readable(answer.model)}."


def foot(answer: Answer) -> Iterator[str]:
    """Where the root is now, and whether the trace has everything."""
    where = balance(answer)
    if where is not None:
        yield f"Of {readable(answer.root.key)}: {where}."
    yield completeness(answer)


def tree(answer: Answer) -> Tree:
    """The items below what they come from, seen from the root; each is unfolded at the first place where it stands."""
    top = Tree(_line(answer.root, root=True))
    shown = {answer.root.id}
    _unfold(answer, top, [answer.root], shown)
    apart = [node for node in answer.nodes if node.id not in shown]
    if apart:
        _unfold(answer, top.add("reached through items that are not shown"), apart, shown, begin=True)
    return top


def _unfold(answer: Answer, top: Tree, nodes: Sequence[Node], shown: set[str], *, begin: bool = False) -> None:
    # not recursive: a chain may be longer than the stack of calls
    first = _bundles(nodes) if begin else _bundles(_next(answer, nodes))
    waiting = [(top, bundle) for bundle in reversed(first)]
    while waiting:
        above, bundle = waiting.pop()
        fresh = [node for node in bundle if node.id not in shown]
        again = [node for node in bundle if node.id in shown]
        if again:
            above.add(Text(_referred(again), style="dim"))
        if not fresh:
            continue
        shown.update(node.id for node in fresh)
        branch = above.add(_line(fresh[0]) if len(fresh) == 1 else _bundle(fresh))
        waiting += [(branch, below) for below in reversed(_bundles(_next(answer, fresh)))]


def _next(answer: Answer, nodes: Iterable[Node]) -> list[Node]:
    keys = dict.fromkeys(key for node in nodes for key in answer.away.get(node.id, ()))
    return [answer.by_id[key] for key in keys]


def _bundles(nodes: Iterable[Node]) -> list[list[Node]]:
    """Items of one material and state; the first of many alone, the others together."""
    kinds: dict[tuple[str | None, str, str, str], list[Node]] = defaultdict(list)
    for node in nodes:
        kinds[node.material, node.status, node.quantity.uom, node.contained.uom].append(node)
    found: list[list[Node]] = []
    for same in kinds.values():
        alone = same if len(same) <= NARROW else same[:EXAMPLES]
        found += [[node] for node in alone]
        if len(alone) < len(same):
            found.append(same[len(alone) :])
    return found


def _line(node: Node, *, root: bool = False) -> Text:
    line = Text(readable(node.key), style="bold")
    line.append(f"  {readable(node.name)}  ", style="not bold")
    line.append(status(node.status), style=f"not bold {COLOURS.get(node.status, '')}".strip())
    inside = "" if root else f"  [{amount(node.contained)}]"
    return line.append(f"  {amount(node.quantity)}{inside}", style="not bold")


def _bundle(nodes: Sequence[Node]) -> Text:
    first, inside = nodes[0], [node.contained for node in nodes]
    line = Text(f"... {len(nodes):,} more of {kind_of(first)}  ")
    line.append(status(first.status), style=COLOURS.get(first.status, ""))
    held = amount(total(node.quantity for node in nodes))
    return line.append(f"  {held} in all  [{each(inside)} each, {amount(total(inside))} in all]")


def _referred(nodes: Sequence[Node]) -> str:
    if len(nodes) == 1:
        return f"{readable(nodes[0].key)}  (see above)"
    return f"{count(len(nodes), 'item')} of {kind_of(nodes[0])}  (see above)"
