"""Ready frames are frames, and whoever does not read harms nobody."""

import asyncio
import json
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from mesgraph.api.live import outlet
from mesgraph.api.live.outlet import Batch, Frame, Inbox, Straight, prefix_of


class Connection:
    """What a server puts into the scope."""

    def __init__(self) -> None:
        self.paused = False
        self.written = b""
        self.behind = 0
        self.waiting: list[Any] = []

    def buffered(self) -> int:
        return self.behind

    def send_ready(self, frame: bytes) -> None:
        self.written += frame

    def on_drained(self, then: Any) -> None:
        self.waiting.append(then)

    def messages(self) -> list[Any]:
        """As a client reads them."""
        client = ClientProtocol(parse_uri("ws://plant"), state=OPEN)
        client.receive_data(self.written)
        frames: list[Any] = client.events_received()
        assert all(frame.opcode is Opcode.TEXT and frame.fin for frame in frames)
        return [json.loads(frame.data) for frame in frames]


def frame(position: int, size: int = 2, *, first: bool = True) -> Frame:
    return Frame(b'"%d%s"' % (position, b"x" * size), position, first=first)


def batch(*positions: int, **options: Any) -> Batch:
    return Batch([frame(position, **options) for position in positions])


@pytest.mark.parametrize("id", ["1", "0b6a4a54-1dc8-4c8a-9d4b-1c9f3a1d6c11", 'say "ö"\n'])
@pytest.mark.parametrize("size", [0, 50, 100, 130, 65_440, 70_000])
def test_frames_of_every_length_are_read_as_messages(id: str, size: int) -> None:
    connection, near = Connection(), batch(1, 2, size=size)
    for one in range(60):  # the borders between the three forms of a length
        near = Batch([*near.frames, frame(3, size + one)])
    Straight(connection, prefix_of(id)).put(near, latest_only=False)
    told = [{"id": id, "type": "next", "payload": json.loads(each.payload)} for each in near.frames]
    assert connection.messages() == told
    assert [json.loads(each.message(prefix_of(id))) for each in near.frames] == told


def test_of_a_state_whoever_was_behind_gets_the_latest() -> None:
    connection = Connection()
    out = Straight(connection, prefix_of("1"))
    connection.paused = True
    for position in (1, 2, 3):
        assert out.put(batch(position), latest_only=True)
    assert connection.written == b""
    connection.paused = False
    [waiting] = connection.waiting
    waiting.drained()
    assert [message["payload"] for message in connection.messages()] == ["3xx"]
    connection.paused = True
    out.put(batch(4), latest_only=True)
    out.clear()
    out.drained()
    assert len(connection.messages()) == 1, "of whoever has left, nothing waits"


def test_whoever_reads_no_events_is_told_so_between_two_of_them() -> None:
    connection = Connection()
    out = Straight(connection, prefix_of("1"))
    connection.paused, connection.behind = True, outlet.BUFFER_MAX
    assert out.put(batch(1), latest_only=False)
    connection.behind += 1
    assert out.put(batch(2, first=False), latest_only=False), "an event is not cut"
    assert not out.put(batch(3), latest_only=False)
    assert [message["payload"] for message in connection.messages()] == ["1xx", "2xx"]


async def test_an_inbox_is_bounded_and_emptied_before_its_member_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "BUFFER_MAX", 20)
    inbox = Inbox()
    assert all(inbox.put(batch(position, size=8), latest_only=False) for position in (1, 2))
    assert not inbox.put(batch(3), latest_only=False)
    left: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    left.set_result(None)
    assert [each.position async for each in inbox.frames(left)] == [1, 2]
    for position in (4, 5, 6):
        assert inbox.put(batch(position), latest_only=True)
    assert [each.position async for each in inbox.frames(left)] == [6]
