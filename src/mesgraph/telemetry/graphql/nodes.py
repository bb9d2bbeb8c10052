"""Driver instances, tags, and what is wrong with samples."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import strawberry

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import Node, node
from mesgraph.api.relations import read_from, to_many, to_one
from mesgraph.api.scalars import JSON, Duration, Long, UnitCode
from mesgraph.equipment.graphql import EquipmentNode, SiteNode
from mesgraph.equipment.models import Equipment, Site
from mesgraph.telemetry import queries
from mesgraph.telemetry.models import (
    DataQualityIssue,
    DataType,
    DriverInstance,
    DriverState,
    IssueKind,
    Tag,
    TagKind,
)

described_enum(
    TagKind,
    "What the values of a tag mean.",
    {
        TagKind.ANALOG: "A measured quantity.",
        TagKind.DISCRETE: "One of few values, such as on and off.",
        TagKind.COUNTER: "Counts up; it may roll over or begin anew.",
        TagKind.STATE: "The state of a machine.",
        TagKind.TEXT: "Words, such as the number of a product.",
        TagKind.ENERGY: "The reading of a meter.",
    },
)
described_enum(
    DataType,
    "How the values of a tag are kept.",
    {
        DataType.FLOAT: "A number of 64 bits (IEEE 754).",
        DataType.INTEGER: "A whole number of 64 bits, exact.",
        DataType.BOOLEAN: "`true` or `false`.",
        DataType.TEXT: "At most 1,000 characters.",
    },
    name="TagDataType",
)
described_enum(
    DriverState,
    "How a driver instance is.",
    {
        DriverState.STARTING: "It is being started.",
        DriverState.RUNNING: "It reads its device.",
        DriverState.DEGRADED: "It reads a part of what it should.",
        DriverState.DISCONNECTED: "The device does not answer; it tries again.",
        DriverState.BROKEN: "It cannot run: the plug-in is missing or fails, or its configuration is wrong.",
        DriverState.STOPPED: "Nobody runs it, or no edge has told yet that it does.",
    },
)
described_enum(
    IssueKind,
    "What is wrong with samples.",
    {
        IssueKind.GAP: "Some are missing: numbers of an instance that never came, or a longer pause between samples "
        "than a tag may have.",
        IssueKind.OUT_OF_RANGE: "The value lies outside `validRange`.",
        IssueKind.SPIKE: "The value changed faster than `maxRate`.",
        IssueKind.CLOCK_SKEW: "The clocks of device, edge and server contradict each other.",
        IssueKind.DUPLICATE: "The device sent the same sample again; it was not kept twice.",
        IssueKind.OUT_OF_ORDER: "It is older than the sample before it.",
    },
)


@strawberry.type(description="How a driver instance is, as its edge told last.")
class DriverHealth:
    """Executed on :class:`~mesgraph.telemetry.models.DriverStatus`."""

    state: DriverState = strawberry.field(description="Its state.")
    message: str | None = strawberry.field(description="Why, in words.")
    buffered: Long = strawberry.field(description="Samples that wait at the edge.")
    clock_offset_ms: Long | None = strawberry.field(
        description="How far the device's clock is ahead of the edge's, in milliseconds."
    )
    tier: str | None = strawberry.field(description="What the plug-in has proved of itself (`driver.toml`).")
    next_sequence: Long = strawberry.field(description="The number that its next sample has.")

    @strawberry.field(description="Since when it is in this state.")
    def since(root: strawberry.Parent[Any]) -> datetime:
        """As the row has it."""
        return root.changed_at

    @strawberry.field(description="When its edge told last.")
    def last_seen(root: strawberry.Parent[Any]) -> datetime | None:
        """As the row has it."""
        return root.seen_at


@strawberry.type(description="The values that can be true, both ends included.")
class ValueRange:
    """A pair."""

    low: Decimal | None = strawberry.field(description="The lowest; any when null.")
    high: Decimal | None = strawberry.field(description="The highest; any when null.")


def _period(micros: int | None) -> Duration | None:
    return None if micros is None else Duration(timedelta(microseconds=micros))


@node(Tag, find=queries.tag_by_key, of_site=True)
class TagNode(Node):
    """One value that a driver reads from a machine. Named by `SITE/PATH`."""

    version: int = strawberry.field(description="Counts changes.")
    path: str = strawberry.field(description="Path, unique within the site.")
    address: str = strawberry.field(description="Where the driver finds it, in the words of its protocol.")
    kind: TagKind = read_from(Tag.tag_kind, "What its values mean.")
    data_type: DataType = strawberry.field(description="How its values are kept.")
    uom: UnitCode | None = strawberry.field(description="Unit of its values.")
    max_rate: Decimal | None = strawberry.field(description="Change per second beyond which it is a spike.")
    deadband: Decimal | None = strawberry.field(description="Changes up to this are not reported.")
    site: SiteNode = to_one(Tag.site_id, Site, "The site.")
    driver_instance: "DriverInstanceNode" = to_one(Tag.driver_instance_id, DriverInstance, "Who reads it.")
    equipment: EquipmentNode | None = to_one(Tag.equipment_id, Equipment, "The machine that it is read from.")

    @strawberry.field(description="The values that can be true.")
    def valid_range(root: strawberry.Parent[Any]) -> ValueRange:
        """Of the row's two columns."""
        return ValueRange(low=root.valid_low, high=root.valid_high)

    @strawberry.field(description="The time from one sample to the next.")
    def expected_period(root: strawberry.Parent[Any]) -> Duration | None:
        """Of the row's microseconds."""
        return _period(root.expected_period_us)

    @strawberry.field(description="How long a value counts when no other follows.")
    def stale_after(root: strawberry.Parent[Any]) -> Duration | None:
        """Of the row's microseconds."""
        return _period(root.stale_after_us)


@node(DriverInstance, find=queries.instance_by_key, of_site=True)
class DriverInstanceNode(Node):
    """One connection of a driver plug-in. Named by `SITE/CODE`."""

    version: int = strawberry.field(description="Counts changes.")
    code: str = strawberry.field(description="Code, unique within the site.")
    driver: str = strawberry.field(description="Name of the plug-in, such as `simulator`.")
    secret_ref: str | None = strawberry.field(
        description="Where the edge finds what proves who it is to the device. The secret itself is not here."
    )
    revision: int = strawberry.field(
        description="Counts the changes of it and of its tags: with another one the edge begins it anew."
    )
    site: SiteNode = to_one(DriverInstance.site_id, Site, "The site.")
    tags: list[TagNode] = to_many(Tag.driver_instance_id, Tag, "What it reads, by path.", (Tag.path,))

    @strawberry.field(description="What commands name it by: `SITE/CODE`.")
    async def key(root: strawberry.Parent[Any], info: Info) -> str:
        """Batched by the kit."""
        site = await info.context.one(Site, root.site_id)
        return f"{site.code}/{root.code}" if site is not None else root.code

    @strawberry.field(description="What the plug-in needs to know, such as the address of the device.")
    def config(root: strawberry.Parent[Any]) -> JSON:
        """As it was given."""
        return JSON(root.config)

    @strawberry.field(description="How it is.")
    async def health(root: strawberry.Parent[Any], info: Info) -> DriverHealth:
        """Batched by the kit."""

        async def load(ids: list[int]) -> list[Any]:
            found = await info.context.read(lambda session: queries.statuses(session, ids))
            return [found[key] for key in ids]

        return shown(await info.context.batched("health", root.id, load))


@node(DataQualityIssue)
class DataQualityIssueNode(Node):
    """What is wrong with samples of one tag within an hour, or with those of a whole driver instance. The samples
    themselves stay as they came.
    """

    kind: IssueKind = read_from(DataQualityIssue.issue_kind, "What is wrong.")
    count: int = strawberry.field(description="How often, or how many samples are missing.")
    tag: TagNode | None = to_one(DataQualityIssue.tag_id, Tag, "The tag; null when it is the whole instance.")
    driver_instance: DriverInstanceNode = to_one(
        DataQualityIssue.driver_instance_id, DriverInstance, "The driver instance."
    )
    from_at: datetime = read_from(DataQualityIssue.first_at, "Source time of the first sample that shows it.")
    to_at: datetime = read_from(DataQualityIssue.last_at, "Source time of the last one.")
    from_sequence: Long | None = strawberry.field(description="The first number that is missing.")
    to_sequence: Long | None = strawberry.field(description="The first number behind the gap.")
