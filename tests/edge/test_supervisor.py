"""What one process does harms no other: it hangs, leaks, dies, floods, and the rest goes on."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.edge.running import edge
from tests.edge.server import Server, consecutive, listening, node, until

COUNT = "Line/Count"


def with_fault(kind: str, **more: Any) -> Server:
    """Two machines that share a process; in one of them something goes wrong after two seconds."""
    faulty = {"faults": [{"kind": kind, "after_s": 2.0, **more}]}
    nodes = [node("BAD", {COUNT: "counter"}, config=faulty), node("FINE", {COUNT: "counter"})]
    return Server(nodes=nodes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "told", "within_s"),
    [("crash", "signal 6", 15), ("hang", "it hangs", 30), ("leak", "MiB; it may hold 256", 30)],
)
def test_the_harmless_one_is_parted_from_the_harmful(tmp_path: Path, kind: str, told: str, within_s: float) -> None:
    with listening(with_fault(kind)) as server, edge(tmp_path, server.url) as running:
        until(lambda: running.lines(told), within_s)
        until(lambda: "DISCONNECTED" in server.states("id-of-BAD"))
        until(lambda: server.states("id-of-FINE")[-1:] == ["RUNNING"] and len(running.lines("go apart")) == 1)
        began = len(server.values("id-of-FINE", COUNT))
        until(lambda: len(running.lines(told)) >= 2, within_s)
        until(lambda: len(server.values("id-of-FINE", COUNT)) > began + 20)
        after = server.values("id-of-FINE", COUNT)
        again = after.index(1, 1)
        assert consecutive(after[again:]), "after it was parted nothing disturbed it"
        assert running.process is not None
        assert running.process.poll() is None


@pytest.mark.slow
def test_one_that_dies_again_and_again_is_left_alone_for_a_while(tmp_path: Path) -> None:
    server = Server(nodes=[node("BAD", {COUNT: "counter"}, config={"faults": [{"kind": "crash"}]})])
    with listening(server), edge(tmp_path, server.url) as running:
        until(lambda: server.states("id-of-BAD")[-1:] == ["BROKEN"], 60)
        assert "its process ended too often, next try in 300 s" in server.health["id-of-BAD"][-1]["message"]
        time.sleep(1)
        lines = len(running.log.read_text().splitlines())
        time.sleep(2)
        assert len(running.log.read_text().splitlines()) == lines


@pytest.mark.slow
def test_a_flood_is_bounded_and_what_was_lost_of_it_is_a_gap(tmp_path: Path) -> None:
    with listening(with_fault("flood", for_s=0.1)) as server, edge(tmp_path, server.url) as running:
        until(lambda: server.gaps["id-of-BAD"], 30)
        until(lambda: server.values("id-of-BAD", COUNT)[-1] < 1_000, 30)
        assert running.lines("samples came faster than they could be kept")
        assert consecutive(server.values("id-of-FINE", COUNT))
        lost = sum(map(len, server.gaps["id-of-BAD"]))
        until(lambda: f"{lost} samples were lost at this edge" in server.health["id-of-BAD"][-1]["message"], 40)


def test_what_is_no_number_arrives_as_bad(tmp_path: Path) -> None:
    with listening(with_fault("not-a-number")) as server, edge(tmp_path, server.url):
        until(lambda: [one for one in server.samples["id-of-BAD"][1:] if one.value is None])
        nothing = [one for one in server.samples["id-of-BAD"][1:] if one.value is None]
        assert {one.quality for one in nothing} == {2}


def test_the_offset_of_the_clock_of_a_machine_is_reported(tmp_path: Path) -> None:
    server = Server(nodes=[node("SKEW", {COUNT: "counter"}, config={"skew_s": 3600})])
    with listening(server), edge(tmp_path, server.url) as running:
        until(lambda: len(server.values("id-of-SKEW", COUNT)) > 20)
        running.stop()
    assert abs(server.health["id-of-SKEW"][-1]["clockOffsetMs"] - 3_600_000) < 500
    first = server.samples["id-of-SKEW"][1]
    assert first.time is not None
    assert abs(first.time - first.received - 3_600_000_000) < 500_000, "both times arrive as they were"


def test_what_an_outage_takes_on_disk_is_said_at_the_start(tmp_path: Path) -> None:
    with listening(Server(nodes=[node("SIM", {COUNT: "counter"})])) as server, edge(tmp_path, server.url) as running:
        until(lambda: running.lines("spool: up to 156 MB for 72 h at 10 samples/s of 1 instances"))


def test_two_edges_do_not_share_a_folder(tmp_path: Path) -> None:
    with listening(Server(nodes=[])) as server, edge(tmp_path, server.url) as running:
        until((running.state / "lock").exists)
        time.sleep(1)
        first = running.process
        running.start()
        assert running.process is not None
        assert running.process.wait(10) == 2
        assert running.lines("another edge works in")
        running.process = first
