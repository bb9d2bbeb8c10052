"""Subscribers who see the same: one following of the record, one execution and one encoding for all of them."""

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mesgraph.api.answer_size import expect_columns, written
from mesgraph.api.budget import Bucket, Shares, metered
from mesgraph.api.context import Context
from mesgraph.api.live.outlet import Frame, Outlet, TooSlow
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
        super().__init__(plant, replace(actor, principal_id=NOBODY, subject="", expires_at=None))
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

    def __init__(self, plant: Plant, actor: Actor, start: Cursor, answers: Answers, *, state: bool) -> None:
        super().__init__(start)
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
        if self._state:
            self._waiting.add(member)
            self.woken.set()
        elif member.seen < self._kept_behind:
            return False
        self.members.add(member)
        self.shares.add(member.bucket)
        ends = member.actor.expires_at
        if ends is not None and (self._expires_at is None or ends < self._expires_at):
            self._expires_at = ends
        if not self._state:
            for frame in self._kept:
                if frame.position > member.seen:
                    member.outlet.put(frame, latest_only=False)
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

    def look(self) -> None:
        """As the parent; the state is for those who have come until now."""
        self._dismiss()
        self._expecting, self._waiting = self._waiting, set()

    def looked(self) -> None:
        """As the parent; for who has come since the last message, that is still how things are."""
        for frame in self._kept:
            for member in self._expecting:
                member.outlet.put(frame, latest_only=True)
        self._expecting = set()

    def _deliver(self, result: Any) -> None:
        """Send an answer to everybody. What does not belong to an event, such as why it ends, is for all."""
        self.executions += 1
        if self._state or self._first:
            self._dismiss()
        of_event = not self._state and self.begun > self.done
        frame = Frame(_payload(result), self.begun, first=self._first)
        self._first = False
        self._keep(frame, of_event=of_event)
        state, position = self._state, frame.position
        slow = [
            member
            for member in self.members
            if (member.seen < position or not of_event) and not member.outlet.put(frame, latest_only=state)
        ]
        for member in slow:
            self._remove(member).set_exception(TooSlow(self._place_of(member)))

    def _keep(self, frame: Frame, *, of_event: bool) -> None:
        """Events for those who come later, of a state the latest."""
        if self._state:
            self._kept.clear()
            self._kept.append(frame)
            self._waiting, self._expecting = set(), set()
        elif of_event:
            self._kept.append(frame)
            self._kept_bytes += len(frame.payload)
            while len(self._kept) > KEPT or self._kept_bytes > KEPT_BYTES:
                forgotten = self._kept.popleft()
                self._kept_bytes -= len(forgotten.payload)
                self._kept_behind = forgotten.position

    def _dismiss(self) -> None:
        """Let those go alone whose rights have to be looked at again."""
        if self._expires_at is not None and (now := self._plant.clock.now()) >= self._expires_at:
            ends = {member: member.actor.expires_at for member in self.members}
            self._leaving |= {member for member, end in ends.items() if end is not None and end <= now}
            self._expires_at = min((end for end in ends.values() if end is not None and end > now), default=None)
        for member in self._leaving & self.members:
            self._remove(member).set_result(self._place_of(member))
        self._leaving.clear()

    def _place_of(self, member: Member) -> Cursor:
        return Cursor(self._epoch, max(member.seen, self.done))

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
