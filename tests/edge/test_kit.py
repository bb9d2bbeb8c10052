"""The kit finds out who does wrong: a good driver is spoiled in one place at a time."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mesgraph.edge.scaffold import make

SPOILED = {
    "stale-reply": ("if int(number) == self.number:", "if True:"),
    "duplicate-reply": ("if int(number) == self.number:", "if True:"),
    "black-hole": ("self.timeout_s = self.config.timeout_s", "self.timeout_s = 60.0"),
    "bad-tag-among-good": ('self.link.fault(tag, f"the machine says {rest}")', "raise LinkLost(rest)"),
    "reads-truth": ("return text[1:-1]", "return int(text[1:-1])"),
    "wrong-config": ('extra="forbid"', 'extra="ignore"'),
    "malformed-frames": (
        "except ValueError as error:\n                raise LinkLost",
        "except KeyError as error:\n                raise LinkLost",
    ),
    "silent-write-failure": ("if held != command.value:", "if held is None:"),
    "stops-clean": ("self.writer.transport.abort()", "pass"),
}
"""What is spoiled by the rule that must find it."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("spoiled", tmp_path_factory.mktemp("kit"))


@pytest.mark.slow
@pytest.mark.parametrize("rule", SPOILED)
def test_a_driver_that_breaks_a_rule_is_found_out(good: Path, rule: str, tmp_path: Path) -> None:
    link = good / "src" / "mesgraph_spoiled" / "link.py"
    text = link.read_text()
    right, wrong = SPOILED[rule]
    assert right in text
    information = tmp_path / "spoiled-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: spoiled\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[mesgraph.drivers]\nspoiled = mesgraph_spoiled\n")
    try:
        link.write_text(text.replace(right, wrong))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-k", rule.replace("-", "_"), "tests"],
            cwd=good,
            env={"PYTHONPATH": f"{good / 'src'}:{tmp_path}", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=110,
        )
    finally:
        link.write_text(text)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(rf"{rule} +FAILED", done.stdout)
