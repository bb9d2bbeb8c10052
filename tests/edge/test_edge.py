"""The whole way: driver, child, disk, server; with everything on it that can end."""

import shutil
import time
from pathlib import Path

import pytest
from starlette.responses import Response

from tests.edge.running import alive, edge, kill
from tests.edge.server import Server, consecutive, listening, node, until

COUNT = "Line/Count"
ONE = "id-of-SIM"


def counting(**more: object) -> Server:
    return Server(nodes=[node("SIM", {COUNT: "counter"}, **more)])


def test_samples_arrive_in_order_and_none_twice(tmp_path: Path) -> None:
    with listening(counting()) as server, edge(tmp_path, server.url) as running:
        until(lambda: len(server.values(ONE, COUNT)) > 20)
        assert running.stop() == 0
    assert consecutive(server.values(ONE, COUNT))
    assert server.values(ONE, COUNT)[0] == 1
    assert server.states(ONE) == ["STARTING", "RUNNING", "STOPPED"]
    assert not server.gaps[ONE]
    first = server.samples[ONE][0]
    assert (first.value, first.quality) == (None, 2), "nothing is known before the first value"


def test_a_sample_is_at_the_server_within_300_ms(tmp_path: Path) -> None:
    with listening(counting()) as server, edge(tmp_path, server.url):
        until(lambda: len(server.values(ONE, COUNT)) > 50)
        delays = sorted(one.arrived - one.received / 1e6 for one in server.samples[ONE][20:])
    assert delays[len(delays) // 2] < 0.3


def test_a_server_that_was_away_gets_all_of_it(tmp_path: Path) -> None:
    server = counting()
    with listening(server):
        pass
    with edge(tmp_path, server.url) as running:
        with listening(server):
            until(lambda: len(server.values(ONE, COUNT)) > 5)
        had = len(server.values(ONE, COUNT))
        time.sleep(3)
        with listening(server):
            until(lambda: len(server.values(ONE, COUNT)) > had + 30)
            until(lambda: server.health[ONE][-1]["buffered"] < 5, within_s=40)
            running.stop()
    assert consecutive(server.values(ONE, COUNT))
    assert not server.gaps[ONE]
    assert len(running.lines("takes samples again")) == 1


def test_an_answer_that_is_lost_makes_nothing_twice(tmp_path: Path) -> None:
    with listening(counting()) as server, edge(tmp_path, server.url):
        until(lambda: len(server.values(ONE, COUNT)) > 5)
        server.lose_answers = 3
        until(lambda: server.duplicates > 0 and not server.lose_answers)
        had = len(server.values(ONE, COUNT))
        until(lambda: len(server.values(ONE, COUNT)) > had + 10)
    assert consecutive(server.values(ONE, COUNT))


def test_a_busy_server_is_left_alone_for_as_long_as_it_says(tmp_path: Path) -> None:
    with listening(counting()) as server, edge(tmp_path, server.url):
        until(lambda: len(server.values(ONE, COUNT)) > 5)
        server.busy = Response(status_code=429, headers={"Retry-After": "2"})
        server.busy_until = time.monotonic() + 1.5
        until(lambda: bool(server.busy_asked))
        had = len(server.values(ONE, COUNT))
        until(lambda: len(server.values(ONE, COUNT)) > had + 30)
        assert len(server.busy_asked) <= 3, "samples, health and configuration asked once each"
    assert consecutive(server.values(ONE, COUNT))


def test_a_killed_edge_goes_on_where_it_was_and_takes_its_children_along(tmp_path: Path) -> None:
    server = counting()
    with listening(server):
        pass
    with edge(tmp_path, server.url) as running:
        with listening(server):
            until(lambda: len(server.values(ONE, COUNT)) > 10)
        time.sleep(2)
        children = running.children()
        running.kill()
        until(lambda: not any(map(alive, children)))
        running.start()  # offline: the server is still away
        time.sleep(4)
        with listening(server):
            until(lambda: server.states(ONE)[-1:] == ["RUNNING"])
            until(lambda: server.values(ONE, COUNT).count(12) == 2)
            running.stop()
    values = server.values(ONE, COUNT)
    again = values.index(1, 1)
    assert consecutive(values[:again])
    assert consecutive(values[again:])
    assert again > 25, "what the first life kept while the server was away came, too"


def test_a_new_disk_takes_up_the_numbers_of_the_server(tmp_path: Path) -> None:
    with listening(counting()) as server, edge(tmp_path, server.url) as running:
        until(lambda: len(server.values(ONE, COUNT)) > 20)
        running.stop()
        shutil.rmtree(running.state)
        running.start()
        had = len(server.values(ONE, COUNT))
        until(lambda: len(server.values(ONE, COUNT)) > had + 10)
        assert server.values(ONE, COUNT)[had] == 1, "the first value of the new life is there"
        assert consecutive(server.values(ONE, COUNT)[had:])
    assert not server.gaps[ONE]


def test_a_value_that_the_server_never_takes_stops_no_other(tmp_path: Path) -> None:
    with listening(counting()) as server, edge(tmp_path, server.url) as running:
        server.poison = 15
        until(lambda: len(server.values(ONE, COUNT)) > 25)
        refused = list(running.state.glob("spool/*/refused.jsonl"))
        assert '"value":[15]' in refused[0].read_text()
        until(lambda: "1 samples were not taken" in server.health[ONE][-1]["message"], within_s=40)
    values = server.values(ONE, COUNT)
    assert consecutive([value for value in values if value < 15])
    assert consecutive([value for value in values if value > 15])
    assert [len(gap) for gap in server.gaps[ONE]] == [1]


def test_a_changed_revision_restarts_that_instance_alone(tmp_path: Path) -> None:
    nodes = [node("SIM", {COUNT: "counter"}), node("TWO", {COUNT: "counter"}, driver="nobody-wrote-it")]
    with listening(Server(nodes=nodes)) as server, edge(tmp_path, server.url):
        until(lambda: len(server.values(ONE, COUNT)) > 10 and server.states("id-of-TWO")[-1:] == ["BROKEN"])
        assert "no driver 'nobody-wrote-it' is installed here" in server.health["id-of-TWO"][-1]["message"]
        server.nodes[1] = node("TWO", {COUNT: "counter"}, revision=2)
        until(lambda: len(server.values("id-of-TWO", COUNT)) > 10, within_s=25)
    assert consecutive(server.values(ONE, COUNT))
    assert server.values(ONE, COUNT)[0] == 1
    assert "STOPPED" not in server.states(ONE)[:-1]


@pytest.mark.slow
def test_what_waited_is_drained_at_five_times_the_speed_of_life(tmp_path: Path) -> None:
    """500 samples a second; ten seconds of them wait."""
    tags = {f"Line/Count{number}": "counter" for number in range(50)}
    server = Server(nodes=[node("SIM", tags)])
    with listening(server):
        pass
    with edge(tmp_path, server.url) as running:
        with listening(server):
            until(lambda: len(server.samples[ONE]) > 500)
        running.kill()
        running.start()
        time.sleep(12)
        had, before = server.next[ONE], server.batches[:]
        with listening(server):
            until(lambda: len(server.batches) > len(before) + 1)
            began = time.monotonic()
            until(lambda: server.samples[ONE][-1].received > (time.time() - 1) * 1e6)
            took_s = time.monotonic() - began
            running.stop()
    waited = 10 * 500
    assert server.next[ONE] - had > waited
    assert took_s < waited / (5 * 500)
    for path in tags:
        values = server.values(ONE, path)
        again = values.index(1, 1)
        assert consecutive(values[:again])
        assert consecutive(values[again:])


@pytest.mark.slow
def test_a_child_that_is_killed_is_back_within_seconds(tmp_path: Path) -> None:
    with listening(counting()) as server, edge(tmp_path, server.url) as running:
        until(lambda: len(server.values(ONE, COUNT)) > 10)
        kill(running.children()[0])
        until(lambda: server.values(ONE, COUNT).count(1) == 2, within_s=5)
        assert "DISCONNECTED" in server.states(ONE)
        assert len(running.lines("its process was ended: signal 9")) == 1
