"""A trace as text for Graphviz, with the same boxes as the page."""

from collections import defaultdict
from collections.abc import Iterator

from mesgraph.genealogy.picture.answer import CONTAINING, Answer
from mesgraph.genealogy.picture.boxes import Box, boxes_of
from mesgraph.genealogy.picture.look import colour
from mesgraph.genealogy.picture.words import amount, completeness, kind_of, readable, settings, status, title


def dot(answer: Answer) -> str:
    """A digraph from left to right; layers as ranks, shares as labels."""
    return "\n".join(_lines(answer)) + "\n"


def _lines(answer: Answer) -> Iterator[str]:
    boxes = boxes_of(answer)
    caption = [title(answer), *(f"{name}: {words}" for name, words in settings(answer)), completeness(answer)]
    yield "digraph trace {"
    yield f"  graph [rankdir=LR, fontname={_quoted('sans-serif')}, labelloc=t, label={_quoted(*caption)}];"
    yield f"  node [shape=box, style=filled, fillcolor=white, penwidth=2, fontname={_quoted('sans-serif')}];"
    yield f"  edge [fontname={_quoted('sans-serif')}, fontsize=10];"
    layers: dict[int, list[Box]] = defaultdict(list)
    for box in boxes.boxes:
        layers[box.layer].append(box)
        # two borders for many: the count stands in the label, too
        many = "" if len(box.nodes) == 1 else ", peripheries=2"
        yield f"  b{box.number} [label={_quoted(*_label(box))}, color={_quoted(colour(box.first.status))}{many}];"
    for layer in layers.values():
        yield f"  {{ rank=same; {' '.join(f'b{box.number};' for box in layer)} }}"
    for bond in boxes.bonds:
        inside = ", style=dashed" if CONTAINING.issuperset(bond.kinds) else ""
        label = _quoted(f"{amount(bond.share)} {', '.join(map(status, bond.kinds))}")
        yield f"  b{bond.source} -> b{bond.target} [label={label}{inside}];"
    yield "}"


def _label(box: Box) -> Iterator[str]:
    first = box.first
    yield (
        readable(first.key) if len(box.nodes) == 1 else f"{len(box.nodes):,} x {readable(first.material or '')}".strip()
    )
    yield kind_of(first)
    yield f"{status(first.status)}, {amount(box.quantity)}"
    if box.number:
        yield f"[{amount(box.contained)}]"


def _quoted(*lines: str) -> str:
    """A string of the DOT language, a line each; its escapes are made harmless."""
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
