"""Signatures in the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.graphql import PrincipalNode
from mesgraph.access.models import Principal, SessionMethod
from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import find_node
from mesgraph.api.places import at
from mesgraph.api.relations import to_one
from mesgraph.db import Entity
from mesgraph.errors import Code, Refused, invalid
from mesgraph.ledger.models import SubjectHead
from mesgraph.signatures import actions
from mesgraph.signatures.models import Signature, SignatureChallenge, SignatureMeaning
from mesgraph.work import Work

described_enum(
    SignatureMeaning,
    "What a signature says.",
    {
        SignatureMeaning.AUTHORSHIP: "The signer wrote it.",
        SignatureMeaning.REVIEW: "The signer has read it and found it right.",
        SignatureMeaning.APPROVAL: "The signer releases it for use.",
        SignatureMeaning.RESPONSIBILITY: "The signer answers for it.",
        SignatureMeaning.PERFORMED: "The signer did it.",
        SignatureMeaning.VERIFIED: "The signer has checked that it was done right.",
        SignatureMeaning.WITNESSED: "The signer was there when it was done.",
    },
)


@strawberry.type(name="Signature", description="A signature under a record (21 CFR 11.50), final.")
class SignatureNode:
    """Executed on rows of Signature. No node: it is seen with its record, by whoever may see that."""

    record_key: str = strawberry.field(description="What people call the record.")
    meaning: SignatureMeaning = strawberry.field(description="What it says.")
    printed_name: str = strawberry.field(description="Name of the signer, as it was then.")
    signed_at: datetime = strawberry.field(description="When.")
    roles: str = strawberry.field(description="The roles that the signer had then, with spaces between.")
    method: SessionMethod = strawberry.field(description="How the signer showed anew who they are.")
    command: str = strawberry.field(description="The command that it was given with; `sign` for a signature alone.")
    reason_code: str | None = strawberry.field(description="Why, as a code of the plant's list.")
    comment: str | None = strawberry.field(description="Why, in words.")
    signer: PrincipalNode = to_one(Signature.principal_id, Principal, "Who signed.")

    @strawberry.field(description="When, as it is printed: local time with its offset, and the zone.")
    def printed_time(root: strawberry.Parent[Any]) -> str:
        """In the zone of the site."""
        return f"{root.signed_at.astimezone(ZoneInfo(root.zone)).isoformat(timespec='seconds')} {root.zone}"

    @strawberry.field(description="Leaf of the last event of the record as it was signed, in hexadecimal.")
    def record_leaf(root: strawberry.Parent[Any]) -> str:
        """What binds it to the record (11.70)."""
        return root.leaf.hex()

    @strawberry.field(description="Whether anything was recorded of the record after what was signed.")
    async def changed_since(root: strawberry.Parent[Any], info: Info) -> bool:
        """By the counter of the record's history."""
        key = root.record_kind, root.record_id
        head = await info.context.read(lambda session: session.get(SubjectHead, key))
        return head is None or head.counter > root.settled


async def signatures_of(root: Any, info: Info) -> list[SignatureNode]:
    """Resolver of a field `signatures` of a record."""

    async def load(keys: list[tuple[str, int]]) -> list[list[Signature]]:
        kinds, ids = {kind for kind, _ in keys}, {id_ for _, id_ in keys}
        statement = select(Signature).where(Signature.record_kind.in_(kinds), Signature.record_id.in_(ids))
        rows = await info.context.read(lambda session: session.scalars(statement.order_by(Signature.id)).all())
        return [[row for row in rows if (row.record_kind, row.record_id) == key] for key in keys]

    return shown(await info.context.batched("signatures", (root.subject_kind, root.id), load))


@strawberry.type(name="SignatureChallenge", description="What is to be signed.")
class SignatureChallengeType:
    """Shown once."""

    text: str = strawberry.field(description="Send it to `POST /auth/step-up`, and with the signature.")
    statement: str = strawberry.field(description="What is signed, in words: show it to the signer.")
    meaning: SignatureMeaning = strawberry.field(description="What the signature will say.")
    record_leaf: str = strawberry.field(description="Leaf of the last event of the record, in hexadecimal.")
    expires_at: datetime = strawberry.field(description="Until when it can be signed.")
    takes_name: bool = strawberry.field(
        description="Whether name and secret must be given: the first signature of a session takes both."
    )


@strawberry.input(description="A record that is to be signed.")
class ChallengeSignatureInput(CommandInput):
    """One record."""

    record: strawberry.ID = strawberry.field(description="Opaque id of the record.")
    meaning: SignatureMeaning = strawberry.field(description="What the signature is to say.")


@strawberry.type(description="What is to be signed.")
class ChallengeSignaturePayload(CommandPayload):
    """Answer."""

    SECRETS: ClassVar[tuple[str, ...]] = ("challenge",)

    challenge: SignatureChallengeType | None = strawberry.field(
        default=None, description="Shown this once: null when the same idempotency key is sent again."
    )


@strawberry.input(description="A signature alone, not with another command: send it as `signature`.")
class SignInput(CommandInput):
    """One signature."""


@strawberry.type(description="The signature.")
class SignPayload(CommandPayload):
    """Answer."""

    signed: SignatureNode | None = strawberry.field(default=None, description="The signature.")


@strawberry.type
class SignatureQueries:
    """Reads."""

    @strawberry.field(description="The signatures under a record, the oldest first.")
    async def signatures(
        self,
        info: Info,
        record: Annotated[strawberry.ID, strawberry.argument(description="Opaque id of the record.")],
    ) -> list[SignatureNode]:
        """Of one record."""
        row = await info.context.read(lambda session: find_node(session, record, "record"))
        return await signatures_of(row, info)


def _record(session: Session, input: ChallengeSignatureInput) -> Sequence[Entity]:
    return [find_node(session, input.record, "record")]


@strawberry.type
class SignatureCommands:
    """Writes."""

    @command
    @at(_record)
    def challenge_signature(work: Work, input: ChallengeSignatureInput) -> ChallengeSignaturePayload:
        """Ask to sign a record as it is now. Then show the signer what is signed, let them prove anew who they are
        (`POST /auth/step-up`), and send both texts as `signature` with the command that is signed, or with `sign`.
        """
        record = find_node(work.session, input.record, "record")
        made, text = actions.challenge(work, record, input.meaning)
        return ChallengeSignaturePayload(
            challenge=SignatureChallengeType(
                text=text,
                statement=_statement(work.session, made, record),
                meaning=made.meaning,
                record_leaf=made.leaf.hex(),
                expires_at=made.expires_at,
                takes_name=actions.takes_name(work.session, made.session_id),
            )
        )

    @command
    def sign(work: Work, input: SignInput) -> SignPayload:
        """Put a signature under a record, without doing anything else."""
        if work.signed is None:
            raise Refused(invalid("give the signature", "signature", code=Code.SIGNATURE_REQUIRED))
        return SignPayload(signed=shown(work.session.get_one(Signature, work.signed.signature_id)))


def _statement(session: Session, challenge: SignatureChallenge, record: Entity) -> str:
    name = session.get_one(Principal, challenge.principal_id).display_name
    what = f"{challenge.record_kind} {record.human_key}, as its event {challenge.counter} left it"
    return f"{name} signs {what} ({challenge.leaf.hex()[:16]}), as {challenge.meaning}"
