"""A batch is taken once, in the order of its numbers; what cannot be kept is named, and blocks nothing else."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.telemetry.codec import read_block
from mesgraph.telemetry.models import SampleBatch
from tests.api import Api
from tests.factories.telemetry import BEGIN, COUNT, NAME, ON, SECOND, TEMP, batch, make_tags, send

DAY = 86_400


async def stored(api: Api) -> list[tuple[int, int]]:
    """(tag id, source time) of every sample of the head, in the order of the batches."""

    def read(session: Session) -> list[tuple[int, int]]:
        blocks = [read_block(data) for data in session.scalars(select(SampleBatch.data).order_by(SampleBatch.id))]
        return [pair for tags, samples in blocks for pair in zip(tags.tolist(), samples.time.tolist(), strict=True)]

    return await api.plant.database.read(read)


async def test_samples_of_every_type_are_taken(coater: Api) -> None:
    samples = batch((TEMP, 0, 100.5), (COUNT, 0, 2**62 + 1), (ON, 0, True), (NAME, 0, "S-1"), (TEMP, 1, None))
    coater.clock.step(seconds=2)
    taken = await send(coater, 0, samples)
    assert taken["accepted"] == 5
    assert (taken["duplicate"], taken["rejected"], taken["nextSequence"]) == (0, [], 5)
    assert taken["clockOffsetMs"] == 980


async def test_what_is_sent_again_is_stored_once(coater: Api) -> None:
    first, second = batch((TEMP, 0, 100), (TEMP, 1, 101)), batch((TEMP, 1, 101), (TEMP, 2, 102))
    await send(coater, 0, first)
    again = await send(coater, 0, first)
    assert (again["accepted"], again["duplicate"], again["nextSequence"]) == (0, 2, 2)
    overlapping = await send(coater, 1, second)
    assert (overlapping["accepted"], overlapping["duplicate"], overlapping["nextSequence"]) == (1, 1, 3)
    assert [time for _, time in await stored(coater)] == [BEGIN, BEGIN + SECOND, BEGIN + 2 * SECOND]


async def test_numbers_that_never_came_become_a_gap(coater: Api) -> None:
    await send(coater, 0, batch((COUNT, 0, 1)))
    taken = await send(coater, 5, batch((COUNT, 1, 2)))
    assert (taken["accepted"], taken["nextSequence"]) == (1, 6)
    [issue] = await issues(coater, "GAP")
    assert issue == {"kind": "GAP", "count": 4, "tag": None, "fromSequence": 1, "toSequence": 5}
    late = await send(coater, 1, batch((COUNT, 0.1, 1)))
    assert (late["accepted"], late["duplicate"]) == (0, 1), "what was given up stays so"


@pytest.mark.parametrize(
    ("tag", "value", "code"),
    [
        (TEMP, "warm", "WRONG_TYPE"),
        (TEMP, True, "WRONG_TYPE"),
        (TEMP, "NaN", "NOT_FINITE"),
        (TEMP, 10**400, "NOT_FINITE"),
        (COUNT, 1.5, "WRONG_TYPE"),
        (COUNT, True, "WRONG_TYPE"),
        (COUNT, 2**63, "WRONG_TYPE"),
        (COUNT, "NaN", "WRONG_TYPE"),
        (ON, 2, "WRONG_TYPE"),
        (ON, "on", "WRONG_TYPE"),
        (NAME, 7, "WRONG_TYPE"),
        (NAME, "x" * 1001, "TEXT_TOO_LONG"),
        (TEMP | {"path": "COAT01/None"}, 1, "UNKNOWN_TAG"),
    ],
)
async def test_a_sample_that_cannot_be_kept_blocks_no_other(coater: Api, tag: Any, value: Any, code: str) -> None:
    taken = await send(coater, 0, batch((TEMP, 0, 20), (tag, 1, value), (COUNT, 2, 3.0)))
    assert taken["rejected"] == [{"index": 1, "code": code}]
    assert (taken["accepted"], taken["nextSequence"]) == (2, 3)
    assert len(await stored(coater)) == 2


async def test_a_time_in_the_far_future_is_refused_and_a_wrong_clock_is_not(coater: Api) -> None:
    taken = await send(coater, 0, batch((TEMP, DAY + 60, 20), (TEMP, 3600, 21)))
    assert taken["rejected"] == [{"index": 0, "code": "TIME_IN_FUTURE"}]
    assert [issue["kind"] for issue in await issues(coater)] == ["CLOCK_SKEW"]


async def test_without_a_time_of_the_source_that_of_the_receipt_counts(coater: Api) -> None:
    await send(coater, 0, batch((TEMP, 0, 20), time=[None]))
    assert [time for _, time in await stored(coater)] == [BEGIN + 20_000]


async def test_a_path_may_begin_with_the_site(coater: Api) -> None:
    assert (await send(coater, 0, batch((TEMP, 0, 20), paths=["HV1/COAT01/Temp"])))["accepted"] == 1


async def test_a_tag_that_is_made_known_between_two_batches_counts_from_then_on(coater: Api) -> None:
    new = TEMP | {"path": "COAT01/New"}
    assert (await send(coater, 0, batch((new, 0, 20))))["rejected"] == [{"index": 0, "code": "UNKNOWN_TAG"}]
    await make_tags(coater, tags=[new])
    assert (await send(coater, 1, batch((new, 0, 20))))["accepted"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"tag": [0]},
        {"tag": [0, 1]},
        {"time": [0, -1]},
        {"time": ["now", 0]},
        {"received": [None, 0]},
        {"quality": [0, 3]},
        {"flags": [0, 8]},
        {"status": [0, 2**32]},
        {"value": [[], 0]},
        {"unit": "CEL"},
        {"paths": [7]},
    ],
)
async def test_columns_that_are_none_are_a_value_of_the_wrong_form(coater: Api, change: dict[str, Any]) -> None:
    driver = await coater.actor(Role.DRIVER, site="HV1")
    document = 'mutation I($s: SampleColumns!) { ingestSamples(input: {driverInstance: "HV1/DRV-1", sequence: 0, '
    document += "samples: $s}) { accepted } }"
    samples = batch((TEMP, 0, 20), (TEMP, 1, 21)) | change
    result = await coater.answer(document, by=driver, s=samples)
    [error] = result.errors
    assert error.extensions["code"] == "INVALID_VALUE"
    assert next(iter(change)) in error.message
    assert await stored(coater) == []


async def test_a_number_beyond_what_json_keeps_is_refused(coater: Api) -> None:
    driver = await coater.actor(Role.DRIVER, site="HV1")
    given = {"driverInstance": "HV1/DRV-1", "samples": batch((TEMP, 0, 20))}
    [error] = await coater.refused("ingestSamples", by=driver, sequence=2**53, **given)
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "sequence"])


async def test_nobody_but_a_driver_of_the_site_sends_samples(coater: Api) -> None:
    given = {"driverInstance": "HV1/DRV-1", "sequence": 0, "samples": batch((TEMP, 0, 20))}
    elsewhere = await coater.actor(Role.DRIVER, site="HV2")
    [error] = await coater.refused("ingestSamples", by=elsewhere, **given)
    assert error["code"] == "NOT_FOUND"
    document = "mutation I($i: IngestSamplesInput!) { ingestSamples(input: $i) { accepted } }"
    assert (await coater.error(document, by=Role.ENGINEER, i=given))["code"] == "FORBIDDEN"


async def issues(api: Api, *kinds: str) -> list[dict[str, Any]]:
    """What was found wrong."""
    document = "query I($f: DataQualityIssueFilter) { dataQualityIssues(filter: $f, orderBy: NEWEST) { nodes { "
    document += "kind count tag { path } fromSequence toSequence } } }"
    found = await api.ask(document, by=Role.ENGINEER, f={"kind": list(kinds)} if kinds else None)
    nodes: list[dict[str, Any]] = found["dataQualityIssues"]["nodes"]
    return nodes


@pytest.mark.parametrize(
    ("kind", "samples", "count"),
    [
        ("OUT_OF_RANGE", [(TEMP, 0, 180.1), (TEMP, 10, 19.9), (TEMP, 20, 180), (TEMP, 30, 20)], 2),
        ("OUT_OF_ORDER", [(TEMP, 5, 20), (TEMP, 4, 20), (TEMP, 6, 20)], 1),
        ("DUPLICATE", [(TEMP, 5, 20), (TEMP, 5, 20), (TEMP, 5, 21)], 1),
        ("GAP", [(TEMP, 0, 20), (TEMP, 10, 20), (TEMP, 20.1, 20)], 1),
        ("SPIKE", [(TEMP, 0, 20), (TEMP, 1, 70), (TEMP, 2, 121)], 1),
    ],
)
async def test_what_is_wrong_with_samples_is_noted_once_a_tag_and_hour(
    coater: Api, kind: str, samples: list[Any], count: int
) -> None:
    """In one batch, and the same sample by sample: what is known of the one before makes no difference."""
    await send(coater, 0, batch(*samples))
    [issue] = await issues(coater, kind)
    assert issue["count"] == count
    assert issue["tag"] == {"path": "COAT01/Temp"}
    later = 1800
    for i, (tag, second, value) in enumerate(samples):
        await send(coater, len(samples) + i, batch((tag, second + later, value)))
    [issue] = await issues(coater, kind)
    assert issue["count"] == 2 * count + (kind == "GAP")


async def test_a_sample_that_a_device_repeats_is_not_kept_twice(coater: Api) -> None:
    taken = await send(coater, 0, batch((TEMP, 5, 20), (TEMP, 5, 20), (TEMP, 5, 21)))
    assert (taken["accepted"], taken["duplicate"], taken["nextSequence"]) == (2, 1, 3)
    assert len(await stored(coater)) == 2


async def test_what_the_source_remembered_is_not_out_of_order(coater: Api) -> None:
    await send(coater, 0, batch((TEMP, 5, 20), (TEMP, 4, 20), flags=[0, 1]))
    assert await issues(coater, "OUT_OF_ORDER") == []
