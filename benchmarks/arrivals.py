"""Load that does not wait: requests come at a fixed rate, whether or not the ones before were answered.

A time counts from the moment the request was meant to be sent: who stands still for a moment answers all that should
have come meanwhile late, which a client that waits for its answer never sees.
"""

import asyncio
import math
import statistics
from collections.abc import Mapping
from contextlib import AsyncExitStack
from time import perf_counter

from benchmarks.common import Asked, Client, Size, medians, refuse_errors

CONNECTIONS = 64
"""Requests that are on their way at once; those that find none free wait here, and their time runs."""


async def compare_arrivals(
    asked: Mapping[str, Asked], per_second: float, key: str, size: Size
) -> tuple[dict[str, dict[str, float]], float]:
    """Times of two servers at the same rate, round by round in turn; and the median of the ratios of their p99, above 1
    where the first is quicker.
    """
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in asked}
    async with AsyncExitStack() as stack:
        clients = {
            name: [await stack.enter_async_context(Client(one.port, key)) for _ in range(CONNECTIONS)]
            for name, one in asked.items()
        }
        for _ in range(size.rounds):
            for name, one in asked.items():
                rounds[name].append(await _round(one, clients[name], per_second, size.window_s))
    first, second = rounds.values()
    ratio = statistics.median(b["p99_ms"] / a["p99_ms"] for a, b in zip(first, second, strict=True))
    return {name: medians(of_server) for name, of_server in rounds.items()}, float(f"{ratio:.3g}")


async def _round(one: Asked, clients: list[Client], per_second: float, seconds: float) -> dict[str, float]:
    free: asyncio.Queue[Client] = asyncio.Queue()
    for client in clients:
        free.put_nowait(client)
    times: list[float] = []

    async def send(number: int, meant: float) -> None:
        client = await free.get()
        answer = await client.post(one.make(0, number))
        times.append(perf_counter() - meant)
        free.put_nowait(client)
        refuse_errors(one.case.name, answer)

    began = perf_counter()
    async with asyncio.TaskGroup() as sending:
        for number in range(max(1, round(per_second * seconds))):
            meant = began + number / per_second
            if (early := meant - perf_counter()) > 0:
                await asyncio.sleep(early)
            sending.create_task(send(number, meant))
    times.sort()
    return {
        "per_second": per_second,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[math.ceil(len(times) * 0.99) - 1] * 1000,
    }
