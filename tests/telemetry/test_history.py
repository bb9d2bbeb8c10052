"""What was measured is read as it came, from head and chunks alike; what it says is told by a plain count over it."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.clock import from_micros
from mesgraph.telemetry.sealing import seal
from tests.api import START, Api
from tests.factories.telemetry import BEGIN, COUNT, NAME, ON, SECOND, TEMP, batch, make_tags, send

SAMPLES = "count time received server value quality status flags"
AGGREGATES = "time count mean min max percentGood coverage"
HISTORY = f"""query H($tag: ID!, $from: DateTime!, $to: DateTime!, $interval: Duration) {{
    tagHistory(tag: $tag, window: {{from: $from, to: $to}}, interval: $interval) {{
        samples {{ {SAMPLES} }} aggregates {{ {AGGREGATES} }} }} }}"""


async def history(api: Api, tag: Any, start: float, end: float, interval: str | None = None) -> dict[str, Any]:
    """In seconds after the beginning."""
    window = {"from": _at(start), "to": _at(end)}
    path = f"HV1/{tag['path']}"
    found = await api.ask(HISTORY, by=Role.VIEWER, tag=path, interval=interval, **window)
    series: dict[str, Any] = found["tagHistory"]["aggregates" if interval else "samples"]
    return series


def _at(seconds: float) -> str:
    moment: datetime = START + timedelta(seconds=seconds)
    return moment.isoformat()


def drawn(seed: int, hours: int) -> list[tuple[Any, float, float | None, int]]:
    """Samples of the temperature: (tag, second, value, quality), with pauses, without values, and BAD ones."""
    draw = random.Random(seed)
    second, made = 0.0, []
    while second < hours * 3600:
        value = None if draw.random() < 0.05 else round(draw.uniform(20, 180), 3)
        made.append((TEMP, round(second, 3), value, draw.choice([0, 0, 0, 0, 1, 2])))
        second += draw.choices([2, 20, 60, 400, 4000], [40, 30, 20, 5, 1])[0] * draw.random() + 0.001
    return made


async def store(api: Api, samples: list[tuple[Any, float, float | None, int]], *, sealed: int) -> None:
    """Send them in batches of 100; the first so many of them are sealed on the way, in two rounds."""
    for i in range(0, len(samples), 100):
        part = samples[i : i + 100]
        api.clock.at = START + timedelta(seconds=part[-1][1] + 1)
        await send(api, i, batch(*(one[:3] for one in part), quality=[one[3] for one in part]))
        if i < sealed:
            await seal(api.plant.database)
    api.clock.at = START + timedelta(seconds=samples[-1][1] + 3600)


def told(samples: list[tuple[Any, float, float | None, int]], start: int, end: int) -> tuple[Any, ...]:
    """Count, mean, min, max, percent good and coverage of [start, end) in seconds, by the rule as it is written."""
    used = good = integral = 0.0
    inside = []
    for i, (_, second, value, quality) in enumerate(samples):
        following = samples[i + 1][1] if i + 1 < len(samples) else float("inf")
        lasts = max(0.0, min(following, second + 10, end) - max(second, start))
        if value is None or quality == 2:
            continue
        used, integral = used + lasts, integral + lasts * value
        good += lasts * (quality == 0)
        if start <= second < end:
            inside.append(value)
    length = end - start
    mean = integral / used if used else None
    limits = (min(inside), max(inside)) if inside else (None, None)
    return len(inside), mean, *limits, 100 * good / length, used / length


@pytest.mark.parametrize("sealed", [0, 150, 10_000], ids=["head", "both", "chunks"])
async def test_samples_come_back_as_they_were_sent(coater: Api, sealed: int) -> None:
    samples = drawn(1, 3)
    await store(coater, samples, sealed=sealed)
    found = await history(coater, TEMP, 600, 9000)
    wanted = [one for one in samples if 600 <= one[1] < 9000]
    assert found["count"] == len(wanted) > 100
    assert found["time"] == [BEGIN + round(second * SECOND) for _, second, _, _ in wanted]
    assert found["value"] == [value for _, _, value, _ in wanted]
    assert found["quality"] == [quality for *_, quality in wanted]
    assert [received - time for received, time in zip(found["received"], found["time"], strict=True)] == [20_000] * len(
        wanted
    )


@pytest.mark.parametrize("interval", ["PT5M", "PT15M", "PT1H", "PT7M"])
@pytest.mark.parametrize("sealed", [0, 150, 10_000], ids=["head", "both", "chunks"])
async def test_aggregates_say_what_the_samples_say(coater: Api, sealed: int, interval: str) -> None:
    samples = drawn(2, 3)
    await store(coater, samples, sealed=sealed)
    step = {"PT5M": 300, "PT15M": 900, "PT1H": 3600, "PT7M": 420}[interval]
    begin, end = 3600, 3600 + 2 * 3600
    found = await history(coater, TEMP, begin, end, interval)
    for i, start in enumerate(range(begin, end, step)):
        wanted = told(samples, start, min(start + step, end))
        names = ("count", "mean", "min", "max", "percentGood", "coverage")
        assert found["time"][i] == BEGIN + start * SECOND
        for name, value in zip(names, wanted, strict=True):
            expected = value if value is None else pytest.approx(value, rel=1e-6, abs=1e-6)
            assert found[name][i] == expected, (name, i)


async def test_every_type_has_its_form_in_head_and_chunk(coater: Api) -> None:
    values = {0: (TEMP, 20.5), 1: (COUNT, 2**53), 2: (ON, True), 3: (NAME, "S-1")}
    samples = [(tag, second, value) for second in (0, 1) for tag, value in values.values()]
    await send(coater, 0, batch(*samples, flags=[4] * 8, status=[0x80000000] * 8))
    await send(coater, 8, batch((NAME, 2, "S-2"), (NAME, 3, "S-1")))
    for _ in range(2):
        for tag, value in values.values():
            found = await history(coater, tag, 0, 2)
            assert found["value"] == [value, value]
            assert found["status"] == [0x80000000] * 2
            assert found["flags"] == [4, 4]
        assert (await history(coater, NAME, 0, 10))["value"] == ["S-1", "S-1", "S-2", "S-1"]
        assert await seal(coater.plant.database) in (2, 0)


async def test_what_comes_late_finds_its_place_in_a_sealed_hour(coater: Api) -> None:
    await send(coater, 0, batch((TEMP, 0, 20), (TEMP, 10, 30)))
    await seal(coater.plant.database)
    await send(coater, 2, batch((TEMP, 5, 25), flags=[1]))
    assert (await history(coater, TEMP, 0, 60))["value"] == [20, 25, 30]
    await seal(coater.plant.database)
    assert (await history(coater, TEMP, 0, 60))["value"] == [20, 25, 30]


async def test_nothing_is_said_to_last_beyond_now(coater: Api) -> None:
    await send(coater, 0, batch((TEMP, 0, 20)))
    coater.clock.at = START + timedelta(seconds=3)
    found = await history(coater, TEMP, 0, 300, "PT5M")
    assert found["coverage"] == [pytest.approx(0.01)]


@pytest.mark.parametrize(
    ("start", "end", "interval", "path"),
    [(10, 10, None, ["window", "to"]), (0, 10, "PT0S", ["interval"]), (0, 200_000, "PT1S", ["interval"])],
)
async def test_a_window_that_is_none_is_refused(
    coater: Api, start: int, end: int, interval: str | None, path: list[str]
) -> None:
    variables = {"tag": "HV1/COAT01/Temp", "from": _at(start), "to": _at(end), "interval": interval}
    assert (await coater.error(HISTORY, by=Role.VIEWER, **variables))["path"] == path


async def test_texts_have_no_mean(coater: Api) -> None:
    variables = {"tag": "HV1/COAT01/Name", "from": _at(0), "to": _at(60), "interval": "PT1S"}
    assert (await coater.error(HISTORY, by=Role.VIEWER, **variables))["code"] == "VALIDATION_FAILED"


LATEST = "query L($f: TagFilter!) { latest(filter: $f) { paths time received value quality status } }"


async def latest(api: Api, by: Any = Role.VIEWER, **filter: Any) -> dict[str, tuple[Any, ...]]:
    """(time in seconds, value, quality) of each tag."""
    found = (await api.ask(LATEST, by=by, f=filter))["latest"]
    columns = zip(found["paths"], found["time"], found["value"], found["quality"], strict=True)
    return {path: (time and (time - BEGIN) / SECOND, value, quality) for path, time, value, quality in columns}


async def test_the_latest_values_of_all_tags_stand_in_one_answer(coater: Api) -> None:
    """In memory, and in another process that reads head and what was kept when it was sealed."""
    await send(coater, 0, batch((TEMP, 0, 20), (NAME, 1, "S-1"), (TEMP, 2, 21), (TEMP, 1, 22), (COUNT, 0, 7)))
    await seal(coater.plant.database)
    await send(coater, 5, batch((TEMP, 3, None), (COUNT, 1, 8), quality=[2, 0]))
    wanted = {
        "COAT01/Count": (1, 8, 0),
        "COAT01/Name": (1, "S-1", 0),
        "COAT01/On": (None, None, None),
        "COAT01/Temp": (3, None, 2),
    }
    assert await latest(coater) == wanted
    coater.plant.samples._known.clear()
    assert await latest(coater) == wanted
    assert await latest(coater, keyPrefix="COAT01/C", dataType=["INTEGER"]) == {"COAT01/Count": (1, 8, 0)}
    elsewhere = await coater.actor(Role.VIEWER, site="HV2")
    assert await latest(coater, by=elsewhere) == {}


async def test_what_another_process_took_is_known_for_the_next_batch(coater: Api) -> None:
    """Two servers on one database take turns: neither stores what the other has, and both see what came before."""
    first = batch((TEMP, 0, 20), (TEMP, 1, 21))
    await send(coater, 0, first)
    other, coater.plant.samples._known = dict(coater.plant.samples._known), {}
    await send(coater, 2, batch((TEMP, 2, 22)))
    await seal(coater.plant.database)
    coater.plant.samples._known = other
    taken = await send(coater, 2, batch((TEMP, 2, 22), (TEMP, 2, 22), (TEMP, 3, 23)))
    assert (taken["accepted"], taken["duplicate"], taken["nextSequence"]) == (1, 2, 5)
    assert (await history(coater, TEMP, 0, 60))["value"] == [20, 21, 22, 23]


async def test_a_tag_that_another_instance_reads_keeps_its_history(coater: Api) -> None:
    await send(coater, 0, batch((TEMP, 0, 20)))
    other = {"code": "DRV-2", "driver": "simulator"}
    await make_tags(coater, instances=[other], tags=[TEMP | {"driverInstance": "DRV-2"}])
    await send(coater, 0, batch((TEMP, 1, 21)), instance="HV1/DRV-2")
    for _ in range(2):
        assert (await history(coater, TEMP, 0, 60))["value"] == [20, 21]
        await seal(coater.plant.database)


def test_the_beginning_is_a_full_hour() -> None:
    """Which the windows of these tests rely on."""
    assert from_micros(BEGIN) == START
    assert BEGIN % (3600 * SECOND) == 0
