"""Who speaks: one client for each principal of the plant, with a key of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx2

from mesgraph.demo.client import Client, Journal
from mesgraph.demo.halvard import PEOPLE, SITE, SITE_MASTERS, Person

KEYS_MAX = 20


@dataclass
class Crew:
    """The clients by subject, over one connection pool and with one journal."""

    url: str
    http: httpx2.AsyncClient
    journal: Journal = field(default_factory=Journal)
    clients: dict[str, Client] = field(default_factory=dict)

    def __getitem__(self, subject: str) -> Client:
        return self.clients[subject]

    def add(self, subject: str, key: str) -> Client:
        """Make ``subject`` known with its key."""
        client = self.clients[subject] = Client(self.http, self.url, key, self.journal)
        return client


def connections() -> httpx2.AsyncClient:
    """The pool of HTTP connections that the whole crew shares."""
    return httpx2.AsyncClient(timeout=httpx2.Timeout(20, connect=5), trust_env=False)


async def hire(crew: Crew, admin_key: str, sites: Sequence[str]) -> None:
    """Make the sites and the principals of the plant, and give each its roles there and a key."""
    admin = crew.add("admin", admin_key)
    await admin.do("submitSites", "site", sites=[SITE_MASTERS[site] for site in sites])
    for person in PEOPLE:
        await admin.do(
            "createPrincipal",
            f"principal/{person.subject}",
            subject=person.subject,
            kind="SERVICE" if person.service else "PERSON",
            displayName=person.name,
        )
        for role in person.roles:
            for site in places(role, sites):
                key = f"role/{person.subject}/{role}/{site or 'everywhere'}"
                await admin.do("grantRole", key, principal=person.subject, role=role, site=site)
        crew.add(person.subject, await _key_of(admin, person))


def places(role: str, sites: Sequence[str]) -> Sequence[str | None]:
    """Where a role counts: an auditor reads all, what belongs to no site included; a dashboard shows one site."""
    if role == "AUDITOR":
        return [None]
    return [SITE] if role == "VIEWER" else sites


async def _key_of(admin: Client, person: Person) -> str:
    """A new key. Its text is shown once: when that answer was lost on the way, another key is made."""
    for n in range(1, KEYS_MAX):
        payload = await admin.do("issueApiKey", f"key/{person.subject}/{n}", "text", principal=person.subject)
        if payload["text"] is not None:
            return str(payload["text"])
    raise RuntimeError(f"{KEYS_MAX} keys of {person.subject} were lost")
