"""Servers that tests need: found or started here, left out by name where a machine has none.

A pytest plug-in. Fixtures: `postgresql` (session: the server's URL) and `postgresql_database` (a fresh, empty
database). For anything else `postgresql_server()`, `create_database` and `drop_database` do the same by hand.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

_left_out: dict[str, str] = {}

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    # A cluster that lives for one test run need not survive a power cut; tests of durability start their own.
    "fsync": "off",
    "full_page_writes": "off",
}


def leave_out(what: str, why: str) -> NoReturn:
    """Leave the running test out, or fail it where everything must be there (CI=true)."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{what}: {why}", pytrace=False)
    _left_out[what] = why
    pytest.skip(f"{what}: {why}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of a parallel run hands over what it left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = _left_out


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _left_out.update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, why in sorted(_left_out.items()):
        terminalreporter.write_line(f"left out: tests on {what} ({why})", yellow=True)


@contextmanager
def postgresql_server(**settings: str) -> Iterator[str | None]:
    """The URL of a server: the one named by MESGRAPH_TEST_POSTGRESQL, else an own one with `settings`, else None."""
    if named := os.environ.get("MESGRAPH_TEST_POSTGRESQL"):
        yield named
    elif binaries := _server_binaries():
        with _own_cluster(binaries, settings) as url:
            yield url
    else:
        yield None


def create_database(server: str, name: str, *, template: str | None = None, owner: str | None = None) -> str:
    """Make a database on the server and return its URL; `template` names a database to copy."""
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    if owner:
        statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
    _administer(server, statement)
    return urlsplit(server)._replace(path=f"/{name}").geturl()


PLANT_ROLE = "mesgraph_tests"
"""The role of a plant: it makes and owns its databases and is nothing more, so that row security holds it."""


def create_plant_role(server: str) -> str:
    """Make :data:`PLANT_ROLE` on the server, unless it is there."""
    make = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
        sql.Identifier(PLANT_ROLE), sql.Literal(PLANT_ROLE)
    )
    with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        _administer(server, make)
    return PLANT_ROLE


def as_plant_role(url: str) -> str:
    """The URL of a database with :data:`PLANT_ROLE` in place of whoever it names."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{PLANT_ROLE}:{PLANT_ROLE}@{parts.netloc.rpartition('@')[2]}").geturl()


def drop_database(server: str, name: str) -> None:
    """Remove a database, closing connections that a test left open."""
    _administer(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with postgresql_server() as url:
        yield url or leave_out("PostgreSQL", "no server binaries, and MESGRAPH_TEST_POSTGRESQL is not set")


@pytest.fixture
def postgresql_database(postgresql: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    yield as_plant_role(create_database(postgresql, name, owner=create_plant_role(postgresql)))
    drop_database(postgresql, name)


def _administer(server: str, statement: sql.Composable) -> None:
    parts = urlsplit(server)
    url = parts._replace(path=parts.path.strip("/") or "postgres").geturl()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _server_binaries() -> Path | None:
    """The folder with initdb and pg_ctl: of the PATH, else Debian's newest."""
    on_path = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    for folder in [*([Path(on_path).resolve().parent] if on_path else []), *reversed(debian)]:
        if all((folder / program).exists() for program in ("initdb", "pg_ctl", "postgres")):
            return folder
    return None


@contextmanager
def _own_cluster(binaries: Path, settings: dict[str, str]) -> Iterator[str]:
    account = _unprivileged_account()
    # root's own temporary folder may be closed to the account that the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="mesgraph-postgresql-", dir="/tmp" if account else None))
    data = folder / "data"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    become: dict[str, Any] = {}
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
        become = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def run(program: str, *arguments: str) -> None:
        # Not through a pipe: the server inherits it and would keep it open for as long as it lives.
        with (folder / "command.log").open("w") as out:
            command = [binaries / program, "-D", data, *arguments]
            done = subprocess.run(command, cwd=folder, env=environment, stdout=out, stderr=out, **become)
        if done.returncode:
            raise RuntimeError("\n".join([program, *(log.read_text() for log in folder.glob("*.log"))]))

    try:
        run("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        port = free_port()
        chosen = SETTINGS | settings | {"port": str(port)}
        options = " ".join(f"-c {name}='{value}'" for name, value in chosen.items())
        run("pg_ctl", "-w", "-t", "60", "-l", str(folder / "server.log"), "-o", options, "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Whom the server runs as when the tests run as root, which PostgreSQL refuses; None: as ourselves."""
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    return None if os.geteuid() else accounts.get("postgres", accounts["nobody"])


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
