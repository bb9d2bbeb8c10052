"""Who signed what, when, and with which meaning, shown wherever the record is shown (21 CFR 11.50, 11.70, 11.200)."""

import pytest
from sqlalchemy import select

from mesgraph.ledger.models import LedgerEvent
from mesgraph.signatures.models import SignatureChallenge
from tests.signatures.signer import CHALLENGE, SIGN, SignedPlant

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
everything = pytest.mark.parametrize("demanded", [frozenset({"all"})], ids=["all demanded"])


async def test_a_signature_says_who_when_and_what_it_means(plant_of_signers: SignedPlant) -> None:
    plant = plant_of_signers
    ann, lot = await plant.person("ann"), await plant.lot()
    challenge = await ann.challenge(lot)
    assert challenge["takesName"] is True
    leaf = challenge["recordLeaf"][:16]
    assert challenge["statement"] == (f"ann signs MaterialLot RM-PVDF/Q1, as its event 1 left it ({leaf}), as APPROVAL")
    proof = (await ann.step_up(challenge["text"])).json()["proof"]
    reason = {"code": "COA_OK", "comment": "certificate 4711"}
    signature = {"challenge": challenge["text"], "proof": proof}
    signed = (await ann.sign(signature, reason=reason))["signed"]
    assert signed == {
        "printedName": "ann",
        "meaning": "APPROVAL",
        "method": "PASSWORD",
        "printedTime": "2026-02-16T06:00:00+01:00 Europe/Stockholm",
        "recordLeaf": challenge["recordLeaf"],
        "changedSince": False,
        "command": "sign",
    }
    assert await plant.signatures(lot) == [
        {
            "printedName": "ann",
            "meaning": "APPROVAL",
            "roles": "QA",
            "command": "sign",
            "changedSince": False,
            "reasonCode": "COA_OK",
            "comment": "certificate 4711",
            "signer": {"subject": "ann"},
        }
    ]
    assert (await ann.release(lot))["item"]["status"] == "AVAILABLE"
    [shown] = await plant.signatures(lot)
    assert shown["changedSince"] is True, "the release was not signed"
    item = "query($k: ItemKey!) { item(key: $k) { signatures { printedName meaning } } }"
    seen = await plant.server.ask(item, k={"id": lot})
    assert seen["item"]["signatures"] == [{"printedName": "ann", "meaning": "APPROVAL"}]


async def test_a_command_and_its_signature_are_one(plant_of_signers: SignedPlant) -> None:
    plant = plant_of_signers
    ann, lot = await plant.person("ann"), await plant.lot()
    released = await ann.release(lot, await ann.proven(lot))
    assert [event["type"] for event in released["ledgerEvents"]] == ["RECORD_SIGNED", "LOT_RELEASED"]
    [signature] = await plant.signatures(lot)
    assert (signature["command"], signature["changedSince"]) == ("releaseLot", False)
    again = await ann.proven(lot)
    refused = await ann.release(lot, again)
    assert [error["code"] for error in refused["userErrors"]] == ["INVALID_TRANSITION"]
    assert len(await plant.signatures(lot)) == 1, "what was refused was not signed"
    assert (await ann.sign(again))["signed"] is not None, "and its challenge was not used"


@once
@everything
async def test_what_the_plant_wants_signed_is_refused_unsigned(plant_of_signers: SignedPlant) -> None:
    plant = plant_of_signers
    ann, lot, other = await plant.person("ann"), await plant.lot(), await plant.lot()
    [error] = (await ann.release(lot))["userErrors"]
    assert error == {
        "code": "SIGNATURE_REQUIRED",
        "message": "releaseLot of RM-PVDF/Q1 must be signed, as APPROVAL",
        "path": ["input", "signature"],
        "meaning": "APPROVAL",
    }
    for wrong in (await ann.proven(lot, "REVIEW"), await ann.proven(other)):
        [error] = (await ann.release(lot, wrong))["userErrors"]
        assert error["code"] == "SIGNATURE_REQUIRED"
    assert await plant.signatures(lot) == await plant.signatures(other) == []
    assert (await ann.release(lot, await ann.proven(lot)))["item"]["status"] == "AVAILABLE"


@once
async def test_the_first_signature_of_a_session_takes_name_and_secret_the_next_the_secret(
    plant_of_signers: SignedPlant,
) -> None:
    plant = plant_of_signers
    ann, lot = await plant.person("ann"), await plant.lot()
    first = (await ann.challenge(lot))["text"]
    answer = await ann.step_up(first, password=ann.password)
    error = answer.json()["errors"][0]["extensions"]
    assert (answer.status_code, error["code"], error["path"]) == (400, "VALIDATION_FAILED", ["subject"])
    await ann.sign(await ann.proven(lot))
    second = await ann.challenge(lot)
    assert second["takesName"] is False
    answer = await ann.step_up(second["text"], password=ann.password)
    assert (await ann.sign({"challenge": second["text"], "proof": answer.json()["proof"]}))["signed"] is not None
    login = {"subject": "ann", "password": ann.password}
    ann.token = (await plant.server.http.post("/auth/login", json=login)).json()["accessToken"]
    assert (await ann.challenge(lot))["takesName"] is True, "a new session begins anew"


@once
async def test_a_badge_signs_at_a_terminal(plant_of_signers: SignedPlant) -> None:
    plant = plant_of_signers
    ann, lot = await plant.person("ann"), await plant.lot()
    issue = 'mutation { registerBadge(input: {principal: "ann", badge: "B-17"}) { pin } }'
    pin = (await plant.server.ask(issue))["registerBadge"]["pin"]
    login = {"badge": "B-17", "pin": pin, "terminal": "T1"}
    await plant.server.store(CHALLENGE, SIGN)
    ann.token = (await plant.server.http.post("/auth/login", json=login)).json()["accessToken"]
    text = (await ann.challenge(lot))["text"]
    assert (await ann.step_up(text, pin=pin)).status_code == 400
    assert (await ann.step_up(text, pin=pin, badge="B-18")).status_code == 401
    proof = (await ann.step_up(text, pin=pin, badge="B-17")).json()["proof"]
    assert (await ann.sign({"challenge": text, "proof": proof}))["signed"]["method"] == "BADGE"


@once
async def test_a_key_cannot_sign(plant_of_signers: SignedPlant) -> None:
    plant = plant_of_signers
    ann, lot = await plant.person("ann"), await plant.lot()
    issued = await plant.server.ask('mutation { issueApiKey(input: {principal: "ann"}) { text } }')
    ann.token = issued["issueApiKey"]["text"]
    payload = await ann.ask(CHALLENGE, input={"record": lot, "meaning": "APPROVAL"})
    assert [error["code"] for error in payload["userErrors"]] == ["SIGNATURE_INVALID"]


@once
@pytest.mark.parametrize(("made", "judged"), [("PERFORMED", "VERIFIED"), ("AUTHORSHIP", "APPROVAL")])
async def test_four_eyes(plant_of_signers: SignedPlant, made: str, judged: str) -> None:
    plant = plant_of_signers
    ann, bob, lot = await plant.person("ann"), await plant.person("bob"), await plant.lot()
    await ann.sign(await ann.proven(lot, made))
    payload = await ann.ask(CHALLENGE, input={"record": lot, "meaning": judged})
    assert [error["code"] for error in payload["userErrors"]] == ["SAME_PERSON_FORBIDDEN"]
    assert (await bob.sign(await bob.proven(lot, judged)))["signed"]["printedName"] == "bob"
    payload = await bob.ask(CHALLENGE, input={"record": lot, "meaning": made})
    assert [error["code"] for error in payload["userErrors"]] == ["SAME_PERSON_FORBIDDEN"]


@once
async def test_four_eyes_hold_between_challenge_and_signature(plant_of_signers: SignedPlant) -> None:
    plant = plant_of_signers
    ann, lot = await plant.person("ann"), await plant.lot()
    made, judged = await ann.proven(lot, "PERFORMED"), await ann.proven(lot, "VERIFIED")
    await ann.sign(made)
    refused = await ann.sign(judged)
    assert [error["code"] for error in refused["userErrors"]] == ["SIGNATURE_INVALID"], "the record has changed"


@once
async def test_wrong_secrets_lock_the_account_as_at_the_login(plant_of_signers: SignedPlant) -> None:
    plant = plant_of_signers
    ann, lot = await plant.person("ann"), await plant.lot()
    text = (await ann.challenge(lot))["text"]
    for _ in range(10):
        assert (await ann.step_up(text, subject="ann", password="wrong")).status_code == 401
    assert (await ann.step_up(text)).status_code == 401
    types = await plant.server.app.state.plant.database.read(
        lambda session: list(session.scalars(select(LedgerEvent.type)))
    )
    assert "ACCOUNT_LOCKED" in types


async def test_what_was_asked_and_never_signed_does_not_pile_up(plant_of_signers: SignedPlant) -> None:
    plant = plant_of_signers
    ann, lot = await plant.person("ann"), await plant.lot()
    await ann.challenge(lot)
    await ann.sign(await ann.proven(lot))
    plant.clock.step(seconds=121)
    for _ in range(3):
        await ann.challenge(lot)
    kept = await plant.server.app.state.plant.database.read(
        lambda session: [row.used_at is None for row in session.scalars(select(SignatureChallenge))]
    )
    assert sorted(kept) == [False, True, True, True], "the one that was used, and those that may be"
