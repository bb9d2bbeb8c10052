"""Ends a process whose loop stands still, because nobody else can: it answers nothing, not even that it lives.

The timer is faulthandler's: a thread in C that needs neither the loop nor the lock of the interpreter, so that it fires
while compiled code holds both. It writes where every thread stands (files and lines, no values) and ends the process;
whoever started it (uvicorn's parent with several workers, else the service manager) starts it again.
"""

import asyncio
import faulthandler
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOOKS = 5
"""How often the loop shows that it lives within the time that it has."""


@contextmanager
def watched(seconds: float) -> Iterator[None]:
    """While the block lasts, end the process when this loop stands still for ``seconds``; 0 for never.

    Under a debugger a loop stands still whenever its user thinks, so nothing is watched there.
    """
    if not seconds or sys.gettrace() is not None:
        yield
        return
    showing = asyncio.get_running_loop().create_task(_show_life(seconds))
    try:
        yield
    finally:
        showing.cancel()
        faulthandler.cancel_dump_traceback_later()


async def _show_life(seconds: float) -> None:
    pause = seconds / LOOKS
    while True:
        faulthandler.dump_traceback_later(seconds + pause, exit=True)
        await asyncio.sleep(pause)
