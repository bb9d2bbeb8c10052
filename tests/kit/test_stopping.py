"""A server that is told to stop ends its open streams and says nothing of trouble."""

import subprocess
import sys
import time
from pathlib import Path

import httpx2

from mesgraph.migration import first_admin_key, migrate
from tests.services import free_port

MESGRAPH = Path(sys.executable).with_name("mesgraph")
TAIL = {"query": 'subscription { ledgerAppended(after: "c1-0") { cursor } }'}


def test_a_stream_is_cut_when_the_server_stops(tmp_path: Path) -> None:
    """Without a last word: a stream that says `complete` is over, one that is cut is opened again by its client."""
    database = f"sqlite:///{tmp_path / 'plant.db'}"
    migrate(database)
    key, port = first_admin_key(database), free_port()
    headers = {"authorization": f"Bearer {key}", "accept": "text/event-stream"}
    command = [MESGRAPH, "serve", "--database", database, "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url)
        with httpx2.stream("POST", f"{url}/graphql/stream", json=TAIL, headers=headers, timeout=30) as answer:
            lines = answer.iter_lines()
            heard = [next(line for line in lines if "next" in line)]
            server.terminate()
            heard += lines
        _, said = server.communicate(timeout=30)
    assert server.returncode == 0
    assert said == ""
    assert not any("complete" in line for line in heard)


def wait_until_ready(url: str) -> None:
    for _ in range(300):
        try:
            if httpx2.get(f"{url}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server does not become ready")
