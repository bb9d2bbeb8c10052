"""What is on disk is whole, numbered, and there until it is dropped; what was lost is counted."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesgraph.edge import columns
from mesgraph.edge.configuration import BYTES_PER_SAMPLE
from mesgraph.edge.contract import Sample
from mesgraph.edge.spool import SEGMENT_BYTES, Spool

ROOM = 1 << 30


def numbers(spool: Spool, start: int = 0) -> list[int]:
    """Number and count of each record."""
    return [one.number for one in spool.records(start)]


def filled(folder: Path, count: int, batch: bytes = b"batch") -> Spool:
    spool = Spool(folder, ROOM)
    for _ in range(count):
        assert spool.append(batch, 10)
    spool.sync()
    return spool


def test_what_was_kept_is_there_after_a_new_start(tmp_path: Path) -> None:
    filled(tmp_path, 3).close()
    again = Spool(tmp_path, ROOM)
    assert numbers(again) == [1, 11, 21]
    assert again.next == 31
    assert [one.batch for one in again.records(11)] == [b"batch"] * 2


def test_what_is_not_synced_is_not_handed_out(tmp_path: Path) -> None:
    spool = filled(tmp_path, 1)
    spool.append(b"later", 10)
    assert numbers(spool) == [1]
    spool.sync()
    assert numbers(spool) == [1, 11]


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 200), wrong=st.integers(0, 255))
def test_a_torn_or_wrong_end_is_cut_off_and_what_stands_before_it_stays(
    tmp_path_factory: pytest.TempPathFactory, cut: int, wrong: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = filled(folder, 5, b"x" * 20)
    spool.close()
    segment = next(folder.glob("*.seg"))
    whole = segment.read_bytes()
    cut = min(cut, len(whole))
    segment.write_bytes(whole[:cut] + bytes([wrong]) * 30)
    again = Spool(folder, ROOM)
    standing = cut // 40  # a record is 20 bytes of header and 20 of batch
    assert numbers(again)[:standing] == [1, 11, 21, 31, 41][:standing]
    assert len(numbers(again)) <= standing + 1
    again.append(b"new", 10)
    again.sync()
    assert [one.batch for one in again.records(0)][-1] == b"new"


KEEPS_ON = """
import sys
from pathlib import Path
from mesgraph.edge.spool import Spool
spool = Spool(Path(sys.argv[1]), 1 << 30)
while True:
    spool.append(b"x" * 3000, 7)
    print(spool.next, flush=True)
"""


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    said = 1
    for life in range(5):
        writer = subprocess.Popen([sys.executable, "-c", KEEPS_ON, tmp_path], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(200 + 37 * life):
            said = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        said = int((writer.stdout.read().splitlines() or [str(said)])[-1])
        writer.wait()
        writer.stdout.close()
        spool = Spool(tmp_path, ROOM)
        assert spool.next >= said
        assert numbers(spool) == list(range(1, spool.next, 7))
        spool.close()


def test_the_room_of_what_was_sent_is_given_back(tmp_path: Path) -> None:
    spool = filled(tmp_path, 3 * SEGMENT_BYTES // 100_000, b"x" * 100_000)
    most = spool.size
    assert len(list(tmp_path.glob("*.seg"))) >= 3
    spool.drop(spool.next - 10)
    assert spool.size < most / 2
    assert numbers(spool, spool.next - 10) == [spool.next - 10], "what was not sent is there"
    spool.drop(spool.next)
    assert spool.size == 0
    number = spool.next
    spool.close()
    assert Spool(tmp_path, ROOM).next == number, "an empty spool knows its number"


def test_at_its_limit_it_keeps_what_it_has_and_counts_what_it_loses(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1_000)
    kept = [spool.append(b"x" * 200, 10) for _ in range(8)]
    assert kept == [True] * 4 + [False] * 4
    assert (spool.full, spool.lost) == (True, 40)
    spool.sync()
    assert numbers(spool) == [1, 11, 21, 31]
    spool.close()
    again = Spool(tmp_path, 10_000)
    assert again.lost == 40, "a new start does not forget it"
    assert again.append(b"room", 10)
    again.sync()
    assert numbers(again)[-1] == 81, "the gap in the numbers is what was lost"
    assert not again.full


def test_a_full_disk_is_a_gap_and_no_torn_record(tmp_path: Path) -> None:
    """The kernel refuses what makes a file larger than its limit, as it refuses what a disk has no room for."""
    code = f"""
import resource, signal, sys
from pathlib import Path
from mesgraph.edge.spool import Spool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool = Spool(Path({str(tmp_path)!r}), 1 << 30)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
kept = [spool.append(b"x" * 3_000, 10) for _ in range(20)]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert kept == [True] * 16 + [False] * 4, kept
assert spool.append(b"room again", 10)
spool.close()
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    spool = Spool(tmp_path, ROOM)
    assert numbers(spool) == [*range(1, 160, 10), 201]
    assert spool.lost == 40
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 50_000


def test_a_new_spool_takes_up_the_count_of_the_server_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    spool = filled(tmp_path, 2)
    assert not spool.numbered
    spool.number(1, 500)
    assert spool.first + spool.offset == 500
    spool.close()
    again = Spool(tmp_path, ROOM)
    assert again.numbered
    again.catch_up(510)
    assert again.next + again.offset == 520
    again.catch_up(700)
    assert again.next + again.offset == 700, "the server has more than this spool ever numbered"


def test_a_damaged_segment_is_a_gap_and_not_the_end(tmp_path: Path) -> None:
    spool = filled(tmp_path, 2 * SEGMENT_BYTES // 1_000_000 + 3, b"x" * 1_000_000)
    first = sorted(tmp_path.glob("*.seg"))[0]
    with first.open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"rot")
    found = numbers(spool)
    assert found[:4] == [1, 11, 21, 31]
    assert found[-1] == spool.next - 10


def test_a_sample_takes_as_much_room_as_is_reckoned(tmp_path: Path) -> None:
    """Batches of 50 ms of a machine with 200 tags: what 72 hours take is not reckoned too low."""
    now = 1_790_000_000_000_000
    paths = [f"HV1/AREA-ELEC/COAT01/Oven/Z{number}/Temp" for number in range(200)]
    taken = [(now, Sample(path, 121.375 + at, time=now - 12_345)) for at, path in enumerate(paths)]
    batch = columns.encode(taken)
    spool = Spool(tmp_path, ROOM)
    spool.append(batch, len(taken))
    names = len("".join(paths)) + 3 * len(paths)
    assert (spool.size - names) / len(taken) < BYTES_PER_SAMPLE
