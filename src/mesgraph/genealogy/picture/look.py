"""Colours, style and behaviour of the page.

The colours are those of Okabe and Ito, which people with any colour vision tell apart. None of them says anything that
does not stand in a word beside it.
"""

MEANINGS = {
    "usable": ("#009E73", ("AVAILABLE",)),
    "not finished yet": ("#56B4E9", ("PLANNED", "IN_PROCESS")),
    "not to be used": ("#E69F00", ("QUARANTINE", "ON_HOLD", "EXPIRED")),
    "failed": ("#D55E00", ("REJECTED",)),
    "built into a unit": ("#0072B2", ("INSTALLED",)),
    "left the plant": ("#CC79A7", ("SHIPPED", "RETURNED")),
    "used up": ("#8C8C8C", ("CONSUMED",)),
    "destroyed or closed": ("#000000", ("SCRAPPED", "CLOSED")),
}
"""What states mean to somebody who looks for what to do, with a colour."""
OTHER = ("another state", "#666666")
WARNING = frozenset({"QUARANTINE", "ON_HOLD", "EXPIRED", "REJECTED"})
"""States with a thick border, so that they are found on a print without colours."""


def meaning_of(status: str) -> tuple[str, str]:
    """What a state means, and its colour."""
    found = ((meaning, colour) for meaning, (colour, states) in MEANINGS.items() if status in states)
    return next(found, OTHER)


def colour(status: str) -> str:
    """The colour of a state."""
    return meaning_of(status)[1]


STYLE = """
:root { --ink: #1b1f24; --faint: #57606a; --line: #d0d7de; --focus: #0050b3; color-scheme: light }
* { box-sizing: border-box }
body { font: 14px/1.45 "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif; color: var(--ink);
  background: #fff; margin: 20px 28px }
h1 { font-size: 22px; margin: 0 0 2px } h2 { font-size: 16px; margin: 22px 0 6px }
.complete, .incomplete { font-weight: 600; margin: 6px 0; padding: 5px 10px; border: 1px solid var(--line);
  border-left: 6px solid #009E73; display: inline-block }
.incomplete { border: 2px solid #D55E00; border-left-width: 8px }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 1px 14px; margin: 6px 0 12px; max-width: 76rem }
dt { color: var(--faint) } dd { margin: 0 }
.legend { display: flex; flex-wrap: wrap; gap: 3px 20px; list-style: none; margin: 0 0 8px; padding: 0; font-size:
  13px }
.legend svg { vertical-align: -3px; margin-right: 6px }
figure { margin: 0; padding: 8px; overflow: auto; border: 1px solid var(--line) }
figure > svg { display: block; margin: 0 auto; max-width: 100%; height: auto }
svg text { font-family: inherit; fill: var(--ink) }
svg .key { font-size: 14px; font-weight: 600 } svg .small { font-size: 12px } svg .faint { fill: var(--faint) }
svg .link { fill: none; stroke: #8b949e; stroke-width: 1.4 } svg .within .link { stroke-dasharray: 6 4 }
svg .reach { fill: none; stroke: transparent; stroke-width: 11 }
svg .bond:hover .link, svg .near .link { stroke: var(--focus); stroke-width: 3 }
svg.picking .bond:not(.near) .link { opacity: .25 }
svg a:focus { outline: none } svg a:focus .card, svg a:hover .card { stroke: var(--focus); stroke-width: 3.5 }
a { color: var(--focus) }
figure:focus-visible, summary:focus-visible, section:focus-visible { outline: 3px solid var(--focus) }
section.box { display: none } section.box:target { display: block; border: 1px solid var(--line); padding: 0 14px 12px;
  margin-top: 12px; scroll-margin: 12px }
table { border-collapse: collapse; font-size: 13px; margin: 6px 0 } caption { text-align: left; color: var(--faint) }
th, td { text-align: left; padding: 2px 14px 2px 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
details { margin-top: 14px } summary { cursor: pointer; font-weight: 600 } .hint { color: var(--faint); font-size:
  13px }
"""

PRINTED = """
@page { size: A4 landscape; margin: 9mm }
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  body { margin: 0; font-size: 8.5pt } h1 { font-size: 13pt } .legend, table { font-size: 8pt }
  dl { margin: 3px 0 5px } .complete, .incomplete { margin: 3px 0; padding: 2px 8px }
  figure { border: none; padding: 0; overflow: visible }
  figure > svg { min-width: 0; width: auto; max-height: 138mm }
  .hint, section.box, section.box:target, details:not([open]) { display: none }
  .sums { break-inside: avoid } thead { display: table-header-group } tr { break-inside: avoid } h2 { break-after:
  avoid }
}
"""

SCRIPT = """
const svg = document.querySelector("figure > svg"), bonds = [...svg.querySelectorAll(".bond")];
function pick(box) {
  svg.classList.toggle("picking", box !== null);
  for (const bond of bonds) {
    bond.classList.toggle("near", box !== null && (bond.dataset.from === box || bond.dataset.to === box));
  }
}
for (const a of svg.querySelectorAll("a")) {
  const box = a.dataset.box;
  for (const word of ["focus", "mouseenter"]) a.addEventListener(word, () => pick(box));
  for (const word of ["blur", "mouseleave"]) a.addEventListener(word, () => pick(null));
}
const figure = svg.parentElement, root = svg.querySelector("a").getBoundingClientRect();
const frame = figure.getBoundingClientRect();
figure.scrollTo(root.left - frame.left - frame.width / 2, root.top - frame.top - frame.height / 2);
document.addEventListener("keydown", (event) => {
  const open = document.querySelector("section.box:target");
  if (event.key !== "Escape" || open === null) return;
  location.hash = "picture";
  svg.querySelector(`a[href="#${open.id}"]`).focus();
});
"""
