"""The demo's server: a child process, because it keeps a virtual clock, which `mesgraph serve` refuses.

Started as ``python -m mesgraph.demo.server`` with its settings in the environment. It ends with its parent: when the
pipe on its standard input closes, it stops as on SIGTERM.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from mesgraph.access.roles import Role

START_S_MAX = 90
STOP_S_MAX = 15


class ServerFailed(Exception):
    """The child ended before it answered; carries what it said."""


@dataclass
class ServerChild:
    """A server over ``database`` whose time is in the file ``clock``. It may be killed and started again."""

    database: str
    clock: Path
    port: int
    log: Path
    graphiql: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process and wait until it is ready. Raises :class:`ServerFailed`."""
        shown = "true" if self.graphiql else "false"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MESGRAPH_")},
            "MESGRAPH_DATABASE": self.database,
            "MESGRAPH_DEMO_CLOCK": str(self.clock),
            "MESGRAPH_HOST": "127.0.0.1",
            "MESGRAPH_PORT": str(self.port),
            "MESGRAPH_GRAPHIQL": shown,
            "MESGRAPH_INTROSPECTION": shown,
            # everybody may look around in a demo, and its people do a week's work in minutes
            "MESGRAPH_EXPLORERS": ",".join(Role),
            "MESGRAPH_CPU_MS": "0",
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mesgraph.demo.server"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C in a terminal reaches the whole group; the demo decides when its server stops.
                start_new_session=True,
            )
        self._wait_until_ready(self.process)

    def stop(self) -> None:
        """Let it finish what it does, then end it."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._reap()

    def kill(self) -> None:
        """End it at once, as a power cut of the process would."""
        if self.process is not None:
            self.process.kill()
            self._reap()

    def _reap(self) -> None:
        assert self.process is not None
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        self.process = None

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S_MAX
        while not answers(f"{self.url}/readyz"):
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(f"the server did not start:\n{self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])


def answers(url: str) -> bool:
    """Whether a GET of ``url`` succeeds now."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def free_port(wanted: int | None = None) -> int:
    """A port of the loopback interface that nobody listens on: ``wanted`` if it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Serve with the settings of the environment until told to stop, or until the parent is gone."""
    from mesgraph.config import Settings
    from mesgraph.server import run

    def end_with_parent() -> None:
        while os.read(0, 1024):  # not sys.stdin: its lock would hang the exit of the interpreter
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_parent, name="parent-watch", daemon=True).start()
    run(Settings())


if __name__ == "__main__":
    main()
