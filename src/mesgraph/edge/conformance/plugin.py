"""The plug-in of pytest: holds a driver to what it states, and prints the table."""

from collections import defaultdict
from typing import Any

import pytest

from mesgraph.edge import catalogue
from mesgraph.edge.manifest import RULES

_results: dict[str, dict[str, str]] = defaultdict(dict)


def pytest_configure(config: pytest.Config) -> None:
    """The marker by which `mesgraph driver check` selects."""
    config.addinivalue_line("markers", "conformance(rule): a rule of the conformance kit for drivers")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A rule that is to do must fail, one that is exempt is left out."""
    for item in items:
        if (named := _named(item)) is None:
            continue
        driver, rule = named
        stated = catalogue.stated(driver).rules[rule]
        if stated == "todo":
            item.add_marker(pytest.mark.xfail(strict=True, reason="driver.toml: todo; state it as done when it passes"))
        elif stated != "done":
            item.add_marker(pytest.mark.skip(reason=stated))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember what became of a rule; workers of a parallel run hand it over with the report."""
    outcome = yield
    if (named := _named(item)) is not None:
        outcome.get_result().user_properties.append(("conformance", named))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take what was handed over."""
    for key, value in report.user_properties:
        if key == "conformance" and isinstance(value, tuple | list) and (report.when == "call" or not report.passed):
            driver, rule = value
            _results[driver][rule] = _word(report, _results[driver].get(rule, ""))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table: a line per driver and tier."""
    for driver in sorted(_results):
        seen = _results[driver]
        terminalreporter.write_line(f"{driver}: states tier {catalogue.stated(driver).tier}", bold=True)
        for tier, rules in RULES.items():
            for rule, meaning in rules.items():
                word = seen.get(rule, "not run")
                terminalreporter.write_line(f"  {tier:6}  {rule:22}  {word:8}  {meaning}", red=word == "FAILED")


def _named(item: pytest.Item) -> tuple[str, str] | None:
    mark = item.get_closest_marker("conformance")
    bench = getattr(getattr(item, "cls", None), "bench", None)
    return None if mark is None or bench is None else (bench.driver, mark.args[0])


def _word(report: pytest.TestReport, before: str) -> str:
    if before == "FAILED" or report.failed:
        return "FAILED"
    if hasattr(report, "wasxfail"):
        return "todo"
    return "exempt" if report.skipped else "done"
