"""No signature comes to stand where nobody signed: copied, replayed, swapped, raced, late, or of somebody else."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select

from mesgraph.signatures.models import Signature
from tests.signatures.signer import SignedPlant, Signer
from tests.stages import scaled

TRIALS = scaled(22, 200)
Attack = Callable[[SignedPlant, Signer, Signer, random.Random], Awaitable[list[str]]]
"""Tries it; gives the codes of what was refused."""


def codes(payload: dict[str, list[dict[str, str]]]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def replayed(plant: SignedPlant, ann: Signer, _: Signer, draw: random.Random) -> list[str]:
    """A signature that was given, given again."""
    lot = await plant.lot()
    given = await ann.proven(lot)
    await ann.sign(given)
    return codes(await (ann.sign(given) if draw.random() < 0.5 else ann.release(lot, given)))


async def copied(plant: SignedPlant, ann: Signer, bob: Signer, _: random.Random) -> list[str]:
    """What one person proved, sent by another."""
    return codes(await bob.sign(await ann.proven(await plant.lot())))


async def swapped(plant: SignedPlant, ann: Signer, _: Signer, draw: random.Random) -> list[str]:
    """The proof of one challenge with another challenge, of this record or of another one."""
    lot = await plant.lot()
    one, other = await ann.proven(lot), await ann.proven(lot if draw.random() < 0.5 else await plant.lot())
    return codes(await ann.sign({"challenge": one["challenge"], "proof": other["proof"]}))


async def changed(plant: SignedPlant, ann: Signer, bob: Signer, draw: random.Random) -> list[str]:
    """The record changes between the challenge and the signature."""
    lot = await plant.lot()
    given = await ann.proven(lot)
    if draw.random() < 0.5:
        await bob.release(lot)
    else:
        await bob.sign(await bob.proven(lot))
    return codes(await ann.sign(given))


async def late(plant: SignedPlant, ann: Signer, _: Signer, draw: random.Random) -> list[str]:
    """After two minutes."""
    given = await ann.proven(await plant.lot())
    plant.clock.step(seconds=120 + draw.random() * 60)
    return codes(await ann.sign(given))


async def unproven(plant: SignedPlant, ann: Signer, _: Signer, draw: random.Random) -> list[str]:
    """Nobody has shown who signs."""
    text = (await ann.challenge(await plant.lot()))["text"]
    proof = draw.choice(["", text, "x" * 43, "null"])
    return codes(await ann.sign({"challenge": text, "proof": proof}))


async def guessed(plant: SignedPlant, ann: Signer, _: Signer, draw: random.Random) -> list[str]:
    """A challenge that nobody made."""
    given = await ann.proven(await plant.lot())
    text = draw.choice(["", "x" * 43, given["challenge"][:-1], given["challenge"].swapcase()])
    return codes(await ann.sign({"challenge": text, "proof": given["proof"]}))


async def of_another_session(plant: SignedPlant, ann: Signer, _: Signer, __: random.Random) -> list[str]:
    """What was proven in one session, sent in another one of the same person."""
    given = await ann.proven(await plant.lot())
    login = {"subject": ann.who, "password": ann.password}
    tokens = (await plant.server.http.post("/auth/login", json=login)).json()
    return codes(await Signer(plant, ann.who, ann.password, tokens["accessToken"]).sign(given))


async def by_another_secret(plant: SignedPlant, ann: Signer, bob: Signer, draw: random.Random) -> list[str]:
    """Somebody at the screen of another one, with their own secret, or for their challenge."""
    text = (await ann.challenge(await plant.lot()))["text"]
    shown = {"subject": bob.who, "password": bob.password}
    answer = await (ann.step_up(text, **shown) if draw.random() < 0.5 else bob.step_up(text))
    error: str = answer.json()["errors"][0]["extensions"]["code"]
    await ann.proven(await plant.lot())  # so that one wrong try does not lock the account in the end
    return [error]


async def raced(plant: SignedPlant, ann: Signer, _: Signer, __: random.Random) -> list[str]:
    """Several at once: one stands."""
    lot = await plant.lot()
    given = await ann.proven(lot)
    payloads = await asyncio.gather(*(ann.sign(given) for _ in range(3)))
    assert len([payload for payload in payloads if payload["signed"]]) == 1
    return [code for payload in payloads for code in codes(payload)][:1]


ATTACKS: list[Attack] = [
    *(replayed, copied, swapped, changed, late, unproven, guessed, of_another_session, by_another_secret, raced)
]
REFUSED = {"SIGNATURE_INVALID", "UNAUTHENTICATED"}


@pytest.mark.timeout(1800)
async def test_no_forged_signature_stands(plant_of_signers: SignedPlant) -> None:
    plant, draw = plant_of_signers, random.Random(3)
    people = [await plant.person(who) for who in ("ann", "bob")]
    for i in range(TRIALS):
        if i % 10 == 0:  # tokens last ten minutes, and the clock moves on
            for person in people:
                login = {"subject": person.who, "password": person.password}
                person.token = (await plant.server.http.post("/auth/login", json=login)).json()["accessToken"]
        attack = ATTACKS[i % len(ATTACKS)]
        before = await count(plant)
        answered = await attack(plant, *draw.sample(people, 2), draw)
        honest = {"replayed": 1, "changed": 1, "raced": 1}.get(attack.__name__, 0)
        assert await count(plant) - before <= honest, attack.__name__
        assert answered, attack.__name__
        assert set(answered) <= REFUSED, (attack.__name__, answered)


async def count(plant: SignedPlant) -> int:
    """Signatures that stand."""
    found = await plant.server.app.state.plant.database.read(lambda s: s.scalar(select(func.count(Signature.id))))
    return found or 0
