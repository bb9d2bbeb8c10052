"""`mesgraph documents` at a running server."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.access.test_access_commands import Administrator
from tests.kit.served import served

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SITES, ME = "query Sites {\r\n  sites { code }\n}\n", "query Me { me { subject } }"


@pytest.fixture
async def admin(database_url: str, tmp_path: Path) -> AsyncIterator[Administrator]:
    async with served(database_url) as server:
        yield Administrator(server, tmp_path)


def line(text: str, name: str) -> str:
    return f"{sha256(text.encode()).hexdigest()}\t{name}\n"


async def test_files_and_folders_are_registered_listed_and_retired(admin: Administrator, tmp_path: Path) -> None:
    folder = tmp_path / "operations"
    (folder / "deeper").mkdir(parents=True)
    (folder / "deeper" / "sites.graphql").write_bytes(SITES.encode())
    (folder / "notes.txt").write_text("no document")
    single = tmp_path / "me.graphql"
    single.write_text(ME)
    stored = line(SITES, "Sites") + line(ME, "Me")
    assert await admin.done("documents", "register", str(folder), str(single)) == stored
    assert await admin.done("documents", "register", str(folder), str(single)) == stored
    assert await admin.done("documents", "register", str(single), "--cost-max", "50") == line(ME, "Me")
    me, sites = (await admin.done("documents", "list")).splitlines()
    assert me == line(ME, "Me").strip() + "\tstands\tcosts at most 50"
    assert sites == line(SITES, "Sites").strip() + "\tstands\t"
    await admin.done("documents", "retire", me.split("\t")[0])
    assert "\tretired " in await admin.done("documents", "list", "Me")


async def test_what_cannot_be_registered_is_said_in_one_line(admin: Administrator, tmp_path: Path) -> None:
    wrong, empty = tmp_path / "wrong.graphql", tmp_path / "empty"
    wrong.write_text("{ nothing }")
    empty.mkdir()
    (tmp_path / "bytes.graphql").write_bytes(b"\xff")
    for path, words in (
        (wrong, "wrong.graphql: DOCUMENT_INVALID: line 1, column 3: "),
        (empty, "no *.graphql in"),
        (tmp_path / "none.graphql", "cannot be read"),
        (tmp_path / "bytes.graphql", "cannot be read"),
    ):
        done = await admin.run("documents", "register", str(path))
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1
    assert await admin.done("documents", "list") == ""
