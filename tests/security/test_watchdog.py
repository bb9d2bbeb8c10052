"""A process whose loop stands still is ended and says where it stood; one that works, however hard, is not."""

import contextlib
import os
import subprocess
import sys
import time

import pytest

PROGRAM = """
import asyncio, sys, time
from mesgraph.gate.watchdog import watched

async def main() -> None:
    with watched({seconds}):
        {work}
    time.sleep({after})
    print("done")

{before}
asyncio.run(main())
"""


def run(seconds: float, work: str, before: str = "", after: float = 0) -> tuple[int, str, float]:
    began = time.monotonic()
    program = PROGRAM.format(seconds=seconds, work=work, before=before, after=after)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr, time.monotonic() - began


@pytest.mark.parametrize(
    "work",
    [
        "await asyncio.sleep(0.1); time.sleep(30)",
        "await asyncio.sleep(0.1); sum(range(10**12))",  # compiled code that never lets go of the interpreter's lock
        "await asyncio.sleep(0.1); import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    ],
)
def test_a_loop_that_stands_still_is_ended(work: str) -> None:
    status, said, took = run(1, work)
    assert status == 1
    assert "Timeout" in said
    assert "in main" in said, "it says where the loop stood"
    assert took < 15


def test_a_loop_that_lets_others_work_is_left_alone() -> None:
    status, said, _ = run(1, "[(time.sleep(0.3), await asyncio.sleep(0)) for _ in range(8)]")
    assert (status, said) == (0, "done\n")


def test_it_stops_watching_with_the_server() -> None:
    status, said, _ = run(0.5, "await asyncio.sleep(0.1)", after=1.5)
    assert (status, said) == (0, "done\n")


@pytest.mark.parametrize(("seconds", "before"), [(0, ""), (0.3, "sys.settrace(lambda *_: None)")])
def test_it_is_off_where_it_is_set_so_and_under_a_debugger(seconds: float, before: str) -> None:
    status, said, _ = run(seconds, "await asyncio.sleep(0.1); time.sleep(1)", before)
    assert (status, said) == (0, "done\n")


def test_a_server_that_stands_still_ends() -> None:
    from tests.security.assault import serving

    with serving(MESGRAPH_WATCHDOG_S="1") as (process, _, _, log):
        time.sleep(2.5)
        assert process.poll() is None, "a server that only waits is well"
        # the loop may be quicker than the watchdog when both go on at once, so it stands still until it is noticed
        for _ in range(8):
            stop_and_go(process)
            if ended(process):
                break
        assert process.poll() == 1
        assert "Timeout" in log.read_text()


def ended(process: "subprocess.Popen[bytes]") -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(3)
    return process.poll() is not None


def stop_and_go(process: "subprocess.Popen[bytes]") -> None:
    """A process that is stopped and goes on later has stood still, as seen from outside."""
    import signal

    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(2.5)
    os.kill(process.pid, signal.SIGCONT)
