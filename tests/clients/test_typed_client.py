"""The typed client of the guide: generated from the schema, strictly compiled, and at work on a cut line."""

import subprocess
from pathlib import Path

import pytest

from tests.clients.peers import node_of, run, told
from tests.kit.served import Served

GUIDE = Path(__file__).parents[2] / "docs/front-end"
COMPILER = GUIDE / "node_modules/typescript/bin/tsc"
WRONG = """import type { Job } from './dispatch-board.js'
export const priority = (job: Job): string => job.priority
export const hue = (job: Job) => job.colour
export const due = (job: Job): string => job.request.dueAt
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_it_is_generated_compiled_and_works(shop: tuple[Served, str]) -> None:
    await run(GUIDE / "generate.js")
    assert await run(COMPILER, "--project", str(GUIDE)) == ""
    refused_by_the_compiler()
    server, key = shop
    board = await told("board.js", server.address, key)
    assert board["done"] == []
    assert board["states"] == ["ALLOWED_TO_START", "RUNNING", "INTERRUPTED"]
    assert board["lines"] == 2, "the line was cut, and another one went on"
    [sentence] = board["refused"]
    assert "(possible now:" in sentence
    assert board["unknown"] == {"codes": ["NOT_FOUND"], "retryable": False}


def refused_by_the_compiler() -> None:
    """A mistake in a field, in its type, or in what may be null does not compile."""
    mistakes = GUIDE / "src/mistakes.ts"
    mistakes.write_text(WRONG, encoding="utf-8")
    try:
        check = [node_of(GUIDE), COMPILER, "--noEmit", "--project", GUIDE]
        done = subprocess.run(check, capture_output=True, text=True, timeout=120)
    finally:
        mistakes.unlink()
    lines = [line.partition("(")[2].partition(",")[0] for line in done.stdout.splitlines() if "mistakes.ts(" in line]
    assert lines == ["2", "3", "4"], done.stdout
