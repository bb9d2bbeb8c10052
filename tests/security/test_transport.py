"""What a stranger can do with bytes alone: each is answered with a refusal or cut off, and the server goes on."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from mesgraph.gate.connections import HEADERS_MAX
from tests.kit.served import Served, served
from tests.kit.test_http import RESPONSE
from tests.security.raw import Answer, exchange

PROTOCOL = Subprotocol("graphql-transport-ws")
QUERY = b'{"query":"{ sites { code } }"}'


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Served]:
    async with served(database_url, hosts={"mes.plant.example"}) as running:
        yield running


def request(
    server: Served,
    *extra: bytes,
    method: bytes = b"POST",
    path: bytes = b"/graphql",
    host: bytes = b"127.0.0.1",
    kind: bytes = b"application/json",
    body: bytes = QUERY,
    length: bytes | None = None,
    version: bytes = b"HTTP/1.1",
) -> bytes:
    lines = [
        b" ".join([method, path, version]),
        b"Host: " + host,
        b"Authorization: Bearer " + server.key.encode(),
        b"Content-Type: " + kind,
        b"Content-Length: " + (str(len(body)).encode() if length is None else length),
        b"Connection: close",
        *extra,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def answered(server: Served, *parts: bytes, quiet_s: float = 2) -> Answer:
    answer = await exchange(server.address, *parts, quiet_s=quiet_s)
    assert await server.ask("{ sites { code } }") == {"sites": []}, "the server goes on"
    return answer


async def test_a_content_type_without_end_is_refused(server: Served) -> None:
    """It is taken apart as the headers of mail are, which takes its time."""
    answer = await answered(server, request(server, kind=b"application/json" + b"; a=b" * 1_000))
    assert answer.status == 400
    assert b"send application/json" in answer.text
    assert b"DOCUMENT_INVALID" in answer.text


CHUNKED = b"Transfer-Encoding: chunked"


async def test_an_ordinary_request_is_answered(server: Served) -> None:
    assert (await answered(server, request(server))).status == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS where there is none
        (b"\x00" * 100, 400),
        (b"GET /graphql\r\n\r\n", 400),
        (b"GET /graphql HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET http:// HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"G\xc3\x89T /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET /graphql HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n", 400),
        (b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\x00b\r\n\r\n", 400),
        (b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\rb\r\n\r\n", 400),
        (b"GET /graphql HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: rebound.example\r\n\r\n", 421),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1@rebound.example\r\n\r\n", 421),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1.rebound.example\r\n\r\n", 421),
        (b"GET /healthz HTTP/1.1\r\nHost: [::1\r\n\r\n", 421),
        (b"GET /healthz HTTP/1.1\r\nHost: MES.plant.example.:8000\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", 200),
        (b"TRACE /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405),
        (b"PUT /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n", 405),
        (b"DELETE /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405),
        (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        (b"GET /graphiql/assets/%2e%2e/%2e%2e/app.py HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        (b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345", 400),
        (b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        (b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * (HEADERS_MAX + 1), 431),
        (b"GET /" + b"a" * (HEADERS_MAX + 1), 431),
        (b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: a\r\n" * 10_000, 431),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_head_that_is_none_is_refused(server: Served, head: bytes, status: int) -> None:
    answer = await answered(server, head, quiet_s=1)
    assert answer.status == status, answer.text[:300]


@pytest.mark.parametrize(
    ("extra", "body", "status"),
    [
        ((CHUNKED,), QUERY, 400),  # both a length and chunks: the one who reads it otherwise would see two requests
        ((b"Transfer-Encoding: gzip, identity",), QUERY, 400),
        ((b"Content-Encoding: gzip",), QUERY, 200),  # nothing is unpacked: a body is what it is
        ((b"Content-Encoding: gzip",), b"\x1f\x8b\x08\x00" + b"\x00" * 50, 400),
        ((b"Expect: 100-continue",), QUERY, 100),
        ((b"Origin: null",), QUERY, 403),
        ((b"Origin: https://evil.example",), QUERY, 403),
        ((b"Origin: http://127.0.0.1", b"Origin: http://127.0.0.1"), QUERY, 403),
        ((b"Origin: http://127.0.0.1",), QUERY, 200),
        ((b"Sec-Fetch-Site: cross-site",), QUERY, 403),
        ((b"X-Forwarded-For: 10.0.0.1", b"X-Forwarded-Proto: https"), QUERY, 200),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_request_that_could_be_read_in_two_ways_is_refused(
    server: Served, extra: tuple[bytes, ...], body: bytes, status: int
) -> None:
    answer = await answered(server, request(server, *extra, body=body), quiet_s=1)
    assert answer.status == status, answer.text[:300]


async def test_chunks_are_counted_while_they_come(server: Served) -> None:
    head = request(server, CHUNKED, body=b"").replace(b"Content-Length: 0\r\n", b"")
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    answer = await answered(server, head, *[chunk] * 12, b"0\r\n\r\n")
    assert answer.status == 413


async def test_chunks_that_are_none_are_refused(server: Served) -> None:
    head = request(server, CHUNKED, body=b"").replace(b"Content-Length: 0\r\n", b"")
    assert (await answered(server, head, b"zz\r\nabc\r\n", quiet_s=1)).status == 400


async def test_requests_in_a_row_are_answered_in_a_row(server: Served) -> None:
    one = request(server).replace(b"Connection: close\r\n", b"")
    answer = await answered(server, one * 20, quiet_s=1)
    assert answer.statuses == [200] * 20


async def test_what_hangs_up_in_the_middle_leaves_nothing(server: Served, caplog: pytest.LogCaptureFixture) -> None:
    for part in (request(server)[:10], request(server)[:-10], request(server)):
        await exchange(server.address, part, quiet_s=0.01)
    assert await server.ask("{ sites { code } }") == {"sites": []}
    assert not [record for record in caplog.records if record.exc_info], "and is no fault to be logged"


async def test_a_browser_is_told_what_an_answer_is(server: Served) -> None:
    for path in ("/healthz", "/graphql", "/nothing"):
        headers = (await server.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert "strict-transport-security" not in headers, "only where there is TLS"
        assert "server" not in headers
    assert (await server.http.get("/graphql")).headers["cache-control"] == "no-store"


async def test_a_site_that_is_permitted_may_use_the_api_and_no_other(database_url: str) -> None:
    async with served(database_url, origins={"https://board.example"}) as server:
        asked = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        permitted = await server.http.options("/graphql", headers={"Origin": "https://board.example", **asked})
        assert permitted.status_code == 200
        assert permitted.headers["access-control-allow-origin"] == "https://board.example"
        foreign = await server.http.options("/graphql", headers={"Origin": "https://evil.example", **asked})
        assert foreign.status_code == 403
        assert "access-control-allow-origin" not in foreign.headers


async def opened(server: Served, **options: Any) -> bool:
    """Whether a socket opens and takes the key."""
    try:
        async with connect(f"ws://{server.address}/graphql", subprotocols=[PROTOCOL], **options) as socket:
            await socket.send(json.dumps({"type": "connection_init", "payload": server.authorization}))
            return "connection_ack" in str(await socket.recv())
    except InvalidStatus as refused:
        if refused.response.status_code != 403:
            raise
        return False


async def test_a_socket_opens_for_pages_of_known_sites_only(database_url: str) -> None:
    async with served(database_url, origins={"https://board.example"}) as server:
        assert await opened(server), "no browser"
        assert await opened(server, origin=f"http://{server.address}")
        assert await opened(server, origin="https://board.example")
        for foreign in ("https://evil.example", "null", "https://board.example.evil.example", "http://board.example"):
            assert not await opened(server, origin=foreign), foreign
        assert not await opened(server, additional_headers={"Sec-Fetch-Site": "cross-site"})


async def test_queries_by_get_are_for_explorers_where_they_are_on(database_url: str) -> None:
    async with served(database_url, queries_by_get=True) as server:
        make = """mutation { createPrincipal(input: {subject: "ann", kind: PERSON, displayName: "x"}) { replayed }
          grantRole(input: {principal: "ann", role: OPERATOR}) { replayed }
          issueApiKey(input: {principal: "ann"}) { text } }"""
        ann = (await server.ask(make))["issueApiKey"]["text"]
        for key, status in ((server.key, 200), (ann, 400)):
            headers = {"Authorization": f"Bearer {key}", "Accept": RESPONSE}
            answer = await server.http.get("/graphql", params={"query": "{ sites { code } }"}, headers=headers)
            assert answer.status_code == status
        assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
