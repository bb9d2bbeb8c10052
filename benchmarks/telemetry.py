"""The store of samples: rows a second into the head on both databases, bytes of a sealed sample, and reading back.

Cases: ``store_sqlite`` and, where there is a server, ``store_postgresql``: batches of 5,000 samples of 500 tags are
judged and stored, each in a transaction, against SQLAlchemy's own insert of the same samples as rows of a table with an
index, in turns. ``codec`` packs an hour of each of ten tags, by pcodec and by differences of numpy with zlib. ``day``
reads 86,400 samples of a tag, ``month`` 30 days of them as five-minute aggregates, both with all of GraphQL and JSON.
A server that this benchmark starts itself runs without fsync, which ``conditions`` says.
"""

import asyncio
import contextlib
import statistics
import time
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, Table, insert
from sqlalchemy.orm import Session

from benchmarks.common import SIZES, Report, any_postgresql, arguments, conditions, fresh_database
from benchmarks.telemetry_data import BEGIN, SECOND, samples_of
from mesgraph.access.roles import Role
from mesgraph.api.answer_size import expect_columns, written
from mesgraph.clock import from_micros
from mesgraph.config import Settings
from mesgraph.equipment.actions import submit_site
from mesgraph.plant import Plant, running_plant
from mesgraph.telemetry.actions import DriverMaster, TagMaster, submit_driver_instance, submit_tag
from mesgraph.telemetry.codec import write_chunk
from mesgraph.telemetry.columns import read_columns
from mesgraph.telemetry.intake import ingest
from mesgraph.telemetry.models import DataType, DriverInstance, SampleChunk, Tag, TagKind
from mesgraph.telemetry.statistics import HOUR_US, slots_of
from mesgraph.work import SYSTEM, Work
from tests.api import Api

TAGS = 500
BATCH = 5_000
HOUR = 3_600
PEER = Table(
    "peer_sample",
    MetaData(),
    Column("tag_id", Integer, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("server", BigInteger, nullable=False),
    Column("value", Float),
    Column("quality", Integer, nullable=False),
    Index("ix_peer_sample_tag_id_time", "tag_id", "time"),
)
"""What most programs have: a row for each sample, and an index by which a tag's history is found."""
HISTORY = """query($from: DateTime!, $to: DateTime!, $interval: Duration) {
    tagHistory(tag: "HV1/T0", window: {from: $from, to: $to}, interval: $interval) {
        samples { time value quality } aggregates { time mean min max count percentGood coverage } } }"""


def masters(session: Session) -> int:
    """A site, an instance with its tags, and the table of the peer."""
    now = from_micros(BEGIN)
    work = Work(session=session, actor=SYSTEM, now=now, occurred_at=now)
    site = submit_site(work, code="HV1", name="HV1", gln=None, time_zone="Europe/Stockholm")
    instance = submit_driver_instance(work, site, DriverMaster(code="D", driver="simulator"))
    tag = TagMaster(path="", driver_instance="D", address="", kind=TagKind.ANALOG, data_type=DataType.FLOAT)
    for i in range(TAGS):
        submit_tag(work, site, replace(tag, path=f"T{i}", address=str(i)))
    PEER.metadata.create_all(session.connection())
    return instance.id


def columns_of(number: int) -> dict[str, Any]:
    """A batch as JSON has it: ten seconds of each tag."""
    seconds = BATCH // TAGS
    parts = [samples_of(tag, seconds, BEGIN + number * seconds * SECOND) for tag in range(TAGS)]
    return {
        "paths": [f"T{i}" for i in range(TAGS)],
        "tag": [i for i in range(TAGS) for _ in range(seconds)],
        "time": [x for part in parts for x in part.time.tolist()],
        "received": [x for part in parts for x in part.received.tolist()],
        "value": [x for part in parts for x in part.floats(True).tolist()],
    }


async def store(plant: Plant, instance_id: int, batches: int, begin: int) -> tuple[float, float]:
    """Samples a second of the store and of its peer, the same batches."""
    sent = [columns_of(begin + i) for i in range(batches)]
    began = time.perf_counter()
    for i, columns in enumerate(sent):
        await plant.database.write(lambda s, n=begin + i, c=columns: _take(plant, s, instance_id, n, c))
    own = time.perf_counter() - began
    rows = [_rows(columns) for columns in sent]
    began = time.perf_counter()
    for part in rows:
        await plant.database.write(lambda s, p=part: s.execute(insert(PEER), p) and None)
    return batches * BATCH / own, batches * BATCH / (time.perf_counter() - began)


def _take(plant: Plant, session: Session, instance_id: int, number: int, sent: dict[str, Any]) -> None:
    now = from_micros(BEGIN + (number + 1) * BATCH // TAGS * SECOND)
    work = Work(session=session, actor=SYSTEM, now=now, occurred_at=now)
    instance = session.get_one(DriverInstance, instance_id)
    taken = ingest(work, instance, number * BATCH, read_columns(sent), plant.samples.get(instance_id))
    if taken.accepted != BATCH:
        raise RuntimeError(f"{taken.accepted} of {BATCH} samples were kept")
    plant.samples.put(instance_id, taken.known)


def _rows(columns: dict[str, Any]) -> list[dict[str, Any]]:
    each = zip(columns["tag"], columns["time"], columns["received"], columns["value"], strict=True)
    return [
        {"tag_id": tag, "time": at, "received": received, "server": received, "value": value, "quality": 0}
        for tag, at, received, value in each
    ]


async def on(server: str | None, rounds: int, batches: int) -> tuple[dict[str, float], float]:
    """Medians for one database, and how often as fast as the peer the store is."""
    with fresh_database(server) as database:
        async with running_plant(Settings(database=database)) as plant:
            instance_id = await plant.database.write(masters)
            await store(plant, instance_id, 2, 0)
            found = [await store(plant, instance_id, batches, 2 + i * batches) for i in range(rounds)]
    ratio = statistics.median(own / peer for own, peer in found)
    own, peer = (statistics.median(one[i] for one in found) for i in (0, 1))
    return {"samples_per_second": round(own), "peer_per_second": round(peer)}, round(ratio, 2)


def codec() -> dict[str, float]:
    """Bytes of a sealed sample, all three times and the statistics included; and of its parts by either codec."""
    parts: dict[str, list[float]] = {}
    for tag in range(10):
        samples = samples_of(tag, HOUR, BEGIN + HOUR_US)
        slots = slots_of(samples, int(samples.time[1]) // HOUR_US, is_float=True, hold=3 * SECOND)
        sizes = {
            "chunk": len(write_chunk(samples, is_float=True)),
            "statistics": slots.nbytes,
            **_sizes("time", samples.time),
            **_sizes("value_noise" if tag % 2 else "value_walk", samples.value, as_float=True),
        }
        for name, size in sizes.items():
            parts.setdefault(name, []).append(size / HOUR)
    figures = {name: round(statistics.mean(found), 3) for name, found in parts.items()}
    return figures | {"sealed": round(figures["chunk"] + figures["statistics"], 3)}


def _sizes(name: str, column: Any, *, as_float: bool = False) -> dict[str, int]:
    from pcodec import ChunkConfig, standalone

    packed = standalone.simple_compress(column.view(np.float64) if as_float else column, ChunkConfig())
    steps = column if as_float else np.diff(column, prepend=0)
    planes = np.ascontiguousarray(steps.view(np.uint8).reshape(-1, 8).T)
    return {f"{name}_pcodec": len(packed), f"{name}_zlib": len(zlib.compress(planes.tobytes(), 9))}


async def reading(server: str | None, rounds: int) -> dict[str, float]:
    """Milliseconds of a day and of a month of one tag, the JSON of the answer included."""
    days = 30
    with fresh_database(server) as database:
        async with running_plant(Settings(database=database)) as plant:
            await plant.database.write(masters)
            await plant.database.write(lambda session: _fill(session, days))
            api = Api(plant)
            by = await api.actor(Role.VIEWER)
            figures = {}
            for name, length, interval in (("day", 1, None), ("month", days, "PT5M")):
                window = {"from": from_micros(BEGIN).isoformat()}
                window["to"] = from_micros(BEGIN + length * 24 * HOUR_US).isoformat()
                times = []
                for _ in range(rounds + 1):
                    began = time.perf_counter()
                    answer = await api.ask(HISTORY, by=by, interval=interval, **window)
                    expect_columns(True)
                    size = len(written({"data": answer}))
                    times.append(1000 * (time.perf_counter() - began))
                figures[f"{name}_ms"] = round(statistics.median(times[1:]), 1)
                figures[f"{name}_bytes"] = size
    return figures


def _fill(session: Session, days: int) -> None:
    """Chunks of the first tag, packed as sealing packs them."""
    tag = session.query(Tag).filter_by(path="T0").one()
    rows = []
    whole = samples_of(0, days * 24 * HOUR)
    hours = whole.time // HOUR_US
    for hour in np.unique(hours).tolist():
        part = whole.take(hours == hour)
        part = part.take(np.argsort(part.time, kind="stable"))
        slots = slots_of(part, hour, is_float=True, hold=2**50)
        packed = {"count": len(part), "slots": slots.tobytes(), "data": write_chunk(part, is_float=True)}
        rows.append({"site_id": tag.site_id, "tag_id": tag.id, "hour": hour, "version": 1, **packed})
    session.execute(insert(SampleChunk), rows)


async def main() -> None:
    """Measure and print."""
    given = arguments(__doc__)
    size = SIZES[given.size]
    batches = {"S": 10, "M": 40, "L": 200}[given.size]
    report = Report("telemetry", conditions(given.size, given.database or "sqlite", batches=batches), size.rounds)
    report.absolute["codec_bytes_per_sample"] = codec()
    report.absolute["store_sqlite"], report.ratios["store_sqlite_vs_sqlalchemy"] = await on(None, size.rounds, batches)
    report.absolute["history_sqlite"] = await reading(None, size.rounds)
    with contextlib.ExitStack() as stack:
        server = given.database or stack.enter_context(any_postgresql())
        report.conditions["postgresql_fsync"] = "as named server" if given.database else "off"
        if server is not None:
            figures, ratio = await on(server, size.rounds, batches)
            report.absolute["store_postgresql"], report.ratios["store_postgresql_vs_sqlalchemy"] = figures, ratio
            report.absolute["history_postgresql"] = await reading(server, size.rounds)
    report.print(given.json)


if __name__ == "__main__":
    asyncio.run(main())
