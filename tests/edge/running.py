"""An edge in a process of its own, as a gateway runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.edge.server import KEY, SITE


class Edge:
    """`mesgraph edge` with its state in a folder; what it logs goes to a file there."""

    def __init__(self, folder: Path, url: str, key: str = KEY, site: str = SITE) -> None:
        self.state = folder / "state"
        self.log = folder / "edge.log"
        key_file = folder / "edge.key"
        key_file.write_text(key)
        program = str(Path(sys.executable).with_name("mesgraph"))
        named = {"server": url, "key-file": key_file, "state": self.state, "site": site}
        self._command = [program, "edge", *(f"--{name}={value}" for name, value in named.items())]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stderr=log, stdout=log)

    def stop(self) -> int:
        """End it as a service manager does; its status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=15)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def lines(self, part: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if part in line]

    def children(self) -> list[int]:
        """Process ids of its children."""
        assert self.process is not None
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(word) for word in listed.split()]


@contextmanager
def edge(folder: Path, url: str, **who: str) -> Iterator[Edge]:
    """A running edge; whatever is left of it is ended."""
    one = Edge(folder, url, **who)
    one.start()
    try:
        yield one
    finally:
        if one.process is not None and one.process.poll() is None:
            one.stop()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return state != "Z"


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
