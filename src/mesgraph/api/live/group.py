"""Subscribers who see the same: one following of the record, one execution and one encoding for all of them."""

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence, Sized
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mesgraph.api.answer_size import expect_columns, written
from mesgraph.api.budget import Bucket, Shares, metered
from mesgraph.api.context import Context
from mesgraph.api.live.outlet import Batch, Frame, Outlet, TooSlow
from mesgraph.api.live.place import Place
from mesgraph.ledger.queries import Cursor
from mesgraph.plant import Plant
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.watch import principal
from mesgraph.work import Actor

Answers = Callable[[Context], AsyncGenerator[Any, None]]
"""Executes the subscription of a group for a context."""

NOBODY = -1
"""Whose eyes a group has: those of its members' roles, and of no principal."""
KEPT = 256
KEPT_BYTES = 256 * 1024
"""How many messages a group keeps for those who come a moment later than they happened."""
KEPT_BYTES_ALL = 16 * 1024 * 1024
"""Of all groups: where there are many, each keeps less."""

TOGETHER_S = 0.005
TOGETHER_BYTES = 32 * 1024
"""How long, and how many, messages wait for those of the next event when that has happened already."""

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Member:
    """A subscriber of a group. ``seen`` is the position up to which it has got everything.

    ``left`` is done when it is no member any more: with the place where it goes on alone, or with none when the
    subscription is over; with :class:`TooSlow` when it did not read.
    """

    outlet: Outlet
    actor: Actor
    peer: str | None
    bucket: Bucket | None
    seen: int
    left: asyncio.Future[Cursor | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class GroupContext(Context):
    """The context of an execution for many: with the roles of its members, paid for and answered for by all."""

    def __init__(self, plant: Plant, actor: Actor, group: "Group") -> None:
        super().__init__(plant, Actor(NOBODY, subject="", grants=actor.grants))
        self.place = self._group = group

    async def rest(self) -> None:
        """As the parent; one who has time left is enough, for all wait for the same."""
        await asyncio.sleep(self._group.shares.wait_s())

    def note(self, kind: SecurityEventKind, *, what: str | None = None, times: int = 1) -> None:
        """As the parent, for each principal among the members."""
        now = self.plant.clock.now()
        for who in {principal(member.actor.principal_id, member.peer) for member in self._group.members}:
            self.plant.watch.note(kind, who, now, what=what, times=times)


class Group(Place):
    """One subscription for all of its ``members``.

    Between two events every member has seen the same, but those who were further when they came: they wait until the
    group has passed their place. Who leaves does so between two events, so that the place is exact.
    """

    def __init__(
        self, plant: Plant, actor: Actor, start: Cursor, answers: Answers, *, state: bool, among: Sized = ()
    ) -> None:
        super().__init__(start)
        self._among = among
        self.members: set[Member] = set()
        self.shares = Shares()
        self.executions = 0
        self._plant = plant
        self._context = GroupContext(plant, actor, self)
        self._answers = answers
        self._epoch = start.epoch
        self._state = state
        self._leaving: set[Member] = set()
        self._first = False
        self._kept: deque[Frame] = deque()
        self._kept_bytes = 0
        self._kept_behind = self.begun = self.done = start.position
        self._waiting: set[Member] = set()
        self._expecting: set[Member] = set()
        self._unsent: list[Frame] = []
        self._unsent_bytes = 0
        self._expires_at: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def run(self, *, columns: bool, ended: Callable[[], None]) -> None:
        """Begin. ``columns`` says whether messages have columns; ``ended`` is called when nothing comes any more."""

        async def running() -> None:
            expect_columns(columns)
            try:
                async with aclosing(self._answers(self._context)) as answers:
                    async for result in answers:
                        self._deliver(result)
            except Exception:
                log.exception("a group of subscriptions ended")
            finally:
                ended()
                self._send()
                for member in list(self.members):
                    self._remove(member).set_result(None)

        # a context of its own: what it does is charged to nobody's request
        self._task = contextvars.Context().run(lambda: asyncio.create_task(metered(running(), self.shares)))

    def stop(self) -> None:
        """End without a word."""
        if self._task is not None:
            self._task.cancel()

    def take(self, member: Member) -> bool:
        """Let somebody in who has seen everything up to ``member.seen``.

        ``False`` when the group has passed that place and does not remember what happened since.
        """
        self._send()
        if self._state:
            self._waiting.add(member)
            if self.woken is not None:
                self.woken.set()
        elif member.seen < self._kept_behind:
            return False
        elif missed := [frame for frame in self._kept if frame.position > member.seen]:
            member.outlet.put(Batch(missed), latest_only=False)
        self.members.add(member)
        self.shares.add(member.bucket)
        ends = member.actor.expires_at
        if ends is not None and (self._expires_at is None or ends < self._expires_at):
            self._expires_at = ends
        return True

    def leave(self, member: Member) -> None:
        """Let somebody go at once, because nobody listens there any more."""
        if member in self.members:
            self._remove(member).cancel()

    def look_again_at(self, principal_id: int) -> None:
        """The rights of a principal may have changed: before anything else is sent, it has to begin anew."""
        self._leaving |= {member for member in self.members if member.actor.principal_id == principal_id}

    def begin(self, position: int) -> None:
        """As the parent; who has to leave does so before."""
        self._dismiss()
        self._first = True
        super().begin(position)

    def end(self, position: int) -> None:
        """As the parent; what is not sent goes out, unless there is more that has happened."""
        super().end(position)
        if self._unsent and self._plant.tail.cursor.position <= position:
            self._send()

    def look(self) -> None:
        """As the parent; the state is for those who have come until now."""
        self._dismiss()
        self._expecting, self._waiting = self._waiting, set()

    def looked(self) -> None:
        """As the parent; for who has come since the last message, that is still how things are."""
        expecting, self._expecting = self._expecting, set()
        for member in expecting if self._kept else ():
            member.outlet.put(Batch(list(self._kept)), latest_only=True)

    def _deliver(self, result: Any) -> None:
        """Take an answer, for everybody."""
        self.executions += 1
        if self._state or self._first:
            self._dismiss()
        frame = Frame(_payload(result), self.begun, first=self._first)
        self._first = False
        if self._state:
            self._kept = deque([frame])
            self._waiting, self._expecting = set(), set()
            self._send_now([frame], to_all=True)
        elif self.begun == self.done:  # of no event: why it ends
            self._send()
            self._send_now([frame], to_all=True)
        else:
            self._keep(frame)

    def _keep(self, frame: Frame) -> None:
        """Keep a message for those who come later, and until it is sent."""
        self._kept.append(frame)
        self._kept_bytes += len(frame.payload)
        most = min(KEPT_BYTES, KEPT_BYTES_ALL // max(len(self._among), 1))
        while len(self._kept) > KEPT or self._kept_bytes > most:
            forgotten = self._kept.popleft()
            self._kept_bytes -= len(forgotten.payload)
            self._kept_behind = forgotten.position
        if not self._unsent:
            asyncio.get_running_loop().call_later(TOGETHER_S, self._send)
        self._unsent.append(frame)
        self._unsent_bytes += len(frame.payload)
        if self._unsent_bytes > TOGETHER_BYTES:
            self._send()

    def _send(self) -> None:
        """Send what waits."""
        if self._unsent:
            frames, self._unsent, self._unsent_bytes = self._unsent, [], 0
            self._send_now(frames)

    def _send_now(self, frames: Sequence[Frame], *, to_all: bool = False) -> None:
        """Send to everybody, or to those who have not seen it."""
        batch, position, slow = Batch(frames), frames[0].position, []
        for member in self.members:
            its = batch
            if member.seen >= position and not to_all:
                its = Batch([frame for frame in frames if frame.position > member.seen])
            if its.frames and not member.outlet.put(its, latest_only=self._state):
                slow.append(member)
        for member in slow:
            place = Cursor(self._epoch, max(member.seen, position - 1))
            self._remove(member).set_exception(TooSlow(place))

    def _dismiss(self) -> None:
        """Let those go alone whose rights have to be looked at again."""
        if self._expires_at is not None and (now := self._plant.clock.now()) >= self._expires_at:
            ends = {member: member.actor.expires_at for member in self.members}
            self._leaving |= {member for member, end in ends.items() if end is not None and end <= now}
            self._expires_at = min((end for end in ends.values() if end is not None and end > now), default=None)
        if not self._leaving:
            return
        self._send()
        for member in self._leaving & self.members:
            self._remove(member).set_result(Cursor(self._epoch, max(member.seen, self.done)))
        self._leaving.clear()

    def _remove(self, member: Member) -> asyncio.Future[Cursor | None]:
        """Strike it out; what becomes of it is told by ``left``, which nobody waits for when it was cancelled."""
        self.members.discard(member)
        self._leaving.discard(member)
        self._waiting.discard(member)
        self._expecting.discard(member)
        self.shares.remove(member.bucket)
        if self._state:
            member.outlet.clear()
        return member.left if not member.left.done() else asyncio.get_running_loop().create_future()


def _payload(result: Any) -> bytes:
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        answer["extensions"] = result.extensions
    return written(answer).encode()
