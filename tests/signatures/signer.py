"""A plant whose quality signs: people with passwords, and lots in quarantine."""

from dataclasses import dataclass, field
from typing import Any

import httpx2
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.materials.models import Item, Lifecycle
from tests.api import Api, SteppedClock
from tests.factories.genealogy import receive
from tests.factories.materials import make_halvard
from tests.kit.served import Served

MAKE = """mutation($who: String!, $id: ID!, $role: Role!) {
  createPrincipal(input: {subject: $who, kind: PERSON, displayName: $who}) { userErrors { code } }
  grantRole(input: {principal: $id, role: $role, site: "HV1"}) { userErrors { code } }
  openAccount(input: {principal: $id}) { initialPassword userErrors { code } } }"""
CHALLENGE = """mutation($input: ChallengeSignatureInput!) { challengeSignature(input: $input) {
  challenge { text statement meaning recordLeaf expiresAt takesName } userErrors { code message path } } }"""
SIGN = """mutation($input: SignInput!) { sign(input: $input) {
  signed { printedName meaning method printedTime recordLeaf changedSince command } userErrors { code path } } }"""
RELEASE = """mutation($input: ReleaseLotInput!) { releaseLot(input: $input) {
  item { status version } ledgerEvents { type } userErrors { code message path
    ... on SignatureRequiredError { meaning } } } }"""
SIGNATURES = """query($record: ID!) { signatures(record: $record) {
  printedName meaning roles command changedSince reasonCode comment signer { subject } } }"""


@dataclass
class Signer:
    """Somebody who is logged in."""

    plant: "SignedPlant"
    who: str
    password: str
    token: str
    signed: int = 0

    async def ask(self, document: str, **variables: Any) -> Any:
        answer = (await self.plant.server.post(document, self.token, **variables)).json()
        assert "errors" not in answer, answer
        (payload,) = answer["data"].values()
        return payload

    async def challenge(self, record: str, meaning: str = "APPROVAL") -> dict[str, Any]:
        payload = await self.ask(CHALLENGE, input={"record": record, "meaning": meaning})
        assert payload["userErrors"] == [], payload
        made: dict[str, Any] = payload["challenge"]
        return made

    async def step_up(self, text: str, **shown: str) -> httpx2.Response:
        shown = shown or {"subject": self.who, "password": self.password}
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.plant.server.http.post("/auth/step-up", json={"challenge": text, **shown}, headers=headers)

    async def proven(self, record: str, meaning: str = "APPROVAL") -> dict[str, str]:
        """What goes into `signature`."""
        text = (await self.challenge(record, meaning))["text"]
        answer = await self.step_up(text)
        assert answer.status_code == 200, answer.text
        return {"challenge": text, "proof": answer.json()["proof"]}

    async def sign(self, signature: dict[str, str], **more: Any) -> Any:
        return await self.ask(SIGN, input={"signature": signature, **more})

    async def release(self, record: str, signature: dict[str, str] | None = None) -> Any:
        input = {"item": {"id": record}} | ({"signature": signature} if signature else {})
        return await self.ask(RELEASE, input=input)


@dataclass
class SignedPlant:
    """A running server."""

    server: Served
    clock: SteppedClock
    lots: int = 0
    people: dict[str, Signer] = field(default_factory=dict)

    @property
    def api(self) -> Api:
        return Api(self.server.app.state.plant)

    async def begin(self) -> None:
        await make_halvard(self.api)

    async def person(self, who: str, role: str = "QA") -> Signer:
        made = await self.server.ask(MAKE, who=who, id=who, role=role)
        password = f"long and secret {len(self.people)}"
        login = {"subject": who, "password": made["openAccount"]["initialPassword"], "newPassword": password}
        answer = (await self.server.http.post("/auth/login", json=login)).json()
        self.people[who] = Signer(self, who, password, answer["accessToken"])
        return self.people[who]

    async def lot(self) -> str:
        """The opaque id of a lot in quarantine."""
        self.lots += 1
        key = await receive(self.api, "RM-PVDF", f"Q{self.lots}", "10")

        def put(session: Session) -> None:
            session.scalars(select(Item).where(Item.key == key)).one().lifecycle = Lifecycle.QUARANTINE

        await self.server.app.state.plant.database.write(put)
        found = await self.server.ask("query($k: ItemKey!) { item(key: $k) { id } }", k={"id": key})
        identity: str = found["item"]["id"]
        return identity

    async def signatures(self, record: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.server.ask(SIGNATURES, record=record))["signatures"]
        return found
