"""Entries are final: counters without gap, each subject's chain, leaves and commitments, recomputed from the rows."""

import asyncio
import hashlib
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph import ledger
from mesgraph.access.actions import create_principal, grant_role, withdraw_role
from mesgraph.access.models import Principal, PrincipalKind
from mesgraph.access.roles import Role
from mesgraph.clock import from_micros
from mesgraph.errors import Unavailable
from mesgraph.ledger.entry import Field, canonical, commit_to, decode_payload, encode, leaf_of
from mesgraph.ledger.event import EVENT_TYPES
from mesgraph.ledger.models import LedgerEvent, SubjectEntry, SubjectHead
from mesgraph.ledger.uuid7 import uuid7
from mesgraph.plant import Plant
from mesgraph.quantity import Quantity
from mesgraph.work import Actor, Reason, Work
from tests.api import START

ACTOR = Actor(principal_id=7, subject="op-017", authenticated_by="key:abc")


def work_in(session: Session, **more: Any) -> Work:
    return Work(session=session, actor=ACTOR, now=START, occurred_at=START - timedelta(microseconds=1), **more)


def made(*subjects: str) -> Any:
    def unit(session: Session) -> None:
        for subject in subjects:
            create_principal(work_in(session), subject=subject, kind=PrincipalKind.PERSON, display_name=subject)

    return unit


async def busy_subjects(plant: Plant) -> None:
    """Four subjects, changed by many writers at the same time."""
    await plant.database.write(made("a", "b", "c", "d"))
    draw = random.Random(3)

    def change(session: Session) -> None:
        work = work_in(session)
        both = select(Principal).where(Principal.subject.in_(draw.sample("abcd", 2)))
        principals = session.scalars(both).all()
        work.lock(*principals)
        for principal in principals:
            role = draw.choice(list(Role))
            grant_role(work, principal, role, None, None)
            withdraw_role(work, principal, role, None, None)

    async def insist() -> None:
        """As a client does that is told to send the same command again."""
        try:
            await plant.database.write(change)
        except Unavailable:
            await insist()

    await asyncio.gather(*(insist() for _ in range(40)))


async def stored(plant: Plant) -> list[LedgerEvent]:
    return await plant.database.read(lambda s: list(s.scalars(select(LedgerEvent).order_by(LedgerEvent.id))))


async def test_each_subject_has_one_chain_without_gap(plant: Plant) -> None:
    await busy_subjects(plant)
    leaves = {}
    links: dict[tuple[str, int], list[tuple[int, bytes | None, bytes]]] = defaultdict(list)
    for event in await stored(plant):
        assert event.leaf == hashlib.sha256(b"\x00" + event.entry).digest(), "RFC 9162, section 2.1.1"
        leaves[event.id] = event.leaf
        for kind, key, counter, previous in cbor2.loads(event.entry)[Field.SUBJECTS]:
            links[kind, key].append((counter, previous, event.leaf))
    assert len(links) == 4
    for chain in links.values():
        chain.sort(key=lambda link: link[0])
        assert [counter for counter, _, _ in chain] == list(range(1, len(chain) + 1))
        assert [previous for _, previous, _ in chain] == [None, *(leaf for _, _, leaf in chain[:-1])]
    heads = await plant.database.read(lambda s: list(s.scalars(select(SubjectHead))))
    assert {(h.subject_kind, h.subject_id): (h.counter, h.leaf) for h in heads} == {
        key: (chain[-1][0], chain[-1][2]) for key, chain in links.items()
    }
    indexed = await plant.database.read(lambda s: list(s.scalars(select(SubjectEntry))))
    assert {(i.subject_kind, i.subject_id, i.counter, leaves[i.ledger_event_id]) for i in indexed} == {
        (*key, counter, leaf) for key, chain in links.items() for counter, _, leaf in chain
    }


async def test_an_entry_says_who_when_and_why_and_commits_to_every_value(plant: Plant) -> None:
    def unit(session: Session) -> None:
        work = work_in(session, command="createPrincipal", key_digest=b"k" * 32, reason=Reason("NEW", "because"))
        create_principal(work, subject="a", kind=PrincipalKind.PERSON, display_name="A")

    await plant.database.write(unit)
    [event] = await stored(plant)
    entry = cbor2.loads(event.entry)
    assert set(entry) == set(Field)
    assert entry[Field.ORIGIN] == "GLOBAL"
    assert entry[Field.EVENT_ID] == event.event_id
    assert entry[Field.TYPE] == event.type == "PRINCIPAL_CREATED"
    assert entry[Field.ACTOR] == [7, "key:abc"]
    assert entry[Field.RECORDED_NS] == int(START.timestamp()) * 10**9
    assert entry[Field.OCCURRED_NS] == entry[Field.RECORDED_NS] - 1000
    assert entry[Field.COMMAND] == "createPrincipal"
    assert entry[Field.KEY_DIGEST] == b"k" * 32
    assert entry[Field.REASON_CODE] == event.reason_code == "NEW"
    payload = cbor2.loads(event.payload)
    assert payload["comment"][1] == "because"
    assert entry[Field.COMMITMENTS] == {
        name: hashlib.sha256(salt + cbor2.dumps(value, canonical=True)).digest()
        for name, (salt, value) in payload.items()
    }
    assert all(len(salt) == 16 for salt, _ in payload.values())
    assert len({salt for salt, _ in payload.values()}) == len(payload), "no salt is used twice"
    assert b"because" not in event.entry, "words stand beside the entry, not in it"
    assert event.entry == cbor2.dumps(entry, canonical=True), "deterministic encoding"


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.binary(max_size=20)
    | st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=5), values, min_size=1, max_size=4), st.data())
def test_an_altered_value_does_not_fit_its_commitment(content: dict[str, Any], data: st.DataObject) -> None:
    commitments, payload = commit_to(content)
    assert decode_payload(payload) == {name: canonical(value) for name, value in content.items()}
    stored = cbor2.loads(payload)
    name = data.draw(st.sampled_from(sorted(content)))
    salt, value = stored[name]
    assert hashlib.sha256(salt + encode(value)).digest() == commitments[name]
    other = data.draw(values.map(canonical).filter(lambda drawn: encode(drawn) != encode(value)))
    assert hashlib.sha256(salt + encode(other)).digest() != commitments[name]
    wrong_salt = bytes([salt[0] ^ 1]) + salt[1:]
    assert hashlib.sha256(wrong_salt + encode(value)).digest() != commitments[name]


def test_equal_values_have_different_commitments() -> None:
    commitments, _ = commit_to({"a": "yes", "b": "yes"})
    assert commitments["a"] != commitments["b"]


@pytest.mark.parametrize("value", [1.5, {1.5}, object(), {"inner": [2.5]}])
def test_what_is_not_exact_cannot_stand_in_the_ledger(value: object) -> None:
    with pytest.raises(TypeError, match="cannot stand in the ledger"):
        canonical(value)


def test_canonical_forms() -> None:
    assert canonical("é") == "é", "NFC"
    assert canonical(Quantity(Decimal("1.5"), "KGM")) == {"value": Decimal("1.5"), "uom": "KGM"}
    assert canonical(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == {"instant": 1_000_000}
    assert canonical((UUID(int=1), Role.QA)) == [UUID(int=1).bytes, "QA"]


def test_a_leaf_is_the_hash_of_its_entry() -> None:
    assert (
        leaf_of(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )  # RFC 9162 test vector


async def test_an_event_of_several_subjects_stands_in_each_history_once(plant: Plant) -> None:
    @dataclass(frozen=True, kw_only=True)
    class TwoMet(ledger.Event):
        """Two principals met."""

        subjects = ("first", "others")
        first: Principal
        others: list[Principal]

    try:

        def unit(session: Session) -> LedgerEvent:
            work = work_in(session)
            a, b = (create_principal(work, subject=s, kind=PrincipalKind.PERSON, display_name=s) for s in ("a", "b"))
            return ledger.record(work, TwoMet(first=b, others=[a, b]))

        event = await plant.database.write(unit)
    finally:
        EVENT_TYPES.pop("TWO_MET")
    subjects = cbor2.loads(event.entry)[Field.SUBJECTS]
    assert [(kind, counter) for kind, _, counter, _ in subjects] == [("Principal", 2), ("Principal", 2)]
    assert [key for _, key, _, _ in subjects] == [2, 1], "the primary one first"


async def test_an_event_id_that_the_caller_made_is_kept(plant: Plant) -> None:
    event_id = uuid7(START)

    def unit(session: Session) -> bytes:
        work = work_in(session)
        principal = create_principal(work, subject="a", kind=PrincipalKind.PERSON, display_name="A")
        from mesgraph.access.events import PrincipalCreated

        return ledger.record(work, PrincipalCreated(principal=principal), event_id=event_id).event_id

    assert await plant.database.write(unit) == event_id.bytes


@given(st.integers(0, 7_258_118_400_000_000))
def test_uuid7_has_its_version_variant_and_time(micros: int) -> None:
    instant = from_micros(micros)
    made = uuid7(instant)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == micros // 1000
    assert uuid7(instant) != made


def test_every_event_says_what_it_means() -> None:
    for word, cls in EVENT_TYPES.items():
        assert (cls.__doc__ or "").strip().endswith("."), word
        assert set(cls.subjects) <= set(cls.__dataclass_fields__), word
