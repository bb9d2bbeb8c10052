"""Programs of npm in a folder with a lock file: started here, left out by name where npm or they are missing."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

from tests.services import leave_out

CLIENTS = Path(__file__).parent


def node_of(folder: Path) -> str:
    """The program ``node``, if it and the packages of ``folder`` are there."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        leave_out("npm clients", "npm is not here")
    if not (folder / "node_modules/.complete").exists():
        leave_out("npm clients", f"the packages of {folder.name} are not installed: make peers")
    return node


async def run(script: Path, *arguments: str, timeout_s: float = 60, **environment: str) -> str:
    """What ``script`` prints; fails with what it complains of."""
    folder = next(
        parent for parent in script.parents if "node_modules" not in parent.parts and (parent / "package.json").exists()
    )
    process = await asyncio.create_subprocess_exec(
        node_of(folder),
        str(script),
        *arguments,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{script.name}: {out.decode()[-2000:]}{complaint.decode()[-4000:]}"
    return out.decode()


async def told(script: str, address: str, key: str) -> Any:
    """The JSON that a script of this folder prints about the server at ``address``."""
    return json.loads(await run(CLIENTS / script, MESGRAPH_ADDRESS=address, MESGRAPH_KEY=key))
