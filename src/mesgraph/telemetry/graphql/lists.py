"""Lists of driver instances, tags and issues."""

from collections.abc import Iterator
from enum import StrEnum

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.api.filters import Condition, DateTimeRange, in_range, prefix_field, starts_with
from mesgraph.api.nodes import find
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.equipment.graphql import within
from mesgraph.equipment.models import Site
from mesgraph.telemetry.graphql.nodes import DataQualityIssueNode, DriverInstanceNode, TagNode
from mesgraph.telemetry.models import DataQualityIssue, DataType, DriverInstance, IssueKind, Tag, TagKind


class DriverInstanceOrder(StrEnum):
    """The orders in which driver instances are listed."""

    CODE = "CODE"
    OLDEST = "OLDEST"


class TagOrder(StrEnum):
    """The orders in which tags are listed."""

    PATH = "PATH"
    OLDEST = "OLDEST"


class DataQualityIssueOrder(StrEnum):
    """The orders in which issues are listed."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


DRIVER_INSTANCE_ORDERS = orders(
    DriverInstanceOrder,
    "The order of a list of driver instances.",
    {
        DriverInstanceOrder.CODE: (Order((DriverInstance.code, DriverInstance.id)), "By code."),
        DriverInstanceOrder.OLDEST: (Order((DriverInstance.id,)), "As they were made known."),
    },
)
TAG_ORDERS = orders(
    TagOrder,
    "The order of a list of tags.",
    {
        TagOrder.PATH: (Order((Tag.path, Tag.id)), "By path."),
        TagOrder.OLDEST: (Order((Tag.id,)), "As they were made known."),
    },
)
ISSUE_ORDERS = orders(
    DataQualityIssueOrder,
    "The order of a list of data quality issues.",
    {
        DataQualityIssueOrder.NEWEST: (Order((DataQualityIssue.id,), descending=True), "What was found last, first."),
        DataQualityIssueOrder.OLDEST: (Order((DataQualityIssue.id,)), "As it was found."),
    },
)


@strawberry.input(description="Which driver instances. All conditions that are given must hold.")
class DriverInstanceFilter:
    """Conditions."""

    key_prefix: str | None = prefix_field("code")
    site: strawberry.ID | None = strawberry.field(default=None, description="Of this site.")
    driver: list[str] | None = strawberry.field(default=None, description="Of any of these plug-ins.")


@strawberry.input(description="Which tags. All conditions that are given must hold.")
class TagFilter:
    """Conditions."""

    key_prefix: str | None = prefix_field("path")
    site: strawberry.ID | None = strawberry.field(default=None, description="Of this site.")
    driver_instance: strawberry.ID | None = strawberry.field(default=None, description="Read by this instance.")
    equipment: strawberry.ID | None = strawberry.field(
        default=None, description="Of this equipment and what stands below it."
    )
    kind: list[TagKind] | None = strawberry.field(default=None, description="Of any of these kinds.")
    data_type: list[DataType] | None = strawberry.field(default=None, description="Of any of these types.")


@strawberry.input(description="Which issues. All conditions that are given must hold.")
class DataQualityIssueFilter:
    """Conditions."""

    driver_instance: strawberry.ID | None = strawberry.field(default=None, description="Of this instance.")
    tag: strawberry.ID | None = strawberry.field(default=None, description="Of this tag.")
    kind: list[IssueKind] | None = strawberry.field(default=None, description="Of any of these kinds.")
    to_at: DateTimeRange | None = strawberry.field(default=None, description="Seen last within this time.")


def instance_conditions(session: Session, wanted: DriverInstanceFilter) -> Iterator[Condition]:
    """What must hold of a driver instance."""
    if wanted.key_prefix is not None:
        yield starts_with(DriverInstance.code, wanted.key_prefix)
    if wanted.site is not None:
        yield DriverInstance.site_id == find(session, Site, wanted.site, "filter", "site").id
    if wanted.driver is not None:
        yield DriverInstance.driver.in_(wanted.driver)


def tag_conditions(session: Session, wanted: TagFilter) -> Iterator[Condition]:
    """What must hold of a tag."""
    if wanted.key_prefix is not None:
        yield starts_with(Tag.path, wanted.key_prefix)
    if wanted.site is not None:
        yield Tag.site_id == find(session, Site, wanted.site, "filter", "site").id
    if wanted.driver_instance is not None:
        owner = find(session, DriverInstance, wanted.driver_instance, "filter", "driver_instance")
        yield Tag.driver_instance_id == owner.id
    if wanted.equipment is not None:
        yield Tag.equipment_id.in_(within(session, wanted.equipment, "filter", "equipment"))
    if wanted.kind is not None:
        yield Tag.tag_kind.in_(wanted.kind)
    if wanted.data_type is not None:
        yield Tag.data_type.in_(wanted.data_type)


def _issue_conditions(session: Session, wanted: DataQualityIssueFilter) -> Iterator[Condition]:
    if wanted.driver_instance is not None:
        owner = find(session, DriverInstance, wanted.driver_instance, "filter", "driver_instance")
        yield DataQualityIssue.driver_instance_id == owner.id
    if wanted.tag is not None:
        yield DataQualityIssue.tag_id == find(session, Tag, wanted.tag, "filter", "tag").id
    if wanted.kind is not None:
        yield DataQualityIssue.issue_kind.in_(wanted.kind)
    if wanted.to_at is not None:
        yield in_range(DataQualityIssue.last_at, wanted.to_at, "filter", "to_at")


@strawberry.type
class TelemetryQueries:
    """Reads of masters and issues."""

    driver_instances: Connection[DriverInstanceNode] = listing(
        "Driver instances.",
        DriverInstanceFilter,
        DRIVER_INSTANCE_ORDERS,
        DriverInstanceOrder.CODE,
        select(DriverInstance),
        lambda _, session, wanted: instance_conditions(session, wanted),
    )
    tags: Connection[TagNode] = listing(
        "Tags.",
        TagFilter,
        TAG_ORDERS,
        TagOrder.PATH,
        select(Tag),
        lambda _, session, wanted: tag_conditions(session, wanted),
    )
    data_quality_issues: Connection[DataQualityIssueNode] = listing(
        "What is wrong with samples.",
        DataQualityIssueFilter,
        ISSUE_ORDERS,
        DataQualityIssueOrder.NEWEST,
        select(DataQualityIssue),
        lambda _, session, wanted: _issue_conditions(session, wanted),
    )
