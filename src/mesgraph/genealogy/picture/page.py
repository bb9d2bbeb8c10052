"""A trace as one page: a picture, what is in each of its boxes, and tables. It loads nothing from anywhere."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from mesgraph.genealogy.picture.answer import Answer, Link, Node
from mesgraph.genealogy.picture.boxes import Box, Boxes, boxes_of
from mesgraph.genealogy.picture.drawing import held, name, svg
from mesgraph.genealogy.picture.layout import layout_of
from mesgraph.genealogy.picture.look import MEANINGS, PRINTED, SCRIPT, STYLE, meaning_of
from mesgraph.genealogy.picture.words import (
    amount,
    balance,
    completeness,
    count,
    kind_of,
    readable,
    settings,
    status,
    title,
)
from mesgraph.quantity import Quantity

LEAST = 0.7
"""How much of its size the picture has on a narrow screen at least."""
LISTED = 400
"""So many items of a box are listed beside it: enough to look through; a page of many thousands stays small."""
ARROW = "\N{RIGHTWARDS ARROW}"


def page(answer: Answer) -> str:
    """The page as HTML."""
    return "\n".join(_page(answer)) + "\n"


def _page(answer: Answer) -> Iterator[str]:
    boxes = boxes_of(answer)
    layout = layout_of(boxes, forward=answer.forward)
    # wide pictures shrink to the window as long as they can be read
    style = f"{STYLE}figure > svg {{ min-width: {layout.width * LEAST:.0f}px }}\n{PRINTED}"
    # The browser runs and applies what is written here and nothing that a name might smuggle in.
    allowed = f"default-src 'none'; style-src {_source(style)}; script-src {_source(SCRIPT)}"
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{allowed}">'
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>{escape(title(answer))}</title>\n<style>{style}</style>\n</head>\n<body>"
    yield from _head(answer)
    yield from _legend(boxes)
    yield '<figure id="picture" tabindex="0" aria-label="Picture">'
    yield from svg(answer, boxes, layout)
    yield "</figure>"
    yield '<p class="hint">Tab moves from box to box, Enter shows what is in it, Escape goes back; hover over a line '
    yield f"for its share. Time runs from left to right: what went in {ARROW} what came out.</p>"
    for box in boxes.boxes:
        yield from _section(answer, boxes, box)
    yield from _materials(answer)
    yield from _folded(f"All {count(len(answer.nodes), 'item')}", _items(answer, answer.nodes))
    yield from _folded(f"All {count(len(answer.links), 'link')}", _links(answer, answer.links))
    yield f"<script>{SCRIPT}</script>\n</body>\n</html>"


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _head(answer: Answer) -> Iterator[str]:
    yield f"<h1>{escape(title(answer))}</h1>"
    look = "complete" if answer.complete else "incomplete"
    yield f'<p class="{look}">{escape(completeness(answer))}</p>'
    facts = [("Root", f"{readable(answer.root.key)}, {kind_of(answer.root)}"), *settings(answer)]
    where = balance(answer)
    if where is not None:
        facts.append(("Where it is", where))
    yield "<dl>"
    for term, words in facts:
        yield f"<dt>{escape(term)}</dt><dd>{escape(words)}</dd>"
    yield "</dl>"


def _legend(boxes: Boxes) -> Iterator[str]:
    """What the colours mean that are in the picture, and the two kinds of lines."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for box in boxes.boxes:
        found.setdefault(meaning_of(box.first.status), {})[status(box.first.status)] = None
    yield '<ul class="legend" aria-label="Legend">'
    order = [paint for paint, _ in MEANINGS.values()]
    for (meaning, paint), states in sorted(found.items(), key=lambda one: [*order, one[0][1]].index(one[0][1])):
        square = f'<svg width="16" height="16" aria-hidden="true"><rect width="16" height="16" fill="{paint}"/></svg>'
        yield f"<li>{square}{escape(', '.join(states))}: {escape(meaning)}</li>"
    for look, words in (("", "went into"), ("within", "installed or packed in")):
        line = '<path class="link" d="M0 8H34"/>'
        yield f'<li><svg width="34" height="16" aria-hidden="true"><g class="{look}">{line}</g></svg>{words}</li>'
    yield "</ul>"


def _section(answer: Answer, boxes: Boxes, box: Box) -> Iterator[str]:
    yield f'<section class="box" id="b{box.number}" tabindex="-1">'
    yield f"<h2>{escape(name(box))}</h2>"
    lines = [kind_of(box.first), f"{status(box.first.status)}, {amount(box.quantity)}"]
    lines += [held(answer, box)] if box.number else ["the root of this trace"]
    yield f"<p>{escape('; '.join(lines))}</p>"
    for words, bonds in (
        ("Made from, or holds", [(bond, bond.source) for bond in boxes.bonds if bond.target == box.number]),
        ("Went into", [(bond, bond.target) for bond in boxes.bonds if bond.source == box.number]),
    ):
        if bonds:
            parts = (
                f'<a href="#b{other}">{escape(name(boxes.boxes[other]))}</a> ({escape(amount(bond.share))})'
                for bond, other in bonds
            )
            yield f"<p>{words}: {', '.join(parts)}</p>"
    yield from _items(answer, box.nodes[:LISTED])
    if len(box.nodes) > LISTED:
        yield f"<p>The first {LISTED}; the others stand in the table of all items.</p>"
    yield '<p><a href="#picture">Back to the picture</a></p></section>'


def _materials(answer: Answer) -> Iterator[str]:
    """Sums by material."""
    if answer.exposures:
        rows = [
            (
                readable(line.material or ""),
                readable(line.name),
                f"{line.count:,}",
                amount(line.amount),
            )
            for line in answer.exposures
        ]
        yield '<section class="sums"><h2>By material</h2>'
        yield from _table(("Material", "Name", "#Items", f"#{_contained(answer)}"), rows)
        yield "</section>"


def _contained(answer: Answer) -> str:
    root = readable(answer.root.key)
    return f"Of {root} in or through it" if answer.forward else f"Of it in {root}"


def _items(answer: Answer, nodes: Iterable[Node]) -> Iterator[str]:
    """Items with all that the trace says of them."""
    heads = ("Item", "Material", "State", "#Quantity", "#Steps away", f"#{_contained(answer)}")
    more = ("#Still in it", "#Removed from it", "Shipped") if answer.forward else ()
    rows = []
    for node in nodes:
        row = [readable(node.key), kind_of(node), status(node.status), amount(node.quantity), f"{node.depth}"]
        row.append(amount(node.contained))
        if answer.forward:
            row += [_optional(node.remains), _optional(node.removed), "yes" if node.shipped else ""]
        rows.append(row)
    yield from _table((*heads, *more), rows)


def _optional(quantity: Quantity | None) -> str:
    return "" if quantity is None else amount(quantity)


def _links(answer: Answer, links: Iterable[Link]) -> Iterator[str]:
    def key(of: str) -> str:
        return readable(answer.by_id[of].key)

    rows = [
        (
            key(link.source),
            key(link.target),
            amount(link.share),
            status(link.kind),
            link.time,
            readable(link.slot or ""),
        )
        for link in links
    ]
    yield from _table(("From", "To", "#Share", "Activity", "Time", "Slot"), rows)


def _folded(words: str, inside: Iterable[str]) -> Iterator[str]:
    yield f"<details><summary>{escape(words)}</summary>"
    yield from inside
    yield "</details>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A head that begins with # is of numbers."""
    looks = [' class="n"' if head.startswith("#") else "" for head in heads]
    cells = (f"<th{look}>{escape(head.removeprefix('#'))}</th>" for look, head in zip(looks, heads, strict=True))
    yield f"<table><thead><tr>{''.join(cells)}</tr></thead><tbody>"
    for row in rows:
        cells = (f"<td{look}>{escape(text)}</td>" for look, text in zip(looks, row, strict=True))
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table>"
