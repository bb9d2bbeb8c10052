"""A process begins with its snapshot when that fits the database, and with the record when it does not."""

import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mesgraph.genealogy import core as core_module
from mesgraph.genealogy import snapshot
from mesgraph.genealogy.core import Core
from tests.api import Api
from tests.factories.genealogy import receive, transform
from tests.factories.materials import make_halvard
from tests.genealogy.core.feeding import answers


@asynccontextmanager
async def core_of(api: Api, file: Path | None) -> AsyncIterator[Core]:
    """That of a process which starts now, when it has come up with the record."""
    core = Core(api.plant.database, api.plant.tail, file)
    await core.start()
    try:
        await core.fresh()
        yield core
    finally:
        await core.stop()


def at_no_page(head: dict) -> None:
    head["columns"]["kind"][0] += 5


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """One bit of the last column is another."""
    _, length, _ = snapshot.PREFIX.unpack_from(content)
    head = json.loads(content[snapshot.PREFIX.size : snapshot.PREFIX.size + length])
    offset = max(offset for offset, size, _ in head["columns"].values() if size)
    return content[:offset] + bytes([content[offset] ^ 16]) + content[offset + 1 :]


def with_head(content: bytes, change: Callable[[dict], None]) -> bytes:
    magic, length, _ = snapshot.PREFIX.unpack_from(content)
    begin = snapshot.PREFIX.size
    head = json.loads(content[begin : begin + length])
    change(head)
    text = json.dumps(head).encode()
    prefix = snapshot.PREFIX.pack(magic, len(text), zlib.crc32(text)) + text
    return prefix + content[len(prefix) :]


REFUSED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "something else": lambda content: b"no snapshot" * 1000,
    "cut off": cut,
    "with a flipped bit": flipped,
    "of other kinds": lambda content: with_head(content, lambda head: head["kinds"].append([3, 0])),
    "of another database": lambda content: with_head(content, lambda head: head["end"].update(leaf="00" * 32)),
    "of a later state": lambda content: with_head(content, lambda head: head["end"].update(position=10**6)),
    "of another epoch": lambda content: with_head(content, lambda head: head["end"].update(epoch=99)),
    "without a column": lambda content: with_head(content, lambda head: head["columns"].pop("item")),
    "without counts": lambda content: with_head(content, lambda head: head.pop("counts")),
    "with a column at no page": lambda content: with_head(content, at_no_page),
}


async def some_record(api: Api, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record, a snapshot of it, and something behind that."""
    monkeypatch.setattr(core_module, "SAVE_FROM", 1)
    await make_halvard(api)
    binder = await receive(api, "RM-PVDF", "P-1", "25")
    await transform(api, [(binder, "10")], [("SLURRY-C", "S-1", "1")])
    async with core_of(api, file):
        pass
    await transform(api, [(binder, "5")], [("SLURRY-C", "S-2", "1")])


async def test_it_begins_with_the_snapshot(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "snapshot"
    await some_record(api, file, monkeypatch)
    async with core_of(api, None) as anew, core_of(api, file) as core:
        assert (core.status().restored, core.status().refused) == (True, None)
        assert answers(core.graph) == answers(anew.graph)


@pytest.mark.parametrize("how", REFUSED)
async def test_it_refuses_one_that_is_not_whole_or_not_its_own(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    file = tmp_path / "snapshot"
    await some_record(api, file, monkeypatch)
    file.write_bytes(REFUSED[how](file.read_bytes()))
    async with core_of(api, None) as anew, core_of(api, file) as core:
        assert not core.status().restored
        assert core.status().refused
        assert answers(core.graph) == answers(anew.graph)
    async with core_of(api, file) as core:
        assert core.status().restored, "a good one was saved in its place"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_core_that_ended_holds_no_addresses(api: Api) -> None:
    """Whoever still knows it does not keep others from beginning: a process has room for some sixty."""
    await make_halvard(api)
    ended = []
    for _ in range(100):
        async with core_of(api, None) as core:
            ended.append(core)
    assert len(ended) == 100
