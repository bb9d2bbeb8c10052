"""One shift of the mini fixture, from an empty database to a pallet of packs, through the public API alone."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mesgraph.demo.shifts import mini
from tests.services import drop_database
from tests.stages import SHIFT_TIMEOUT_S, empty_database

__all__ = ["empty_database"]

MESGRAPH = Path(sys.executable).with_name("mesgraph")


def play(database: str) -> dict[str, Any]:
    command = [MESGRAPH, "demo", "--fixture", "mini", "--once", "--json", "--database", database]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SHIFT_TIMEOUT_S)
    assert done.stdout, done.stderr[-4000:]
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    return report


def counted(report: dict[str, Any]) -> dict[str, int]:
    """What was made. How often the plant looked at an order again between two commands depends on the machine."""
    return {name: count for name, count in report["counts"].items() if name != "ledgerEvents"}


@pytest.mark.slow
@pytest.mark.timeout(SHIFT_TIMEOUT_S)
def test_the_shift_ends_with_every_check_fulfilled(empty_database: str) -> None:
    """Played twice with the same --database: the second one finds tables there and plays beside them."""
    first = play(empty_database)
    assert [check for check in first["checks"] if not check["ok"]] == []
    assert first["ok"] is True
    assert first["database"] == empty_database
    assert first["orderStates"] == {order.external_id: "CLOSED" for order in mini().orders}
    assert {name: first["counts"][name] for name in mini().counts} == mini().counts

    second = play(empty_database)
    try:
        assert second["ok"] is True, second["checks"]
        assert counted(second) == counted(first)
        assert second["database"] != first["database"]
        assert "_demo_1" in str(second["database"])
    finally:
        if str(second["database"]).startswith("postgresql"):
            parts = urlsplit(str(second["database"]))
            drop_database(parts._replace(path="").geturl(), parts.path.strip("/"))
