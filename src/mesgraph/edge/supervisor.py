"""Keeps the processes of all instances: starts them one after the other, again when they end, apart when they harm."""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from mesgraph.edge import catalogue
from mesgraph.edge.backoff import Backoff, Breaker
from mesgraph.edge.configuration import Instance
from mesgraph.edge.contract import Isolation, State
from mesgraph.edge.frames import Frame, Kind
from mesgraph.edge.manifest import NO_TIER, Manifest, Unstated
from mesgraph.edge.plant import Plant
from mesgraph.edge.post import Post
from mesgraph.edge.process import Child

FAMILY_MAX = 32
REQUESTS_MAX = 4
"""Batches that are under way at a time."""
STARTS = 2
"""Processes that start at a time: starting is what costs."""
STEADY_S = 60.0

log = logging.getLogger(__name__)


class Group:
    """The instances of one process. A process that dies with several is never started with all of them again."""

    def __init__(self, posts: Sequence[Post], secrets: Path, starts: asyncio.Semaphore) -> None:
        self.posts = list(posts)
        self._secrets = secrets
        self._starts = starts

    async def run(self) -> None:
        """Keep a process for them until cancelled."""
        await self._keep(self.posts)

    async def _keep(self, posts: Sequence[Post]) -> None:
        backoff, breaker = Backoff(), Breaker()
        while True:
            began = asyncio.get_running_loop().time()
            try:
                reason = await self._once(posts)
            except Exception as error:
                log.exception("%s: the edge failed and tries again", posts[0].instance.code)
                reason = f"{type(error).__name__}: {error}"
            for post in posts:
                if post.state is not State.BROKEN:
                    post.tell(State.DISCONNECTED, f"its process was ended: {reason}")
            if len(posts) > 1:
                half = len(posts) // 2
                log.warning("%s and %d others go apart: %s", posts[0].instance.code, len(posts) - 1, reason)
                await asyncio.gather(self._keep(posts[:half]), self._keep(posts[half:]))
            if asyncio.get_running_loop().time() - began > STEADY_S:
                backoff.reset()
            pause_s = backoff.pause_s()
            if open_s := breaker.ended():
                pause_s = open_s
                for post in posts:
                    post.tell(State.BROKEN, f"its process ended too often, next try in {open_s:.0f} s: {reason}")
            await asyncio.sleep(pause_s)

    async def _once(self, posts: Sequence[Post]) -> str:
        def heard(frame: Frame) -> None:
            _deliver(frame, posts)

        async with self._starts:
            child = Child([post.instance for post in posts], self._secrets, heard)
            running = asyncio.create_task(child.run())
            await asyncio.wait(
                [running, ready := asyncio.create_task(child.ready.wait())], return_when=asyncio.FIRST_COMPLETED
            )
            ready.cancel()
        try:
            return await asyncio.shield(running)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


class Supervisor:
    """All instances of an edge. ``state`` is its folder."""

    def __init__(self, state: Path, plant: Plant) -> None:
        self._state = state
        self._plant = plant
        self._turns = asyncio.Semaphore(REQUESTS_MAX)
        self._starts = asyncio.Semaphore(STARTS)
        self._posts: dict[str, Post] = {}
        self._groups: list[tuple[Group, asyncio.Task[None]]] = []

    @property
    def posts(self) -> Sequence[Post]:
        """What is kept for each instance."""
        return list(self._posts.values())

    async def apply(self, instances: Sequence[Instance]) -> None:
        """Do this from now on. Instances that did not change are not disturbed, nor those that share their process."""
        wanted = {instance.id: instance for instance in instances}
        gone = {id for id, post in self._posts.items() if wanted.get(id) != post.instance}
        disturbed = [pair for pair in self._groups if any(post.instance.id in gone for post in pair[0].posts)]
        self._groups = [pair for pair in self._groups if pair not in disturbed]
        await _ended([task for _, task in disturbed])
        beside = [post for group, _ in disturbed for post in group.posts if post.instance.id not in gone]
        for id in gone:
            await self._close(self._posts.pop(id), configured=id in wanted)
        fresh = [self._open(instance) for instance in instances if instance.id not in self._posts]
        for posts in _grouped([*beside, *fresh]):
            group = Group(posts, self._state / "secrets", self._starts)
            self._groups.append((group, asyncio.create_task(group.run())))

    async def stop(self) -> None:
        """End all processes, then stop sending."""
        await _ended([task for _, task in self._groups])
        self._groups = []
        for post in self.posts:
            post.tell(State.STOPPED, "")
        await asyncio.gather(*(post.stop() for post in self.posts))

    def _open(self, instance: Instance) -> Post:
        manifest = _manifest(instance)
        tier = NO_TIER if manifest is None else manifest.tier
        post = Post(instance, tier, self._state / "spool", self._plant, self._turns)
        self._posts[instance.id] = post
        post.start()
        return post

    async def _close(self, post: Post, *, configured: bool) -> None:
        post.tell(State.STOPPED, "")
        if not configured and post.uplink.buffered:
            left = "%s is configured no more; %d samples that the server does not have stay in %s"
            log.warning(left, post.instance.code, post.uplink.buffered, post.spool.folder)
        await post.stop()


def _grouped(posts: Sequence[Post]) -> Iterator[list[Post]]:
    """What shares a process: up to 32 instances of a driver that allows it."""
    families: dict[str, list[Post]] = defaultdict(list)
    for post in posts:
        manifest = _manifest(post.instance)
        if manifest is not None and manifest.isolation is Isolation.FAMILY:
            families[post.instance.driver].append(post)
        else:
            yield [post]
    for family in families.values():
        yield from (family[at : at + FAMILY_MAX] for at in range(0, len(family), FAMILY_MAX))


def _manifest(instance: Instance) -> Manifest | None:
    """What the driver says of itself; None where it is not here: its process says why."""
    try:
        return catalogue.stated(instance.driver)
    except (Unstated, ImportError, ValueError):
        return None


def _deliver(frame: Frame, posts: Sequence[Post]) -> None:
    if frame.kind is Kind.SAMPLES:
        posts[frame.link].take(frame)
    elif frame.kind is Kind.STATE:
        state, message = _state(frame.body)
        posts[frame.link].tell(state, message)
    else:
        for post, offset in zip(posts, _offsets(frame.body, len(posts)), strict=True):
            post.offset_us = offset


def _state(body: bytes) -> tuple[State, str]:
    try:
        state, message = json.loads(body)
        return State(state), str(message)[:2_000]
    except (ValueError, TypeError):
        return State.BROKEN, "its process said how it is in words that nobody knows"


def _offsets(body: bytes, count: int) -> list[int | None]:
    try:
        offsets = json.loads(body)
        if len(offsets) == count and all(offset is None or isinstance(offset, int) for offset in offsets):
            return list(offsets)
    except (ValueError, TypeError):
        pass
    return [None] * count


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
