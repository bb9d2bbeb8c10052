"""One child process as the edge sees it: started, listened to, measured, ended."""

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mesgraph.edge import frames
from mesgraph.edge.configuration import Instance
from mesgraph.edge.frames import Frame, Garbled

SILENT_S = 10.0
"""A child that says nothing for longer hangs."""
START_S = 20.0
MEMORY_MAX = 256 * 1024 * 1024
"""Resident bytes of a child; more end it. The wall behind it, which the kernel keeps, is twice as far."""
STOP_S = 4.0
WATCH_S = 0.5
LINE_MAX = 2_000
PAGE = os.sysconf("SC_PAGESIZE")

log = logging.getLogger(__name__)


class Child:
    """A process with the drivers of these instances. ``heard`` is called with each frame that says something."""

    def __init__(self, instances: Sequence[Instance], secrets: Path, heard: Callable[[Frame], None]) -> None:
        self._instances = instances
        self._secrets = secrets
        self._heard = heard
        self._process: asyncio.subprocess.Process | None = None
        self._last = time.monotonic()
        self._heard_of = False
        self.ready = asyncio.Event()
        """It spoke for the first time, or ended."""

    async def run(self) -> str:
        """Start it and listen until it ends; returns why it did. Ends it when cancelled."""
        process = self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mesgraph.edge.child", str(2 * MEMORY_MAX)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._last = time.monotonic()
        tasks: list[asyncio.Task[str]] = [
            asyncio.create_task(self._listen(process)),
            asyncio.create_task(self._watch(process)),
        ]
        errors = asyncio.create_task(self._pass_on(process))
        try:
            await self._begin(process)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next((reason for task in tasks if task.done() and (reason := task.result())), "") or await _end(
                process
            )
        finally:
            self.ready.set()
            tasks[1].cancel()
            await self._stop(process)
            await asyncio.wait([tasks[0]], timeout=1)  # what it sent before it ended
            tasks[0].cancel()
            errors.cancel()
            await asyncio.gather(*tasks, errors, return_exceptions=True)

    async def _begin(self, process: asyncio.subprocess.Process) -> None:
        links = [self._given(instance) for instance in self._instances]
        order = {"driver": self._instances[0].driver, "links": links}
        assert process.stdin is not None
        with contextlib.suppress(ConnectionError):
            process.stdin.write(json.dumps(order).encode() + b"\n")
            await process.stdin.drain()

    def _given(self, instance: Instance) -> dict[str, Any]:
        tags = [asdict(tag) for tag in instance.tags]
        return {"config": dict(instance.config), "tags": tags, "secret": self._secret(instance.secret_ref)}

    def _secret(self, name: str | None) -> str | None:
        """What stands in the file of this name in the folder of secrets."""
        if name is None or Path(name).name != name:
            return None
        with contextlib.suppress(OSError, UnicodeError):
            return (self._secrets / name).read_text(encoding="utf-8").strip()
        return None

    async def _listen(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        try:
            while (frame := await frames.receive(process.stdout, len(self._instances))) is not None:
                self._last = time.monotonic()
                self._heard_of = True
                self.ready.set()
                self._heard(frame)
        except Garbled as garbled:
            return f"it sent what is no frame: {garbled}"
        return ""

    async def _watch(self, process: asyncio.subprocess.Process) -> str:
        while True:
            await asyncio.sleep(WATCH_S)
            silent_s, most_s = time.monotonic() - self._last, SILENT_S if self._heard_of else START_S
            if silent_s > most_s:
                return f"it hangs: no sign of life for {silent_s:.0f} s"
            if (resident := _resident(process.pid)) > MEMORY_MAX:
                return f"it holds {resident // 2**20} MiB; it may hold {MEMORY_MAX // 2**20}"

    async def _pass_on(self, process: asyncio.subprocess.Process) -> None:
        """Its standard error into the log, line by line, cut to a length."""
        assert process.stderr is not None
        while part := await process.stderr.read(65_536):
            for line in part.decode(errors="replace").splitlines()[:20]:
                log.warning("%s: %s", self._instances[0].code, line[:LINE_MAX])

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        """Ask it to end by closing its input; kill it when it does not."""
        if process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_S if time.monotonic() - self._last < SILENT_S else 0):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _end(process: asyncio.subprocess.Process) -> str:
    try:
        async with asyncio.timeout(2):
            code = await process.wait()
    except TimeoutError:
        return "it closed its pipe"
    return f"signal {-code} ended it" if code < 0 else f"it ended with status {code}"


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError, ValueError):
        return 0
