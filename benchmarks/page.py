"""The page of what was measured: ``python -m benchmarks.page`` makes docs/benchmarks.md and its plots of the results.

Ratios alone are drawn: on a machine that is shared, seconds of one run say little about those of another.
"""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.promises import PROMISES, measured_of

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PLOTS = PAGE.parent / "benchmarks"
BAR, GAP, NAME, WIDTH = 18, 6, 330, 900
HEAD = """# What was measured

Made by `make bench` of the results of its last run, on the machine of whoever committed it; each benchmark runs alone
as `python -m benchmarks.NAME --json`. A ratio is mesgraph against the peer that its name ends with, in turn with it in
the same run, the median of all rounds: above 1, mesgraph is faster. The dark line is 1, each grid line a factor of ten.

Peers come from lock files (`make bench-setup`): Mercurius with its JIT, with all columns and `tuned` with the columns
that are asked for; strawberry over asyncpg, tuned by hand; PostGraphile 5, which wants Node 22 and brings it for Linux
on x64 alone, in words of its own: the same rows and values, but neither the shown status nor a trace. `at_70` is load
at a fixed rate, 70 % of what Mercurius managed just before; its times count from when a request was meant to be sent.
Of memory and times, too, a ratio above 1 says that mesgraph needs less.
"""


def main() -> None:
    """Write the page."""
    PLOTS.mkdir(exist_ok=True)
    results = {file.stem: json.loads(file.read_text()) for file in sorted(RESULTS.glob("*.json"))}
    parts = [HEAD, "\n".join(promised(results)) + "\n"]
    for name, result in results.items():
        if result["ratios"]:
            (PLOTS / f"{name}.svg").write_text("\n".join(plot(result["ratios"])) + "\n")
        parts.append("\n".join(section(name, result)) + "\n")
    PAGE.write_text("\n".join(parts) + "\n")


def promised(results: dict[str, Any]) -> Iterator[str]:
    """The table of what fast reads are meant to reach, and whether they do."""
    yield "## What fast reads are meant to reach\n"
    yield "| | at least | better | measured |\n| --- | --- | --- | --- |"
    for promise in PROMISES:
        measured = measured_of(promise, results)
        said = "not yet" if measured is None else f"{measured:g}{'' if promise.kept(measured) else ', missed'}"
        yield f"| {promise.what} | {promise.said(promise.wanted)} | {promise.said(promise.better)} | {said} |"


def section(name: str, result: dict[str, Any]) -> Iterator[str]:
    """The text about one benchmark."""
    yield f"## {name}\n"
    conditions = ", ".join(f"{key} {value}" for key, value in result["conditions"].items())
    yield f"{result['rounds']} rounds; {conditions}.\n"
    if result["ratios"]:
        yield f"![ratios](benchmarks/{name}.svg)\n"
    yield "| | |\n| --- | --- |"
    for case, figures in result["absolute"].items():
        shown = figures.items() if isinstance(figures, dict) else [("", figures)]
        yield f"| {case} | {', '.join(f'{key} {value}'.strip() for key, value in shown)} |"


def plot(ratios: dict[str, float]) -> Iterator[str]:
    """Bars on a logarithmic scale, to the right of the line where mesgraph is faster."""
    low, high = span(ratios.values())
    step = (WIDTH - NAME - 70) / (high - low)
    height = len(ratios) * (BAR + GAP) + GAP
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">'
    for power in range(low, high + 1):
        x = NAME + (power - low) * step
        yield f'<line x1="{x:.0f}" x2="{x:.0f}" y1="0" y2="{height}" stroke="{"#333" if power == 0 else "#ddd"}"/>'
    for number, (name, ratio) in enumerate(ratios.items()):
        y, one = GAP + number * (BAR + GAP), NAME - low * step
        x = NAME + (math.log10(ratio) - low) * step
        colour = "#2a7" if ratio >= 1 else "#c63"
        yield f'<text x="{NAME - 8}" y="{y + 13}" font-size="13" text-anchor="end">{name.replace("_vs_", " / ")}</text>'
        yield f'<rect x="{min(x, one):.1f}" y="{y}" width="{abs(x - one):.1f}" height="{BAR}" fill="{colour}"/>'
        yield f'<text x="{max(x, one) + 5:.1f}" y="{y + 13}" font-size="13">{ratio:g}</text>'
    yield "</svg>"


def span(ratios: Iterable[float]) -> tuple[int, int]:
    """The powers of ten between which all ratios lie, 1 among them."""
    logarithms = [math.log10(ratio) for ratio in ratios]
    return min(0, math.floor(min(logarithms))), max(1, math.ceil(max(logarithms)))


if __name__ == "__main__":
    main()
