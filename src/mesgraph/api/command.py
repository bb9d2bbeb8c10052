"""A mutation field: one command, one unit of work.

``@command`` turns ``verb(work, input) -> payload`` into a mutation. It opens the unit of work in the sites where the
actor holds a role that the policy names, claims the idempotency key, checks that a role counts where the command acts
(:mod:`mesgraph.api.places`), runs the verb, stores the answer beside the effect, and answers after the commit. A
refusal rolls everything back and becomes ``userErrors``.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, cast, get_type_hints

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.decision import commanded
from mesgraph.api.answers import freeze, plain_input, thaw
from mesgraph.api.budget import timed
from mesgraph.api.context import Context, Info
from mesgraph.api.places import check_places
from mesgraph.api.record import LedgerEventType
from mesgraph.api.user_errors import UserError
from mesgraph.equipment.models import Site
from mesgraph.errors import Code, Denied, Refused, invalid
from mesgraph.ledger import receipts
from mesgraph.ledger.entry import encode
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.signatures import actions as signatures
from mesgraph.signatures.demands import demanded
from mesgraph.work import Reason, Signed, Work

SKEW = timedelta(seconds=5)
TEXT_MAX = 2000


@strawberry.input(description="Why something is done.")
class ReasonInput:
    """Reason of a command."""

    code: str = strawberry.field(description="A code of the plant's list, at most 64 characters.")
    comment: str | None = strawberry.field(default=None, description="Words, at most 2,000 characters.")


@strawberry.input(
    description="A signature under the record that a command is about: see `challengeSignature`. It is given with the "
    "command, in one transaction, or not at all."
)
class SignatureInput:
    """What a client got for a signature."""

    challenge: str = strawberry.field(description="`text` of the challenge.")
    proof: str = strawberry.field(description="What `POST /auth/step-up` answered.")


@strawberry.input
class CommandInput:
    """What every command takes."""

    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A key of your choice, at most 100 characters. The same key with the same content gives the first "
        "answer again and does nothing twice; with other content it is refused (IDEMPOTENCY_CONFLICT). What is shown "
        "only once (the text of a new key) is null in a repeat.",
    )
    event_time: datetime | None = strawberry.field(
        default=None,
        description="When it happened. The server's time when left out; at most 5 s ahead of it.",
    )
    reason: ReasonInput | None = strawberry.field(default=None, description="Why. Some commands demand it.")
    signature: SignatureInput | None = strawberry.field(
        default=None, description="A signature under what the command is about. A plant may demand it."
    )


@strawberry.interface(
    name="CommandPayload",
    description="The answer of a command. Either it was done - it is on disk, and `userErrors` is empty - or it was "
    "refused as a whole: the fields beside are null and nothing was written.",
)
class CommandPayload:
    """Base of all payloads."""

    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Every rule that the command breaks; empty when it was done."
    )
    ledger_events: list[LedgerEventType] = strawberry.field(
        default_factory=list, description="What the command recorded."
    )
    replayed: bool = strawberry.field(
        default=False,
        description="True when the idempotency key was known: this is the first answer again, its things shown as "
        "they are now.",
    )


def shown(row: object) -> Any:
    """A row where a payload's GraphQL type is expected: the type is executed directly on the row."""
    return row


def command(verb: Callable[..., Any]) -> Any:
    """Decorator of ``verb(work, input) -> payload``; its docstring is the field's description."""
    hints = get_type_hints(verb, include_extras=True)
    payload = hints["return"]

    async def resolve(info: Info, input: Any) -> Any:
        return await run(info.context, info.field_name, verb, input, payload)

    resolve.__name__ = verb.__name__
    argument = strawberry.argument(description="The command.")
    resolve.__annotations__ = {"info": Info, "input": Annotated[hints["input"], argument], "return": payload}
    return strawberry.mutation(resolver=resolve, description=" ".join((verb.__doc__ or "").split()))


async def run(
    context: Context, name: str, verb: Callable[..., Any], input: CommandInput, payload: Callable[..., Any]
) -> Any:
    """Run one command and answer with its payload."""
    actor = context.actor
    sites = commanded(actor, name)

    def unit(session: Session) -> Any:
        work = _work(context, session, name, input)
        receipt = None
        if input.idempotency_key is not None:
            digest = hashlib.sha256(encode([name, _content(input)])).digest()
            work.key_digest = hashlib.sha256(input.idempotency_key.encode()).digest()
            namespace = f"principal:{actor.principal_id}"
            receipt = receipts.claim(work, namespace, input.idempotency_key, digest, "input", "idempotency_key")
            if receipt.answer:
                answer = thaw(session, receipt.answer)
                answer.replayed = True
                return answer
        try:
            check_places(session, actor, name, input)
            answer = _signed(work, input.signature, lambda: verb(work, input))
        except Refused as refused:
            raise refused.under("input") from refused
        answer.ledger_events = work.events
        if receipt is not None:
            session.flush()
            receipt.answer = freeze(answer)
        return answer

    metrics = context.plant.metrics
    outcome = "failed"
    try:
        with metrics.command_seconds.time():
            answer = await context.plant.database.write(timed(unit), sites)
        outcome = "replayed" if answer.replayed else "done"
        return answer
    except Denied as denied:  # at this place: the field itself is permitted
        context.note(SecurityEventKind.PROBING, what=str(denied))
        raise
    except Refused as refused:
        outcome = "refused"
        context.note_refused(refused)
        return payload(user_errors=cast(Any, list(refused.violations)))
    finally:
        metrics.commands.labels(name, outcome).inc()


def _signed(work: Work, given: SignatureInput | None, verb: Callable[[], Any]) -> Any:
    """Run a verb, with the signature that goes with it."""
    if given is None:
        return verb()
    try:
        sent = signatures.Given(given.challenge, given.proof)
        signature = signatures.take(work, sent, lambda site_id: _zone(work, site_id))
    except Refused as refused:
        raise refused.under("signature") from refused
    work.signed = Signed(signature.record_kind, signature.record_id, signature.meaning, signature.id)
    answer = verb()
    signatures.settle(work, signature)
    return answer


def _zone(work: Work, site_id: int | None) -> str:
    zone = work.session.scalar(select(Site.time_zone).where(Site.id == site_id))
    return zone or "UTC"


def _content(input: CommandInput) -> dict[str, Any]:
    content: dict[str, Any] = plain_input(input)
    content.pop("idempotency_key", None)
    return content


def _work(context: Context, session: Session, name: str, input: CommandInput) -> Work:
    """The unit of work of ``input``; refuses an impossible time, key or reason."""
    now = context.plant.clock.now()
    occurred_at = input.event_time or now
    if occurred_at > now + SKEW:
        raise Refused(
            invalid(
                f"{occurred_at.isoformat()} lies ahead of the server's {now.isoformat()}",
                "input",
                "event_time",
                code=Code.TIMESTAMP_IN_FUTURE,
            )
        )
    key = input.idempotency_key
    if key is not None and not (0 < len(key) <= 100 and key.isprintable()):
        raise Refused(invalid("a key has 1 to 100 printable characters", "input", "idempotency_key"))
    return Work(
        session=session,
        actor=context.actor,
        now=now,
        occurred_at=occurred_at,
        reason=_reason(input.reason),
        command=name,
        demanded=demanded(context.plant.settings.signatures, name),
    )


def _reason(reason: ReasonInput | None) -> Reason | None:
    if reason is None:
        return None
    try:
        return read_reason(reason)
    except Refused as refused:
        raise refused.under("input", "reason") from refused


def read_reason(reason: ReasonInput) -> Reason:
    """The reason that an input states; refuses VALIDATION_FAILED for a code or comment that cannot be kept."""
    if not (0 < len(reason.code) <= 64 and reason.code.isprintable()):
        raise Refused(invalid("a reason code has 1 to 64 printable characters", "code"))
    if reason.comment is not None and len(reason.comment) > TEXT_MAX:
        raise Refused(invalid(f"a comment has at most {TEXT_MAX} characters", "comment"))
    return Reason(reason.code, reason.comment)
