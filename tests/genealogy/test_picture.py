"""Traces as people look at them: what is drawn where, what is put together, and that names stay names."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console

from mesgraph.genealogy.picture.answer import Answer, Link, Node
from mesgraph.genealogy.picture.boxes import CONFUSING, Boxes, boxes_of, collapsed, layers_of
from mesgraph.genealogy.picture.dot import dot
from mesgraph.genealogy.picture.layout import HEIGHT, WIDTH, layout_of
from mesgraph.genealogy.picture.look import MEANINGS
from mesgraph.genealogy.picture.page import page
from mesgraph.genealogy.picture.tree import EXAMPLES, tree
from mesgraph.genealogy.picture.words import amount, completeness
from mesgraph.materials.models import ItemStatus
from mesgraph.quantity import Quantity

HOSTILE = '</text></title></style><script>alert("1")</script>&"\'\\'


def kg(value: str) -> Quantity:
    return Quantity(Decimal(value), "KGM")


def node(key: str, depth: int = 1, *, status: str = "AVAILABLE", material: str = "M", **more: Any) -> Node:
    given = {"name": f"Name of {material}", "quantity": kg("1"), "contained": kg("0.5")} | more
    return Node(id=key, key=f"{material}/{key}", material=material, status=status, depth=depth, **given)


def answer(nodes: Sequence[Node], links: Iterable[str], *, forward: bool = True, kind: str = "TRANSFORM") -> Answer:
    """Links are written ``A>B``: some of A went into B."""
    ends = [link.split(">") for link in links]
    made = [Link(source, target, kg("0.25"), kind, "2026-02-16T09:00:00Z") for source, target in ends]
    moment = datetime(2026, 2, 16, 9, 30, tzinfo=UTC)
    return Answer(forward=forward, model="PROPORTIONAL", made_at=moment, nodes=nodes, links=made)


def fan(cells: int, *, status: str = "AVAILABLE") -> Answer:
    """A lot, and cells made from it."""
    names = [f"C-{i}" for i in range(cells)]
    return answer(
        [node("LOT", 0), *(node(name, material="CELL", status=status) for name in names)],
        [f"LOT>{name}" for name in names],
    )


def shown(of: Answer) -> list[str]:
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(tree(of))
    return capture.get().splitlines()


# --- layers


def test_a_layer_is_the_longest_way_from_the_root() -> None:
    short = answer([node("R", 0), node("A"), node("B", 1), node("C", 2)], ["R>A", "A>B", "R>B", "B>C"])
    assert layers_of(short) == {"R": 0, "A": 1, "B": 2, "C": 3}


def test_a_backward_trace_is_layered_against_its_links() -> None:
    assert layers_of(answer([node("R", 0), node("A"), node("B", 2)], ["A>R", "B>A"], forward=False)) == {
        "R": 0,
        "A": 1,
        "B": 2,
    }


def test_what_is_reached_through_hidden_items_keeps_its_depth() -> None:
    apart = answer([node("R", 0), node("FAR", 3), node("BEHIND", 4)], ["FAR>BEHIND"])
    assert layers_of(apart) == {"R": 0, "FAR": 3, "BEHIND": 4}
    assert any("reached through items that are not shown" in line for line in shown(apart))


def test_a_circle_in_damaged_data_is_still_drawn() -> None:
    circle = answer([node("R", 0), node("A"), node("B", 2), node("C", 3)], ["R>A", "A>B", "B>C", "C>A", "B>R"])
    assert layers_of(circle) == {"R": 0, "A": 1, "B": 2, "C": 3}
    for drawn in (page(circle), dot(circle), "\n".join(shown(circle))):
        assert "C" in drawn


# --- boxes


def test_a_narrow_layer_shows_every_item() -> None:
    assert [len(box.nodes) for box in boxes_of(fan(12)).boxes] == [1] * 13


def test_a_wide_layer_shows_items_of_a_kind_in_one_box_with_their_sum() -> None:
    root, cells = boxes_of(fan(343)).boxes
    assert (len(root.nodes), len(cells.nodes)) == (1, 343)
    assert (cells.quantity, cells.contained) == (kg("343"), kg("171.5"))
    drawn = page(fan(343))
    assert "343 \N{MULTIPLICATION SIGN} CELL" in drawn
    assert "171.5 kg (500 g each) of M/LOT in it" in drawn
    assert drawn.count("CELL/C-342<") == 3, "in the list of its box, in that of all items, and in that of links"


def test_what_differs_in_material_state_or_activity_stays_apart() -> None:
    nodes = [node("R", 0)]
    nodes += [node(f"A{i}", material="A") for i in range(6)]
    nodes += [node(f"H{i}", material="A", status="ON_HOLD") for i in range(6)]
    nodes += [node(f"B{i}", material="B") for i in range(6)]
    nodes += [node(f"P{i}", material="A") for i in range(6)]
    made = answer(nodes, [f"R>{one.id}" for one in nodes[1:]])
    packed = replace(made, links=[replace(li, kind="PACK") if li.target[0] == "P" else li for li in made.links])
    groups = [{one.id[0] for one in box.nodes} for box in collapsed(packed, 12).boxes]
    assert sorted(map(sorted, groups)) == [["A"], ["B"], ["H"], ["P"], ["R"]]


def test_children_of_different_parents_stay_apart_while_there_is_room() -> None:
    nodes = [node("R", 0), node("A"), node("B"), *(node(f"{p}{i}", 2) for p in "AB" for i in range(10))]
    links = ["R>A", "R>B", *(f"{one.id[0]}>{one.id}" for one in nodes[3:])]
    boxes = boxes_of(answer(nodes, links)).boxes
    assert [len(box.nodes) for box in boxes] == [1, 1, 1, 10, 10]


def test_a_picture_has_no_more_links_than_can_be_followed_where_putting_together_helps() -> None:
    first = [node(f"A{i}", 1) for i in range(10)]
    second = [node(f"B{i}", 2) for i in range(10)]
    every = [f"A{i}>B{k}" for i in range(10) for k in range(10)]
    made = boxes_of(answer([node("R", 0), *first, *second], [*(f"R>A{i}" for i in range(10)), *every]))
    assert len(made.bonds) <= CONFUSING
    assert made.bonds[-1].share == kg("25"), "the shares of a hundred links"


# --- layout


def test_boxes_do_not_overlap_and_links_run_to_the_right() -> None:
    for forward in (True, False):
        made, layout = laid_out(forward=forward)
        for layer in {box.layer for box in made.boxes}:
            tops = sorted(layout.corners[box.number][1] for box in made.boxes if box.layer == layer)
            assert all(below - above >= HEIGHT for above, below in pairwise(tops))
        for bond, bends in zip(made.bonds, layout.bends, strict=True):
            start, end = layout.corners[bond.source], layout.corners[bond.target]
            xs = [start[0] + WIDTH, *(x for x, _ in bends), end[0]]
            assert xs == sorted(xs)
        assert all(0 <= x <= layout.width - WIDTH and 0 <= y <= layout.height - HEIGHT for x, y in layout.corners)


def laid_out(*, forward: bool) -> tuple[Boxes, Any]:
    pairs = [(layer, below, i, step) for layer, below in pairwise("ABCD") for i in range(5) for step in (0, 2)]
    links = [f"{layer}{i}>{below}{(i * 3 + step) % 5}" for layer, below, i, step in pairs]
    links += [f"R>A{i}" for i in range(5)] + ["R>D1", "A2>D4"]
    nodes = [node("R", 0), *(node(f"{layer}{i}", 1 + "ABCD".index(layer)) for layer in "ABCD" for i in range(5))]
    if not forward:
        links = [">".join(reversed(link.split(">"))) for link in links]
    made = boxes_of(answer(nodes, links, forward=forward))
    return made, layout_of(made, forward=forward)


def test_links_that_need_not_cross_do_not() -> None:
    nodes = [node("R", 0), *(node(f"A{i}", 1) for i in range(4)), *(node(f"B{i}", 2) for i in range(4))]
    made = boxes_of(answer(nodes, [*(f"R>A{i}" for i in range(4)), *(f"A{i}>B{3 - i}" for i in range(4))]))
    corners = layout_of(made, forward=True).corners
    ends = sorted((corners[bond.source][1], corners[bond.target][1]) for bond in made.bonds if bond.source)
    assert [end for _, end in ends] == sorted(end for _, end in ends)


def test_the_same_answer_gives_the_same_picture_whatever_the_order_of_its_links() -> None:
    one = fan(7)
    other = replace(one, links=list(reversed(one.links)))
    tables = re.compile(r"<details>.*</details>", re.DOTALL)
    assert tables.sub("", page(one)) == tables.sub("", page(other))
    assert (dot(one), shown(one)) == (dot(other), shown(other))
    assert page(one) == page(fan(7))


# --- names


class Tags(HTMLParser):
    """The elements of a page, and what stands in its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.attributes += attrs


def hostile(*, name: str = HOSTILE) -> Answer:
    lot = node("X", 0, name=name)
    evil = replace(node("Y"), key=name, material=name, name=name, status=name)
    made = answer([lot, evil], ["X>Y"])
    return replace(made, model=name, reason=name, complete=False, missing=1, at=name, as_of=name)


def test_a_hostile_name_is_text_in_the_page() -> None:
    tame, evil = Tags(page(hostile(name="N"))), Tags(page(hostile()))
    assert evil.counts == tame.counts
    assert evil.counts["script"] == 1
    assert not [name for name, _ in evil.attributes if name.startswith("on") or name in ("src", "style")]


def test_a_page_loads_nothing_and_runs_only_its_own_script() -> None:
    drawn = page(hostile())
    assert set(re.findall(r"https?://[^\s\"'<]+", drawn)) == {"http://www.w3.org/2000/svg"}, "a name, not an address"
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', drawn)
    assert policy is not None
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]{44}'; script-src 'sha256-[\w+/=]{44}'", policy[1]
    )


def test_a_hostile_name_ends_no_string_of_the_graph() -> None:
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", dot(hostile()))
    assert '"' not in outside
    assert "alert" not in outside


@pytest.mark.parametrize("steering", ["\x1b[31m", "\N{RIGHT-TO-LEFT OVERRIDE}", "\x00", "\n"])
def test_characters_that_steer_a_terminal_or_reorder_text_are_replaced(steering: str) -> None:
    evil = hostile(name=f"A{steering}B")
    for drawn in ("\n".join(shown(evil)), page(evil), dot(evil)):
        assert f"A{steering}B" not in drawn
        assert f"A\N{REPLACEMENT CHARACTER}{steering[1:]}B" in drawn


def test_brackets_in_a_name_are_no_markup() -> None:
    assert any("[red]N[/red]" in line for line in shown(hostile(name="[red]N[/red]")))


# --- the tree


def test_what_was_shown_is_referred_to() -> None:
    lines = shown(answer([node("R", 0), node("A"), node("B"), node("C", 2)], ["R>A", "R>B", "A>C", "B>C"]))
    assert [line.strip("│├└─ ") for line in lines] == [
        "M/R  Name of M  AVAILABLE  1 kg",
        "M/A  Name of M  AVAILABLE  1 kg  [500 g]",
        "M/C  Name of M  AVAILABLE  1 kg  [500 g]",
        "M/B  Name of M  AVAILABLE  1 kg  [500 g]",
        "M/C  (see above)",
    ]


def test_of_many_a_few_are_shown_and_the_others_counted() -> None:
    lines = shown(fan(343))
    assert len(lines) == 1 + EXAMPLES + 1
    assert lines[-1] == ("└── ... 340 more of CELL Name of CELL  AVAILABLE  340 kg in all  [500 g each, 170 kg in all]")


def test_a_chain_of_any_length_is_shown() -> None:
    long = answer([node(f"N{i}", i) for i in range(2000)], [f"N{i}>N{i + 1}" for i in range(1999)])
    assert len(layers_of(long)) == 2000
    top = tree(long)
    steps = 0
    while top.children:
        [top] = top.children
        steps += 1
    assert steps == 1999


# --- words


@pytest.mark.parametrize(
    ("value", "uom", "words"),
    [
        ("0.010818", "KGM", "10.818 g"),
        ("0.000018", "KGM", "18 mg"),
        ("7.44", "KGM", "7.44 kg"),
        ("0", "KGM", "0 kg"),
        ("-0.5", "MTR", "-500 mm"),
        ("1", "C62", "1 pc"),
        ("343", "C62", "343 pcs"),
        ("1234567.5", "MTR", "1,234,567.5 m"),
        ("0.5", "XYZ", "0.5 XYZ"),
    ],
)
def test_amounts_are_exact_in_a_unit_that_suits(value: str, uom: str, words: str) -> None:
    assert amount(Quantity(Decimal(value), uom)) == words


def test_what_is_missing_is_said() -> None:
    made = fan(2)
    assert completeness(made) == "Complete: 2 items besides the root, nothing is missing."
    cut = replace(made, complete=False, reason="MAX_DEPTH", missing=1)
    assert completeness(cut) == "NOT COMPLETE: 1 item farther away than the depth asked for."
    hidden = replace(made, complete=False, reason="OUT_OF_SCOPE", missing=3)
    assert "sites that this key may not see" in page(hidden)


def test_every_state_has_a_colour_and_stands_as_a_word_in_the_legend() -> None:
    known = {state for _, states in MEANINGS.values() for state in states}
    assert {state.value for state in ItemStatus} == known
    assert "ON HOLD: not to be used" in page(fan(2, status="ON_HOLD"))
