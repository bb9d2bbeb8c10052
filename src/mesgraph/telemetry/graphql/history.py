"""What was measured, as columns."""

import asyncio
from functools import partial
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.filters import DateTimeRange
from mesgraph.api.nodes import find
from mesgraph.api.scalars import Duration, FloatColumn, IntegerColumn, TextColumn, TimeColumn, ValueColumn
from mesgraph.clock import MICROSECOND, to_micros
from mesgraph.equipment.models import Site
from mesgraph.errors import Refused, invalid
from mesgraph.telemetry.codec import EMPTY, PUBLIC_FLAGS, Samples
from mesgraph.telemetry.columns import Mask
from mesgraph.telemetry.graphql.lists import TagFilter, tag_conditions
from mesgraph.telemetry.graphql.nodes import TagNode
from mesgraph.telemetry.history import Stored, Window, aggregates_of, check_window, read_stored, samples_of
from mesgraph.telemetry.latest import NEVER, TYPES, Known, Memory, known_now
from mesgraph.telemetry.models import DataType, DriverInstance, Tag
from mesgraph.telemetry.statistics import Aggregates

LATEST_MAX = 10_000
"""Tags whose latest values are answered at once."""


@strawberry.type(description="Samples as columns of equal length, in the order of source time.")
class SampleSeries:
    """Columns."""

    count: int = strawberry.field(description="How many samples.")
    time: TimeColumn = strawberry.field(description="Source time; that of the receipt where the device gave none.")
    received: TimeColumn = strawberry.field(description="When the edge took it, to the millisecond.")
    server: TimeColumn = strawberry.field(description="When the server took it, to the millisecond.")
    value: ValueColumn = strawberry.field(description="The value; null for no value.")
    quality: IntegerColumn = strawberry.field(description="0 GOOD, 1 UNCERTAIN, 2 BAD.")
    status: IntegerColumn = strawberry.field(description="Status code of the protocol.")
    flags: IntegerColumn = strawberry.field(description="Sum of 1 historical, 2 substituted, 4 late.")


@strawberry.type(
    description="What samples say, interval by interval, as columns of equal length. A value counts until the next "
    "sample, at most `staleAfter` of the tag (else three expected periods); what is BAD or has no value counts for "
    "nothing and ends what was before."
)
class AggregateSeries:
    """Executed on :class:`~mesgraph.telemetry.statistics.Aggregates`, made plain."""

    time: TimeColumn = strawberry.field(description="Beginning of each interval.")
    count: IntegerColumn = strawberry.field(description="Samples with a value that are not BAD.")
    mean: FloatColumn = strawberry.field(description="Mean weighted by time; null where no value counts.")
    min: FloatColumn = strawberry.field(description="The least value; null without samples.")
    max: FloatColumn = strawberry.field(description="The greatest value; null without samples.")
    percent_good: FloatColumn = strawberry.field(description="Percent of the interval in which a GOOD value counts.")
    coverage: FloatColumn = strawberry.field(description="Part of the interval in which any value counts, 0 to 1.")


@strawberry.type(description="What was measured of a tag in a window.")
class TagSeries:
    """One of the two."""

    tag: TagNode = strawberry.field(description="The tag.")
    samples: SampleSeries | None = strawberry.field(description="The samples; null when an interval was given.")
    aggregates: AggregateSeries | None = strawberry.field(description="Per interval; null when none was given.")


@strawberry.type(description="The latest samples of many tags, as columns of equal length, by path.")
class LatestValues:
    """Columns."""

    paths: TextColumn = strawberry.field(description="Paths of the tags.")
    time: TimeColumn = strawberry.field(description="Source time; null when there was no sample yet.")
    received: TimeColumn = strawberry.field(description="When the edge took it.")
    value: ValueColumn = strawberry.field(description="The value; null for no value.")
    quality: IntegerColumn = strawberry.field(description="0 GOOD, 1 UNCERTAIN, 2 BAD.")
    status: IntegerColumn = strawberry.field(description="Status code of the protocol.")


@strawberry.type
class HistoryQueries:
    """Reads."""

    @strawberry.field(
        description="The samples of a tag in a window, at most 400,000; or, with an `interval`, what they say. "
        "Intervals "
        "of a multiple of five minutes, from a full five minutes on, are put together from statistics, however long "
        "the window is."
    )
    async def tag_history(
        self,
        info: Info,
        tag: Annotated[strawberry.ID, strawberry.argument(description="The tag.")],
        window: Annotated[DateTimeRange, strawberry.argument(description="The window; both ends are demanded.")],
        interval: Annotated[
            Duration | None, strawberry.argument(description="Length of an interval; samples when left out.")
        ] = None,
    ) -> TagSeries:
        """Read in one snapshot, unpacked in a thread."""
        wanted = _window(window, interval)

        def read(session: Session) -> Stored:
            row = find(session, Tag, tag, "tag")
            if interval is not None and row.data_type is DataType.TEXT:
                raise Refused(invalid(f"{row.path} has texts: they have no mean; leave out the interval", "interval"))
            return read_stored(session, row, wanted)

        stored = await info.context.read(read)
        if interval is None:
            samples = await asyncio.to_thread(lambda: _samples(stored.tag, samples_of(stored)))
            return TagSeries(tag=shown(stored.tag), samples=samples, aggregates=None)
        now = to_micros(info.context.plant.clock.now())
        found = await asyncio.to_thread(lambda: _aggregates(aggregates_of(stored, wanted, now)))
        return TagSeries(tag=shown(stored.tag), samples=None, aggregates=found)

    @strawberry.field(description="The latest samples of up to 10,000 tags, in one answer.")
    async def latest(
        self, info: Info, filter: Annotated[TagFilter, strawberry.argument(description="Which tags.")]
    ) -> LatestValues:
        """From memory, with the batches that came since."""
        return await info.context.read(partial(_latest, wanted=filter, memory=info.context.plant.samples))


def _window(window: DateTimeRange, interval: Duration | None) -> Window:
    if window.from_ is None or window.to is None:
        raise Refused(invalid("give both ends of the window", "window", "from" if window.from_ is None else "to"))
    length = None if interval is None else interval // MICROSECOND
    made = Window(to_micros(window.from_), to_micros(window.to), length)
    check_window(made)
    return made


def _samples(tag: Tag, samples: Samples) -> SampleSeries:
    values = _values(tag.data_type, samples.value, samples.texts, (samples.flags & EMPTY) != 0)
    columns = {name: getattr(samples, name).tolist() for name in ("time", "received", "server", "quality", "status")}
    flags = (samples.flags & PUBLIC_FLAGS).tolist()
    return SampleSeries(count=len(samples), value=values, flags=flags, **columns)


def _values(data_type: DataType, value: npt.NDArray[Any], texts: Any, empty: Mask) -> Any:
    """Values in the form of their type."""
    shown_values: list[Any]
    match data_type:
        case DataType.FLOAT:
            shown_values = value.view(np.float64).tolist()
        case DataType.BOOLEAN:
            shown_values = (value != 0).tolist()
        case DataType.INTEGER:
            shown_values = value.tolist()
        case DataType.TEXT:
            shown_values = [texts[place] if texts else None for place in value.tolist()]
    for place in np.flatnonzero(empty).tolist():
        shown_values[place] = None
    return shown_values


def _aggregates(found: Aggregates) -> AggregateSeries:
    return AggregateSeries(
        time=shown(found.time.tolist()),
        count=shown(found.count.tolist()),
        mean=_plain(found.mean),
        min=_plain(found.low),
        max=_plain(found.high),
        percent_good=_plain(found.percent_good),
        coverage=_plain(found.coverage),
    )


def _plain(column: npt.NDArray[np.float64]) -> Any:
    """Null where there is nothing to say."""
    shown_values = column.astype(object)
    shown_values[np.isnan(column)] = None
    return shown_values.tolist()


def _latest(session: Session, wanted: TagFilter, memory: Memory) -> LatestValues:
    statement = select(Tag.id, Tag.path, Tag.driver_instance_id).where(*tag_conditions(session, wanted))
    rows = session.execute(statement.order_by(Tag.path, Tag.id).limit(LATEST_MAX + 1)).all()
    if len(rows) > LATEST_MAX:
        message = f"more than {LATEST_MAX:,} tags meet the conditions: narrow them, and ask several times"
        raise Refused(invalid(message, "filter"))
    columns: dict[str, list[Any]] = {name: [None] * len(rows) for name in LATEST_COLUMNS}
    for instance_id in {row[2] for row in rows}:
        of_instance = [i for i, row in enumerate(rows) if row[2] == instance_id]
        known = _known(session, instance_id, memory)
        _show_latest(known, [rows[i][0] for i in of_instance], of_instance, columns)
    return LatestValues(
        paths=shown([row[1] for row in rows]), **{name: shown(column) for name, column in columns.items()}
    )


LATEST_COLUMNS = ("time", "received", "value", "quality", "status")


def _known(session: Session, instance_id: int, memory: Memory) -> Known:
    instance = session.scalars(select(DriverInstance).where(DriverInstance.id == instance_id)).one()
    site = session.execute(select(Site.code).where(Site.id == instance.site_id)).scalar_one()
    known = known_now(session, instance, site, memory.get(instance_id))
    memory.put(instance_id, known)
    return known


def _show_latest(known: Known, ids: list[int], rows: list[int], columns: dict[str, list[Any]]) -> None:
    places = np.searchsorted(known.tags.ids, ids)
    some = known.latest.take(places)
    plain = {name: getattr(some, name).tolist() for name in LATEST_COLUMNS if name != "value"}
    there = some.time != NEVER
    for i in np.flatnonzero(there).tolist():
        for name, column in plain.items():
            columns[name][rows[i]] = column[i]
    for number, data_type in enumerate(TYPES):
        own = np.flatnonzero(there & (known.tags.types[places] == number))
        if data_type is DataType.TEXT:
            values: Any = [known.texts[places[i]] for i in own]
        else:
            values = _values(data_type, some.value[own], (), (some.flags[own] & EMPTY) != 0)
        for i, value in zip(own.tolist(), values, strict=True):
            columns["value"][rows[i]] = value
