"""Samples come in."""

from typing import Annotated, Any

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import CommandInput, CommandPayload, run
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import find
from mesgraph.api.scalars import Long, SampleColumns
from mesgraph.telemetry import intake
from mesgraph.telemetry.judging import SampleRefusal
from mesgraph.telemetry.models import DriverInstance
from mesgraph.work import Work

described_enum(
    SampleRefusal,
    "Why a sample is not kept. It will not be kept when it is sent again, either.",
    {
        SampleRefusal.UNKNOWN_TAG: "The driver instance has no tag with this path.",
        SampleRefusal.WRONG_TYPE: "The value has not the type of the tag.",
        SampleRefusal.NOT_FINITE: "The value is no number, or an endless one: send null, with a quality.",
        SampleRefusal.TEXT_TOO_LONG: "The text has more than 1,000 characters.",
        SampleRefusal.TIME_IN_FUTURE: "One of its times lies more than a day ahead of the server's clock.",
    },
)


@strawberry.input(description="A batch of samples of one driver instance.")
class IngestSamplesInput(CommandInput):
    """One batch."""

    driver_instance: strawberry.ID = strawberry.field(description="The driver instance.")
    sequence: Long = strawberry.field(
        description="Number of the first sample; the others follow one by one, and the next batch behind them. An edge "
        "numbers the samples of an instance from 0 on, without gap."
    )
    samples: SampleColumns = strawberry.field(description="The samples, in the order of their numbers.")


@strawberry.type(description="A sample that was not kept.")
class RejectedSample:
    """Executed on :class:`~mesgraph.telemetry.judging.Refusal`."""

    index: int = strawberry.field(description="Its place in the batch, from 0 on.")
    code: SampleRefusal = strawberry.field(description="Why.")


@strawberry.type(description="What became of a batch. Once this is answered, it is on disk.")
class IngestSamplesPayload(CommandPayload):
    """Answer."""

    accepted: int | None = strawberry.field(default=None, description="How many samples were kept.")
    duplicate: int | None = strawberry.field(
        default=None, description="How many had been taken before, by their number or because the device repeated them."
    )
    rejected: list[RejectedSample] | None = strawberry.field(default=None, description="Those that are not kept.")
    clock_offset_ms: Long | None = strawberry.field(
        default=None,
        description="How far the server's clock is ahead of the newest `received` of the batch, in milliseconds.",
    )
    next_sequence: Long | None = strawberry.field(default=None, description="The number that is expected next.")


@strawberry.type
class IntakeCommands:
    """Writes."""

    @strawberry.mutation(
        description="Take up to 5,000 samples. A batch that is sent again is harmless: what lies below the next "
        "expected number counts as duplicate. A batch that begins above it is taken, and what is missing is noted as a "
        "GAP. A sample that cannot be kept does not block the others; it is named in `rejected`. For the role DRIVER a "
        "request may have 4 MiB."
    )
    async def ingest_samples(
        self,
        info: Info,
        input: Annotated[IngestSamplesInput, strawberry.argument(description="The command.")],
    ) -> IngestSamplesPayload:
        """As any command; what is known of the instance is taken from memory, and put back after the commit."""
        memory = info.context.plant.samples
        taken: list[tuple[int, intake.Taken]] = []

        def verb(work: Work, given: Any) -> IngestSamplesPayload:
            taken.clear()  # a unit may run again
            instance = _instance(work.session, given.driver_instance)
            done = intake.ingest(work, instance, given.sequence, given.samples, memory.get(instance.id))
            taken.append((instance.id, done))
            return IngestSamplesPayload(
                accepted=done.accepted,
                duplicate=done.duplicate,
                rejected=[RejectedSample(index=one.index, code=one.code) for one in done.rejected],
                clock_offset_ms=Long(done.clock_offset_ms),
                next_sequence=Long(done.next_sequence),
            )

        answer: IngestSamplesPayload = await run(info.context, info.field_name, verb, input, IngestSamplesPayload)
        if not answer.user_errors:
            for instance_id, done in taken:
                memory.put(instance_id, done.known)
        return answer


def _instance(session: Session, reference: str) -> DriverInstance:
    return find(session, DriverInstance, reference, "driver_instance")
