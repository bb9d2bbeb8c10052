"""Verbs of signatures."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mesgraph import ledger
from mesgraph.access.models import Principal, PrincipalKind, SessionMethod
from mesgraph.db import BetweenSites, Entity, Row, sites_of
from mesgraph.errors import Code, Refused, Violation, invalid
from mesgraph.ledger.models import SubjectHead
from mesgraph.signatures.events import RecordSigned
from mesgraph.signatures.models import Signature, SignatureChallenge, SignatureMeaning
from mesgraph.work import Actor, Work

LIFE = timedelta(seconds=120)
MAKING = frozenset({SignatureMeaning.AUTHORSHIP, SignatureMeaning.PERFORMED})
JUDGING = frozenset(
    {SignatureMeaning.REVIEW, SignatureMeaning.APPROVAL, SignatureMeaning.VERIFIED, SignatureMeaning.WITNESSED}
)
"""Meanings of which one person gives either one of the first set or one of the second to the same record."""


@dataclass(frozen=True)
class Given:
    """A signature as a client sends it: texts that the challenge and the proof of it were told by."""

    challenge: str
    proof: str


def challenge(work: Work, record: Entity, meaning: SignatureMeaning) -> tuple[SignatureChallenge, str]:
    """Ask to sign a record as it is now; returns the challenge and its text, which is shown once.

    Refuses SIGNATURE_INVALID for a key or a service, and SAME_PERSON_FORBIDDEN for who may not give this meaning.
    """
    session_id = _session_of(work.actor)
    if work.session.get_one(Principal, work.actor.principal_id).principal_kind is not PrincipalKind.PERSON:
        raise Refused(_wrong("a service cannot sign; a person does"))
    head = _head(work, record)
    _check_eyes(work, record, meaning)
    _forget(work, session_id)
    nonce = secrets.token_urlsafe(32)
    made = SignatureChallenge(
        principal_id=work.actor.principal_id,
        session_id=session_id,
        record_table=record.__tablename__,
        record_kind=record.subject_kind,
        record_id=record.id,
        counter=head.counter,
        leaf=head.leaf,
        meaning=meaning,
        nonce_sha256=_digest(nonce),
        expires_at=work.now + LIFE,
    )
    return work.add(made), nonce


def takes_name(session: Session, session_id: int) -> bool:
    """Whether the next signature of a session takes name and secret: the first one does (11.200)."""
    return session.scalar(select(Signature.id).where(Signature.session_id == session_id).limit(1)) is None


def asked(session: Session, actor: Actor, text: str) -> SignatureChallenge | None:
    """The challenge of the actor's session that is told by ``text``."""
    found = session.scalar(select(SignatureChallenge).where(SignatureChallenge.nonce_sha256 == _digest(text)))
    return found if found is not None and found.session_id == actor.session_id else None


def prove(work: Work, text: str, method: SessionMethod) -> str:
    """Note that the owner of a challenge has shown anew who they are; returns the proof, which is shown once.

    Call it only then. Refuses SIGNATURE_INVALID for a challenge that is not theirs, used or over.
    """
    waiting = _waiting(work, text)
    proof = secrets.token_urlsafe(32)
    waiting.proof_sha256, waiting.method = _digest(proof), method
    return proof


def take(work: Work, given: Given, zone_of: Callable[[int | None], str]) -> Signature:
    """Put a signature under the record of its challenge, in the same transaction as what it is for.

    ``zone_of`` names the time zone of a site, by its id: the one in which the signature is printed.

    Refuses SIGNATURE_INVALID when challenge or proof are wrong, over, used, of another session, or the record has
    changed since, and SAME_PERSON_FORBIDDEN.
    """
    waiting = _waiting(work, given.challenge)
    if waiting.proof_sha256 is None or waiting.method is None:
        raise Refused(_wrong("nobody has shown who signs; do that first (POST /auth/step-up)", "challenge"))
    if not hmac.compare_digest(waiting.proof_sha256, _digest(given.proof)):
        raise Refused(_wrong("the proof does not belong to the challenge", "proof"))
    record = _record(work, waiting)
    head = _head(work, record)
    if (head.counter, head.leaf) != (waiting.counter, waiting.leaf):
        message = f"{record.human_key} has changed since the challenge; look at it and begin anew"
        raise Refused(_wrong(message, "challenge"))
    _check_eyes(work, record, waiting.meaning)
    waiting.used_at = work.now
    site_id = _site_of(work.session, record)
    principal = work.session.get_one(Principal, work.actor.principal_id)
    signature = work.add(
        Signature(
            principal_id=principal.id,
            session_id=waiting.session_id,
            printed_name=principal.display_name,
            record_kind=waiting.record_kind,
            record_id=waiting.record_id,
            record_key=record.human_key[:200],
            counter=waiting.counter,
            leaf=waiting.leaf,
            settled=waiting.counter,
            meaning=waiting.meaning,
            command=work.command,
            signed_at=work.now,
            zone=zone_of(site_id),
            roles=" ".join(sorted({grant.role for grant in work.actor.grants})),
            method=waiting.method,
            reason_code=work.reason.code if work.reason else None,
            comment=work.reason.comment if work.reason else None,
        )
    )
    signed = RecordSigned(
        record=record,
        signature=signature,
        meaning=signature.meaning,
        printed_name=signature.printed_name,
        record_counter=signature.counter,
        record_leaf=signature.leaf.hex(),
        method=signature.method,
        signed_command=work.command,
    )
    ledger.record(work, signed, site_id=site_id)
    return signature


def settle(work: Work, signature: Signature) -> None:
    """Note where the record stands after the command that was signed: what comes later was not."""
    work.session.flush()
    head = work.session.get_one(SubjectHead, (signature.record_kind, signature.record_id), populate_existing=True)
    signature.settled = head.counter


def _waiting(work: Work, text: str) -> SignatureChallenge:
    found = asked(work.session, work.actor, text)
    work.lock(found)
    if found is None or found.used_at is not None or found.expires_at <= work.now:
        raise Refused(_wrong("the challenge is used, over, or not of this session; begin anew", "challenge"))
    return found


def _forget(work: Work, session_id: int) -> None:
    """Challenges of the session that are over and were never used are of no use to anybody."""
    mine = SignatureChallenge.session_id == session_id, SignatureChallenge.used_at.is_(None)
    work.session.execute(delete(SignatureChallenge).where(*mine, SignatureChallenge.expires_at <= work.now))


def _session_of(actor: Actor) -> int:
    if actor.session_id is None:
        raise Refused(_wrong("a key cannot sign: log in as a person"))
    return actor.session_id


def _record(work: Work, waiting: SignatureChallenge) -> Entity:
    """The record, if it still lies in the session's scope."""
    tables: dict[str, type[Entity]] = {mapper.class_.__tablename__: mapper.class_ for mapper in Row.registry.mappers}
    cls = tables[waiting.record_table]
    row = work.session.scalar(select(cls).where(cls.id == waiting.record_id))
    if row is None:
        raise Refused(_wrong("the record is not there", "challenge"))
    return row


def _site_of(session: Session, record: Entity) -> int | None:
    """The site that is told of a signature; of what belongs to two, the one where the signer is."""
    if not isinstance(record, BetweenSites):
        return getattr(record, "site_id", None)
    scope = sites_of(session)
    return record.from_site_id if scope is None or record.from_site_id in scope else record.to_site_id


def _head(work: Work, record: Entity) -> SubjectHead:
    head = work.session.get(SubjectHead, (record.subject_kind, record.id), populate_existing=True)
    if head is None:
        raise Refused(_wrong(f"nothing is recorded of {record.human_key}, so there is nothing to sign", "record"))
    return head


def _check_eyes(work: Work, record: Entity, meaning: SignatureMeaning) -> None:
    against = MAKING if meaning in JUDGING else JUDGING if meaning in MAKING else frozenset()
    given = select(Signature.meaning).where(
        Signature.record_kind == record.subject_kind,
        Signature.record_id == record.id,
        Signature.principal_id == work.actor.principal_id,
        Signature.meaning.in_(against),
    )
    before = work.session.scalar(given.limit(1)) if against else None
    if before is not None:
        message = f"{work.actor.subject} has signed {record.human_key} as {before}; another person signs as {meaning}"
        raise Refused(invalid(message, "meaning", code=Code.SAME_PERSON_FORBIDDEN))


def _wrong(message: str, *path: str) -> Violation:
    return invalid(message, *path, code=Code.SIGNATURE_INVALID)


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
