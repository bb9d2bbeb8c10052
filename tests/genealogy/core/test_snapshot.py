"""A snapshot that was damaged, cut off or half written is refused, and what is not refused is what was saved."""

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from random import Random

import pytest

from mesgraph.genealogy import snapshot
from tests.genealogy.core.feeding import KINDS, answers, graph_of, restored
from tests.genealogy.core.history import History
from tests.stages import scaled

DAMAGES = scaled(150, 5000)
KILLS = scaled(6, 60)
END = snapshot.End(1, 77, "leaf")
SAVING = """
import sys
from pathlib import Path
from mesgraph.genealogy import snapshot
from tests.genealogy.core.feeding import KINDS, graph_of
from tests.genealogy.core.history import History
graph = graph_of(History(int(sys.argv[2]), 300).acts)
print("saving", flush=True)
while True:
    snapshot.save(graph, KINDS, snapshot.End(1, 78, "newer"), Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[object]]:
    """A snapshot, and what its graph says."""
    graph = graph_of(History(1, 120).acts)
    path = tmp_path_factory.mktemp("saved") / "graph"
    snapshot.save(graph, KINDS, END, path)
    return path.read_bytes(), answers(graph)


@pytest.fixture
def path(tmp_path: Path, saved: tuple[bytes, list[object]]) -> Path:
    (tmp_path / "graph").write_bytes(saved[0])
    return tmp_path / "graph"


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def forge(path: Path, **head: object) -> None:
    """Another head, with a checksum that fits."""
    content = path.read_bytes()
    magic, length, _ = snapshot.PREFIX.unpack_from(content)
    begin = snapshot.PREFIX.size
    text = json.dumps(json.loads(content[begin : begin + length]) | head).encode()
    prefix = snapshot.PREFIX.pack(magic, len(text), zlib.crc32(text)) + text
    path.write_bytes(prefix + content[len(prefix) :])


def test_a_whole_one_says_what_was_saved(path: Path, saved: tuple[bytes, list[object]]) -> None:
    found = snapshot.read(path)
    assert (found.end, found.kinds) == (END, [list(kind) for kind in KINDS])
    assert answers(restored(path)) == saved[1]


def test_a_restored_graph_goes_on(path: Path) -> None:
    received, graph = History(1, 120).acts[0], restored(path)
    graph.append(10**6, 0, received.kind, [], received.outputs)
    item = received.outputs[0].item
    assert graph.made(memoryview(graph.reach(graph.node(item), True, 0)))[2].tolist()[-1] == 10**6
    assert graph.merge()


def test_a_flipped_bit_in_the_head_or_in_any_column_is_found(path: Path, saved: tuple[bytes, list[object]]) -> None:
    random, content = Random(7), saved[0]
    _, length, _ = snapshot.PREFIX.unpack_from(content)
    parts = [(0, snapshot.PREFIX.size + length)]
    parts += [(offset, size) for offset, size, _ in snapshot.read(path).columns.values() if size]
    assert len(parts) > 15, "all columns have something in them"
    for i in range(max(DAMAGES, 3 * len(parts))):
        offset, size = parts[i % len(parts)]
        bit = random.randrange(8 * offset, 8 * (offset + size))
        flip(path, bit)
        with pytest.raises(snapshot.Damaged):
            snapshot.read(path).verify()
        flip(path, bit)


def test_one_that_is_cut_off_is_refused_by_its_length(path: Path, saved: tuple[bytes, list[object]]) -> None:
    random, content = Random(8), saved[0]
    end = max(offset + size for offset, size, _ in snapshot.read(path).columns.values())
    for length in [0, 1, snapshot.PREFIX.size, end - 1] + [random.randrange(end) for _ in range(DAMAGES)]:
        path.write_bytes(content[:length])
        with pytest.raises(snapshot.Damaged):
            snapshot.read(path)


def test_what_is_not_refused_is_what_was_saved(path: Path, saved: tuple[bytes, list[object]]) -> None:
    """Between the columns there is room that nobody reads."""
    random, content = Random(9), saved[0]
    taken = 0
    for _ in range(DAMAGES):
        damaged = bytearray(content)
        begin = random.randrange(len(content))
        for _ in range(random.choice([1, 1, 64])):
            damaged[random.randrange(begin, min(begin + 64, len(content)))] ^= random.randrange(1, 256)
        path.write_bytes(damaged)
        try:
            graph = restored(path)
        except snapshot.Damaged:
            continue
        taken += 1
        if taken <= 20:
            assert answers(graph) == saved[1]
    assert taken


@pytest.mark.parametrize("content", [b"", b"\0" * 9000, b"SQLite format 3\0" * 600, snapshot.MAGIC, snapshot.MAGIC * 9])
def test_what_is_no_snapshot_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(snapshot.Damaged):
        snapshot.read(path)


def test_one_of_a_machine_of_the_other_byte_order_is_refused(path: Path) -> None:
    forge(path, byteorder={"little": "big", "big": "little"}[sys.byteorder])
    with pytest.raises(snapshot.Damaged, match="endian"):
        snapshot.read(path)


@pytest.mark.parametrize("count", ["nodes", "edges", "events", "blocks", "items", "ranges"])
def test_one_whose_counts_are_not_those_of_its_columns_is_refused(path: Path, count: str) -> None:
    counts = snapshot.read(path).counts
    forge(path, counts=counts | {count: counts[count] + 1000})
    with pytest.raises(ValueError, match="columns"):
        restored(path)


def test_one_that_lacks_a_column_is_refused(path: Path) -> None:
    columns = dict(snapshot.read(path).columns)
    for name in columns:
        forge(path, columns={other: place for other, place in columns.items() if other != name})
        with pytest.raises(ValueError, match="columns"):
            restored(path)


def test_a_graph_that_has_something_is_not_restored(path: Path) -> None:
    graph = restored(path)
    before = answers(graph)
    with pytest.raises(ValueError, match="empty"):
        snapshot.read(path).restore(graph)
    assert answers(graph) == before


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_process_that_is_killed_while_it_saves_leaves_the_old_one_or_the_new_one(path: Path, kill: int) -> None:
    ends = {END: len(History(1, 120).acts), snapshot.End(1, 78, "newer"): len(History(kill, 300).acts)}
    program = [sys.executable, "-c", SAVING, str(path), str(kill)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(Random(kill).random() / 50)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert restored(path).events == ends[snapshot.read(path).end]


def test_what_killed_processes_left_half_written_is_cleared_after_an_hour(path: Path) -> None:
    old, young = (path.with_name(f"{path.name}.{pid}.new") for pid in (1, 2))
    for left, age in ((old, 2 * snapshot.ABANDONED_S), (young, 0)):
        left.write_bytes(b"half")
        os.utime(left, (time.time() - age,) * 2)
    snapshot.save(restored(path), KINDS, END, path)
    assert not old.exists()
    assert young.exists(), "somebody may be writing it"
