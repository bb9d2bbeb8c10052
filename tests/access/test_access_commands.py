"""`mesgraph user`, `key` and `role` at a running server."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.served import Served, served

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SITE = """mutation { submitSites(input: {sites: [{code: "HV1", name: "Halvard", timeZone: "Europe/Stockholm"}]}) {
  userErrors { message } } }"""
LINE = """mutation { submitEquipment(input: {site: "HV1", equipment: [
  {code: "LINE-1", name: "Line", level: PRODUCTION_LINE}]}) { userErrors { message } } }"""
ME = "{ me { subject } }"


class Administrator:
    """Somebody with the key of `admin` in a file."""

    def __init__(self, server: Served, folder: Path) -> None:
        self.server, self.key = server, folder / "key"
        self.key.write_text(server.key + "\n")

    async def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [Path(sys.executable).parent / "mesgraph", *arguments]
        command += ["--server", f"http://{self.server.address}", "--key-file", str(self.key)]
        return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)

    async def done(self, *arguments: str) -> str:
        done = await self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def log_in(self, **body: Any) -> int:
        return (await self.server.http.post("/auth/login", json=body)).status_code


@pytest.fixture
async def admin(database_url: str, tmp_path: Path) -> AsyncIterator[Administrator]:
    async with served(database_url) as server:
        await server.ask(SITE)
        yield Administrator(server, tmp_path)


async def test_a_person_is_made_known_gets_in_and_is_put_out(admin: Administrator) -> None:
    await admin.done("user", "create", "ann", "--name", "Ann")
    await admin.done("role", "grant", "ann", "operator", "--site", "HV1")
    assert await admin.done("role", "list", "ann") == "OPERATOR@HV1\n"
    first = (await admin.done("user", "open-account", "ann")).strip()
    assert await admin.log_in(subject="ann", password=first, newPassword="correct horse battery") == 200
    assert await admin.done("user", "logout", "ann") == "sessions ended: 1\n"
    pin = (await admin.done("user", "badge", "ann", "B-17")).strip()
    assert await admin.log_in(badge="B-17", pin=pin, terminal="T1") == 200
    assert await admin.done("user", "list", "ann") == "ann\tAnn\tpassword+badge\tOPERATOR@HV1\n"
    await admin.done("user", "withdraw-badge", "ann")
    await admin.done("user", "unlock", "ann")
    await admin.done("user", "deactivate", "ann")
    assert await admin.log_in(subject="ann", password="correct horse battery") == 401
    await admin.done("user", "reactivate", "ann")
    await admin.done("user", "link", "ann", "--issuer", "https://id.example.com", "--identity", "ann@plant")
    await admin.done("role", "withdraw", "ann", "OPERATOR", "--site", "HV1")
    assert await admin.done("role", "list", "ann") == ""
    assert await admin.log_in(subject="ann", password="correct horse battery") == 200


async def test_keys_of_a_service(admin: Administrator) -> None:
    await admin.done("user", "create", "opcua-1", "--service")
    await admin.done("role", "grant", "opcua-1", "driver", "--site", "HV1")
    (admin.key.parent / "me.graphql").write_text(ME)
    await admin.done("documents", "register", str(admin.key.parent / "me.graphql"))
    key = (await admin.done("key", "issue", "opcua-1", "--days", "30", "--label", "line-1", "--site", "HV1")).strip()
    assert (await admin.server.post(ME, key)).status_code == 200
    listed = await admin.done("key", "list", "opcua-1")
    key_id = key.split("_")[1]
    assert (listed.startswith(f"{key_id}\tuntil "), listed.endswith(" at HV1\tline-1\n")) == (True, True)
    await admin.done("key", "revoke", key_id)
    assert "revoked" in await admin.done("key", "list", "opcua-1")
    halves = (await admin.done("key", "seal", "opcua-1")).split()
    assert [half[:4] for half in halves] == ["mgb_", "mgb_"]


async def test_roles_and_keys_count_at_equipment(admin: Administrator) -> None:
    await admin.server.ask(LINE)
    await admin.done("user", "create", "opcua-1", "--service")
    await admin.done("role", "grant", "opcua-1", "driver", "--equipment", "HV1/LINE-1")
    assert await admin.done("role", "list", "opcua-1") == "DRIVER@HV1/LINE-1\n"
    await admin.done("key", "issue", "opcua-1", "--equipment", "HV1/LINE-1")
    assert (await admin.done("key", "list", "opcua-1")).endswith(" at HV1/LINE-1\t\n")
    await admin.done("role", "withdraw", "opcua-1", "driver", "--equipment", "HV1/LINE-1")
    assert await admin.done("role", "list", "opcua-1") == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("user", "create", "admin"), "DUPLICATE_KEY"),
        (("user", "open-account", "nobody"), "NOT_FOUND"),
        (("role", "grant", "admin", "KING"), "INVALID_VALUE"),
        (("role", "list", "nobody"), "nobody is called nobody"),
        (("user", "link", "admin", "--issuer", "http://id.example.com", "--identity", "x"), "no https address"),
        (("user", "deactivate", "admin"), "last administrator"),
    ],
)
async def test_what_cannot_be_is_said_in_one_line(admin: Administrator, arguments: tuple[str, ...], said: str) -> None:
    done = await admin.run(*arguments)
    assert (done.returncode, said in done.stderr, done.stderr.count("\n")) == (2, True, 1), done.stderr
