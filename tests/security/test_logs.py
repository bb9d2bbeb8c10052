"""Nobody can fill the log, and no secret gets into it."""

import asyncio
import io
import logging
import logging.config
from collections.abc import Iterator

import pytest

from mesgraph.gate.logs import LINE_MAX, LINES_PER_S, LOGGING, Sparing
from tests.kit.served import served
from tests.security.assault import Attacker, Outcome
from tests.security.hostile import FAMILIES, Attempt, attempts


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a server's log would hold, from every logger there is."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.addFilter(Sparing())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def test_twenty_lines_of_a_cause_pass_in_a_second_and_the_next_one_counts_the_rest(
    monkeypatch: pytest.MonkeyPatch, written: io.StringIO
) -> None:
    from mesgraph.gate import logs

    now = 5.0
    monkeypatch.setattr(logs.time, "monotonic", lambda: now)
    log = logging.getLogger("mesgraph.test")
    for number in range(LINES_PER_S):
        log.warning("refused %s", number)
    assert len(written.getvalue().splitlines()) == LINES_PER_S, "at the limit"
    for number in range(30):
        log.warning("refused %s", number)
    log.warning("something else")
    assert len(written.getvalue().splitlines()) == LINES_PER_S + 1, "another cause has lines of its own"
    now = 6.0
    log.warning("refused %s", "again")
    assert written.getvalue().splitlines()[-1] == "refused again (30 more lines like this were left out)"


def test_a_line_has_a_length(written: io.StringIO) -> None:
    logging.getLogger("mesgraph.test").warning("%s", "x" * 10 * LINE_MAX)
    assert len(written.getvalue()) < LINE_MAX + 10


def test_the_server_uses_it_for_every_logger() -> None:
    assert LOGGING["root"]["handlers"] == ["stderr"]
    assert LOGGING["handlers"]["stderr"]["filters"] == ["sparing"]
    assert LOGGING["filters"]["sparing"]["()"] == "mesgraph.gate.logs.Sparing"


async def test_hostile_requests_write_less_than_twice_what_they_send(database_url: str, written: io.StringIO) -> None:
    async with served(database_url, cpu_ms=0) as server:
        attacker = Attacker(server.address, server.key, Outcome())
        sent = list(attempts(7, 2 * len(FAMILIES)))
        for attempt in sent:
            await attacker.post(attempt)
        await attacker.end()
        for head in ({"Origin": "https://evil.example"}, {"Host": "rebound.example"}):
            for _ in range(30):
                await server.http.get("/graphql", headers=head)
    assert len(written.getvalue()) <= 2 * sum(len(attempt.body) for attempt in sent)
    assert "Traceback" not in written.getvalue()


CANARY = "mg_canary0canary0_C4n4ryC4n4ryC4n4ryC4n4ryC4n4ryC4n4ryC4n"


async def test_no_secret_is_logged_wherever_it_is_put(database_url: str, written: io.StringIO) -> None:
    async with served(database_url) as server:
        attacker = Attacker(server.address, server.key, Outcome())
        for text in (
            f'{{"query": "{CANARY}"}}',
            f'{{"query": "{{ sites {{ {CANARY} }} }}"}}',
            f'{{"query": "{{ node(id: \\"{CANARY}\\") {{ id }} }}"}}',
            f'{{"query": "query ($v: Int!) {{ sites {{ code }} }}", "variables": {{"v": "{CANARY}"}}}}',
            f'{{"query": "{{ sites {{ code }} }}", "operationName": "{CANARY}"}}',
            f"{CANARY}",
        ):
            await attacker.post(Attempt("canary", text.encode(), {"query": text}))
            await attacker.send(Attempt("canary", text.encode(), {"query": text}))
        await attacker.end()
        for headers in (
            {"Authorization": f"Bearer {CANARY}"},
            {"Authorization": CANARY},
            {"Cookie": f"session={CANARY}"},
            {"Authorization": f"Bearer {CANARY}", "Host": f"{CANARY}.example"},
        ):
            await server.http.post("/graphql", content=b"{", headers=headers)
            await server.http.get(f"/graphql?key={CANARY}", headers=headers)
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidStatus

        for path, origin in (("graphql", "https://evil.example"), (f"graphql?key={CANARY}", None)):
            try:
                async with connect(f"ws://{server.address}/{path}", origin=origin) as socket:  # type: ignore[arg-type]  # a text
                    await socket.send(
                        f'{{"type": "connection_init", "payload": {{"Authorization": "Bearer {CANARY}"}}}}'
                    )
                    async with asyncio.timeout(7):
                        await socket.recv()
            except (ConnectionClosed, InvalidStatus):
                pass
    assert "C4n4ry" not in written.getvalue()
