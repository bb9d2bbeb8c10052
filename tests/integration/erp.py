"""A planning system that uses the command line."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.kit.served import Served

HIRE = """
mutation {
  createPrincipal(input: {subject: "erp", kind: SERVICE, displayName: "ERP"}) { userErrors { message } }
  grantRole(input: {principal: "erp", role: ERP}) { userErrors { message } }
  issueApiKey(input: {principal: "erp"}) { text userErrors { message } }
}
"""


class Erp:
    """A server and the key of its planning system."""

    def __init__(self, server: Served, key: str, folder: Path) -> None:
        self.server = server
        self.key = key
        self.folder = folder
        self.key_file = self.file("key", key)

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    async def submit(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [Path(sys.executable).parent / "mesgraph", "erp", "submit", *map(str, arguments)]
        command += ["--server", f"http://{self.server.address}", "--key-file", str(self.key_file)]
        return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)


async def key_of_the_erp(server: Served) -> str:
    """The key of a new principal with the role ERP everywhere."""
    made = await server.ask(HIRE)
    assert not [part for part in made.values() if part["userErrors"]], made
    return str(made["issueApiKey"]["text"])
