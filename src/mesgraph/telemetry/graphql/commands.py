"""Commands on driver instances and tags."""

from datetime import timedelta
from decimal import Decimal

import strawberry

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.nodes import find
from mesgraph.api.scalars import JSON, Duration, Long, UnitCode
from mesgraph.equipment.models import Site
from mesgraph.errors import Findings
from mesgraph.telemetry import actions
from mesgraph.telemetry.graphql.nodes import DriverHealth, DriverInstanceNode, TagNode
from mesgraph.telemetry.models import DataType, DriverInstance, DriverState, TagKind
from mesgraph.words import check_distinct
from mesgraph.work import Work


@strawberry.input(description="Master data of a driver instance.")
class DriverInstanceInput:
    """One instance."""

    code: str = strawberry.field(description="Code, unique within the site.")
    driver: str = strawberry.field(description="Name of the plug-in, such as `simulator`.")
    config: JSON | None = strawberry.field(
        default=None,
        description="What the plug-in needs to know: a JSON object, 20,000 characters at most; empty when left out.",
    )
    secret_ref: str | None = strawberry.field(
        default=None, description="Where the edge finds the secret; never the secret itself."
    )


@strawberry.input(description="Driver instances of a site to make known or to change, all or none.")
class SubmitDriverInstancesInput(CommandInput):
    """Many instances."""

    site: strawberry.ID = strawberry.field(description="The site.")
    driver_instances: list[DriverInstanceInput] = strawberry.field(
        description="The instances, each code once; what is known of a code is replaced."
    )


@strawberry.type(description="The driver instances as they are now.")
class SubmitDriverInstancesPayload(CommandPayload):
    """Answer."""

    driver_instances: list[DriverInstanceNode] | None = strawberry.field(
        default=None, description="In the order asked."
    )


@strawberry.input(description="The values that can be true, both ends included.")
class ValueRangeInput:
    """A pair."""

    low: Decimal | None = strawberry.field(default=None, description="The lowest; any when left out.")
    high: Decimal | None = strawberry.field(default=None, description="The highest; any when left out.")


@strawberry.input(description="Master data of a tag.")
class TagInput:
    """One tag."""

    path: str = strawberry.field(description="Path, unique within the site; it may begin with the site's code.")
    driver_instance: str = strawberry.field(description="Code of the driver instance that reads it.")
    address: str = strawberry.field(description="Where the driver finds it, in the words of its protocol.")
    kind: TagKind = strawberry.field(description="What its values mean.")
    data_type: DataType = strawberry.field(description="How its values are kept. It stays as it is.")
    equipment: str | None = strawberry.field(
        default=None, description="Code of the machine that it is read from, of the same site."
    )
    uom: UnitCode | None = strawberry.field(default=None, description="Unit of its values.")
    valid_range: ValueRangeInput | None = strawberry.field(
        default=None, description="The values that can be true; others are kept, with an issue."
    )
    max_rate: Decimal | None = strawberry.field(
        default=None, description="Change per second beyond which a value is a spike."
    )
    deadband: Decimal | None = strawberry.field(default=None, description="Changes up to this are not reported.")
    expected_period: Duration | None = strawberry.field(
        default=None, description="The time from one sample to the next."
    )
    stale_after: Duration | None = strawberry.field(
        default=None, description="How long a value counts when no other follows."
    )


@strawberry.input(description="Tags of a site to make known or to change, all or none.")
class SubmitTagsInput(CommandInput):
    """Many tags."""

    site: strawberry.ID = strawberry.field(description="The site.")
    tags: list[TagInput] = strawberry.field(description="The tags, each path once; what is known of one is replaced.")


@strawberry.type(description="The tags as they are now.")
class SubmitTagsPayload(CommandPayload):
    """Answer."""

    tags: list[TagNode] | None = strawberry.field(default=None, description="In the order asked.")


@strawberry.input(description="How a driver instance is: told at every change of state and every 30 seconds.")
class ReportDriverHealthInput(CommandInput):
    """One report."""

    driver_instance: strawberry.ID = strawberry.field(description="The driver instance.")
    state: DriverState = strawberry.field(description="Its state.")
    message: str | None = strawberry.field(default=None, description="Why, in at most 500 characters.")
    buffered: Long = strawberry.field(default=Long(0), description="Samples that wait at the edge.")
    clock_offset_ms: Long | None = strawberry.field(
        default=None, description="How far the device's clock is ahead of the edge's, in milliseconds."
    )
    tier: str | None = strawberry.field(
        default=None, description="What the plug-in has proved of itself, in at most 40 characters."
    )


@strawberry.type(description="How the driver instance is.")
class ReportDriverHealthPayload(CommandPayload):
    """Answer."""

    health: DriverHealth | None = strawberry.field(default=None, description="As it is kept.")


def _tag_master(given: TagInput) -> actions.TagMaster:
    wanted = given.valid_range or ValueRangeInput()
    periods: dict[str, timedelta | None] = {
        "expected_period": given.expected_period,
        "stale_after": given.stale_after,
    }
    return actions.TagMaster(**vars(given) | periods | {"valid_range": (wanted.low, wanted.high)})


@strawberry.type
class TelemetryCommands:
    """Writes."""

    @command
    def submit_driver_instances(work: Work, input: SubmitDriverInstancesInput) -> SubmitDriverInstancesPayload:
        """Make driver instances of a site known, or replace what is known of them. What is the same changes nothing
        and records nothing.
        """
        site = find(work.session, Site, input.site, "site")
        found, rows = Findings(), []
        found.extend(check_distinct([x.code for x in input.driver_instances], "driver_instances"))
        for i, item in enumerate(input.driver_instances):
            with found.under("driver_instances", i):
                rows.append(actions.submit_driver_instance(work, site, _master(item)))
        found.refuse()
        return SubmitDriverInstancesPayload(driver_instances=shown(rows))

    @command
    def submit_tags(work: Work, input: SubmitTagsInput) -> SubmitTagsPayload:
        """Make tags of a site known, or replace what is known of them as a whole: what is left out is reset. What is
        the same changes nothing and records nothing. The type of a known tag stays.
        """
        site = find(work.session, Site, input.site, "site")
        found, rows = Findings(), []
        found.extend(check_distinct([x.path.removeprefix(f"{site.code}/") for x in input.tags], "tags"))
        for i, item in enumerate(input.tags):
            with found.under("tags", i):
                rows.append(actions.submit_tag(work, site, _tag_master(item)))
        found.refuse()
        return SubmitTagsPayload(tags=shown(rows))

    @command
    def report_driver_health(work: Work, input: ReportDriverHealthInput) -> ReportDriverHealthPayload:
        """Tell how a driver instance is. A change of its state is recorded; the same state again is only noted."""
        instance = find(work.session, DriverInstance, input.driver_instance, "driver_instance")
        told = {name: getattr(input, name) for name in actions.Health.__dataclass_fields__}
        status = actions.report_health(work, instance, actions.Health(**told))
        return ReportDriverHealthPayload(health=shown(status))


def _master(item: DriverInstanceInput) -> actions.DriverMaster:
    return actions.DriverMaster(**vars(item) | {"config": {} if item.config is None else item.config})
