"""TLS of the server itself, and what a proxy in front of it may say."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from mesgraph.config import Settings
from mesgraph.server import Unfit, check
from tests.kit.served import Served, served
from tests.services import leave_out


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    if shutil.which("openssl") is None:
        leave_out("TLS", "openssl is not here to make a certificate")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=mes.example"
    command = [*made.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def versions(server: Served, highest: ssl.TLSVersion) -> str | None:
    """The version that both agree on, when a client knows none above ``highest``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, highest
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as plain, context.wrap_socket(plain) as secure:
        return secure.version()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # it is old, which is the point
async def test_it_speaks_tls_from_1_2_on_and_nothing_else(database_url: str, pair: tuple[Path, Path]) -> None:
    import asyncio

    async with served(database_url, tls_certificate=pair[0], tls_key=pair[1]) as server:
        assert await asyncio.to_thread(versions, server, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
        assert await asyncio.to_thread(versions, server, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.to_thread(versions, server, ssl.TLSVersion.TLSv1_1)
        trusting = ssl.create_default_context(cafile=str(pair[0]))
        async with httpx2.AsyncClient(verify=trusting) as http:
            answer = await http.get(f"https://{server.address}/healthz")
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        with pytest.raises(httpx2.TransportError):
            await server.http.get("/healthz")  # without TLS


def test_files_that_do_not_belong_together_are_refused_before_the_start(
    database_url: str, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    check(Settings(database=database_url, tls_certificate=pair[0], tls_key=pair[1]))
    with pytest.raises(Unfit, match="no certificate with its key"):
        check(Settings(database=database_url, tls_certificate=pair[1], tls_key=pair[1]))
    with pytest.raises(Unfit, match="no certificate with its key"):
        check(Settings(database=database_url, tls_certificate=pair[0], tls_key=tmp_path / "nothing"))
    with pytest.raises(ValueError, match="both"):
        Settings(database=database_url, tls_certificate=pair[0])


def test_settings_that_name_nothing_are_refused_before_the_start(database_url: str) -> None:
    for wrong in ({"trusted_proxies": {"proxy.example"}}, {"explorers": {"BOSS"}}):
        with pytest.raises(Unfit):
            check(Settings(database=database_url, **wrong))  # type: ignore[arg-type]  # values of any type
    with pytest.raises(ValueError, match="origins"):
        Settings(database=database_url, origins=frozenset({"board.example"}))


def test_lists_are_written_with_commas() -> None:
    code = "from mesgraph.config import Settings; s = Settings(); print(sorted(s.hosts), sorted(s.origins))"
    environment = os.environ | {"MESGRAPH_HOSTS": "a.example, b.example", "MESGRAPH_ORIGINS": "https://x.example"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "['a.example', 'b.example'] ['https://x.example']\n"


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_proxy_is_believed_only_where_it_is_trusted(database_url: str, trusted: bool) -> None:
    proxies = {"127.0.0.0/8"} if trusted else set()
    async with served(database_url, trusted_proxies=proxies) as server:
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.1.2.3"}
        answer = await server.http.get("/healthz", headers=forwarded)
        assert ("strict-transport-security" in answer.headers) is trusted
        # a page that came without TLS is another site than the server that has it
        same = {**forwarded, **server.authorization, "Origin": f"http://{server.address}"}
        asked = await server.http.post("/graphql", json={"query": "{ sites { code } }"}, headers=same)
        assert asked.status_code == (403 if trusted else 200)


async def test_connections_of_a_trusted_proxy_are_not_counted(database_url: str) -> None:
    import asyncio

    async with served(database_url, trusted_proxies={"127.0.0.1"}, connections_per_peer=2) as server:
        host, port = server.address.split(":")
        held = [await asyncio.open_connection(host, int(port)) for _ in range(6)]
        assert (await server.http.get("/healthz")).status_code == 200
        for _, writer in held:
            writer.close()
