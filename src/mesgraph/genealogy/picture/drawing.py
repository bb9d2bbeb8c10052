"""The layered picture as SVG."""

from collections.abc import Iterator, Sequence
from html import escape

from mesgraph.genealogy.picture.answer import CONTAINING, Answer
from mesgraph.genealogy.picture.boxes import Bond, Box, Boxes
from mesgraph.genealogy.picture.layout import COLUMN, HEIGHT, WIDTH, Layout
from mesgraph.genealogy.picture.look import WARNING, colour
from mesgraph.genealogy.picture.words import amount, count, each, kind_of, readable, status, title

MARGIN = 12
BAR = 9
"""Width of the coloured bar of a box."""
ROOM = WIDTH - BAR - 14
SIZES = {"key": 15, "small faint": 12, "small": 12}
"""Looks of text, with a size in which it is measured; what is bold is wider."""

Point = tuple[float, float]


def svg(answer: Answer, boxes: Boxes, layout: Layout) -> Iterator[str]:
    """The picture, in lines. Each box is a link to ``#bN``, each link and box has its details as a tooltip."""
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    size = f'width="{width:g}" height="{height:g}" viewBox="{-MARGIN} {-MARGIN} {width:g} {height:g}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="group" aria-label="{escape(title(answer))}">'
    yield '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9"'
    yield 'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#6e7781"/></marker></defs>'
    for bond, bends in zip(boxes.bonds, layout.bends, strict=True):
        start, end = layout.corners[bond.source], layout.corners[bond.target]
        yield from _bond(boxes, bond, _path(start, bends, end))
    for box, corner in zip(boxes.boxes, layout.corners, strict=True):
        yield from _box(answer, box, corner)
    yield "</svg>"


def name(box: Box) -> str:
    """What a box is called: the key, or how many of what."""
    if len(box.nodes) == 1:
        return readable(box.first.key)
    return f"{len(box.nodes):,} \N{MULTIPLICATION SIGN} {readable(box.first.material or box.first.name)}"


def held(answer: Answer, box: Box) -> str:
    """How much is contained, in words."""
    inside = amount(box.contained)
    per = "" if len(box.nodes) == 1 else f" ({each(node.contained for node in box.nodes)} each)"
    root = readable(answer.root.key)
    return f"{inside}{per} of {root} in it" if answer.forward else f"{inside}{per} of it in {root}"


def _path(start: Point, bends: Sequence[Point], end: Point) -> str:
    """A smooth line from the right edge of a box, level through its bends, to the left edge of another one."""
    x, y = start[0] + WIDTH, start[1] + HEIGHT / 2
    steps = [f"M{x:g} {y:g}"]
    for to_x, to_y in [*bends, (end[0], end[1] + HEIGHT / 2)]:
        reach = max(abs(to_x - x) / 2, COLUMN / 2)
        steps.append(f"C{x + reach:g} {y:g} {to_x - reach:g} {to_y:g} {to_x:g} {to_y:g}")
        x, y = to_x, to_y
        if (to_x, to_y) in bends:
            x += WIDTH
            steps.append(f"H{x:g}")
    return "".join(steps)


def _bond(boxes: Boxes, bond: Bond, path: str) -> Iterator[str]:
    source, target = boxes.boxes[bond.source], boxes.boxes[bond.target]
    kinds = ", ".join(map(status, bond.kinds))
    times = "" if bond.links == 1 else f" in {count(bond.links, 'link')}"
    tip = f"{amount(bond.share)} of {name(source)} into {name(target)}{times}: {kinds}"
    within = " within" if CONTAINING.issuperset(bond.kinds) else ""
    yield f'<g class="bond{within}" data-from="{bond.source}" data-to="{bond.target}"><title>{escape(tip)}</title>'
    yield f'<path class="reach" d="{path}"/><path class="link" marker-end="url(#tip)" d="{path}"/></g>'


def _box(answer: Answer, box: Box, corner: Point) -> Iterator[str]:
    first, (x, y) = box.first, corner
    tips = [name(box), kind_of(first), f"{status(first.status)}, {amount(box.quantity)}"]
    tips += [held(answer, box)] if box.number else ["the root of this trace"]
    paint, thick = colour(first.status), 2.6 if first.status in WARNING else 1.3
    tip = escape("; ".join(tips))
    yield f'<a href="#b{box.number}" data-box="{box.number}" aria-label="{tip}"><title>{tip}</title>'
    for shift in (8, 4) if len(box.nodes) > 1 else ():
        yield _rectangle(x + shift, y + shift, f'fill="#fff" stroke="{paint}"')
    fill = "#fff" if box.number else "#fff8c5"
    yield _rectangle(x, y, f'class="card" fill="{fill}" stroke="{paint}" stroke-width="{thick}"')
    yield f'<rect x="{x:g}" y="{y:g}" width="{BAR}" height="{HEIGHT}" fill="{paint}"/>'
    title_line = readable(first.number) if len(box.nodes) == 1 else name(box)
    inside = f"{'has' if answer.forward else 'gave'} {amount(box.contained)}" if box.number else "root of this trace"
    lines = (
        ("key", title_line),
        ("small faint", kind_of(first) if len(box.nodes) == 1 else readable(first.name)),
        ("small", f"{status(first.status)} \N{MIDDLE DOT} {amount(box.quantity)}"),
        ("small", inside),
    )
    for i, (look, line) in enumerate(lines):
        # a number differs from its neighbours at its end
        text = escape(_fit(line, ROOM / SIZES[look], ending=look == "key"))
        yield f'<text class="{look}" x="{x + BAR + 7:g}" y="{y + 21 + i * 18:g}">{text}</text>'
    yield "</a>"


def _rectangle(x: float, y: float, look: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" {look}/>'


def _fit(text: str, room: float, *, ending: bool) -> str:
    """As much as fits into ``room`` (in units of the size of its letters), with its ``ending`` or without."""
    if sum(map(_wide, text)) <= room:
        return text
    begin = end = len(text) * 2 // 3 if ending else len(text)
    while begin > 1 and sum(map(_wide, text[:begin] + text[end:])) + 1 > room:
        begin, end = (begin - 1, end) if begin >= 2 * (len(text) - end) else (begin, end + 1)
    return f"{text[:begin].rstrip()}\N{HORIZONTAL ELLIPSIS}{text[end:].lstrip()}"


def _wide(character: str) -> float:
    """How wide a letter is at most, as a part of its size, in the fonts that the page names."""
    if character in "ijltrfI.,:;'|()[]/- ":
        return 0.33
    if character in "mwMW%@":
        return 0.9
    if character.isupper():
        return 0.71
    return 0.56 if character.isascii() else 1.0
