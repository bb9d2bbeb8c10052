"""The server as the edge sees it. All that the edge knows of the names of the API stands in this module.

Three documents, which an administrator registers once (``mesgraph driver register``): what to do, samples, health.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

import httpx2
from pydantic import TypeAdapter

from mesgraph.edge.configuration import Instance
from mesgraph.edge.contract import State, Tag

INSTANCES = """query EdgeInstances($site: ID!, $after: String) {
  driverInstances(filter: {site: $site}, first: 10, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id code driver config secretRef revision
      tags { path address kind dataType expectedPeriod deadband }
    }
  }
}
"""
INGEST = """mutation EdgeSamples($input: IngestSamplesInput!) {
  ingestSamples(input: $input) {
    accepted duplicate rejected { index code } clockOffsetMs nextSequence userErrors { code message retryable }
  }
}
"""
HEALTH = """mutation EdgeHealth($input: ReportDriverHealthInput!) {
  reportDriverHealth(input: $input) { userErrors { code message retryable } }
}
"""
DOCUMENTS = (INSTANCES, INGEST, HEALTH)

OF_THE_BATCH = {"INVALID_VALUE", "VALIDATION_FAILED", "LIMIT_EXCEEDED"}
"""Codes that speak of what was sent. All others may be gone when the same is sent again."""
TIMEOUT_S = 15.0
MESSAGE_MAX = 500
TOLD_S_MAX = 120.0
PERIOD = TypeAdapter(timedelta)


class Later(Exception):
    """Not now: the message says why, ``wait_s`` how long the server wants to be left alone."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class NotTaken(Exception):
    """The server will never take this batch as it is."""


@dataclass(frozen=True)
class Taken:
    """What became of a batch; ``rejected`` are codes of single samples by their index."""

    accepted: int
    duplicate: int
    rejected: dict[int, str]
    clock_offset_ms: int | None
    next: int


class Plant:
    """A server, asked with a key that permits no more than an edge needs. Raises :class:`Later`."""

    def __init__(self, server: str, key: str, site: str) -> None:
        self._site = site
        self._url = f"{server.rstrip('/')}/graphql"
        headers = {
            "Authorization": f"Bearer {key}",
            "Accept": "application/graphql-response+json",
            "Content-Type": "application/json",
        }
        self._http = httpx2.AsyncClient(timeout=TIMEOUT_S, headers=headers)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def instances(self) -> list[Instance]:
        """What this edge shall do."""
        return [_instance(node) async for node in self._nodes()]

    async def ingest(self, instance: str, number: int, batch: bytes) -> Taken:
        """Hand over a batch whose first sample has this number. Raises :class:`NotTaken`, too."""
        # the batch is spliced in as it is: it was written once, in the child
        head = json.dumps({"query": INGEST, "variables": {"input": {"driverInstance": instance, "sequence": number}}})
        payload = await self._ask(head[:-3].encode() + b',"samples":' + batch + b"}}}", "ingestSamples")
        rejected = {one["index"]: one["code"] for one in payload["rejected"] or []}
        return Taken(
            payload["accepted"], payload["duplicate"], rejected, payload["clockOffsetMs"], int(payload["nextSequence"])
        )

    async def report(self, instance: str, state: State, message: str, **more: Any) -> None:
        """Say how an instance is."""
        given = {"driverInstance": instance, "state": state, "message": _line(message), **more}
        body = json.dumps({"query": HEALTH, "variables": {"input": given}}).encode()
        await self._ask(body, "reportDriverHealth")

    async def _nodes(self) -> AsyncIterator[dict[str, Any]]:
        after = None
        while True:
            variables = {"site": self._site, "after": after}
            body = json.dumps({"query": INSTANCES, "variables": variables}).encode()
            page = await self._ask(body, "driverInstances")
            for node in page["nodes"]:
                yield node
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    async def _ask(self, body: bytes, field: str) -> dict[str, Any]:
        try:
            response = await self._http.post(self._url, content=body)
        except httpx2.HTTPError as error:
            raise Later(f"the server does not answer: {str(error) or type(error).__name__}") from error
        if response.status_code == 413:
            raise NotTaken("the server takes no request of this size")
        if response.status_code == 429 or response.status_code >= 500:
            raise Later(f"the server answers with status {response.status_code}", _told_s(response))
        try:
            answer = response.json()
            payload = (answer.get("data") or {}).get(field)
            errors = answer.get("errors") or (payload or {}).get("userErrors") or []
        except (ValueError, AttributeError) as error:
            raise Later(f"status {response.status_code}: this is no server of mesgraph") from error
        if errors:
            _refuse(errors)
        if not isinstance(payload, dict):
            raise Later(f"status {response.status_code}: the answer holds no {field}")
        return payload


def _refuse(errors: Sequence[dict[str, Any]]) -> NoReturn:
    told = [(error.get("code") or (error.get("extensions") or {}).get("code"), error["message"]) for error in errors]
    reason = "; ".join(f"{code}: {message}" for code, message in told)[:2000]
    if any(code in OF_THE_BATCH for code, _ in told):
        raise NotTaken(reason)
    raise Later(reason)


def _line(message: str) -> str | None:
    """A message as one line of printable characters; None where there is nothing to say."""
    words = " ".join(message.split())
    return "".join(letter for letter in words if letter.isprintable())[:MESSAGE_MAX].strip() or None


def _told_s(response: httpx2.Response) -> float:
    """How long the server says to wait (``Retry-After`` in seconds, RFC 9110 §10.2.3)."""
    told = response.headers.get("retry-after", "")
    return min(float(told), TOLD_S_MAX) if told.isdecimal() else 0.0


def _instance(node: dict[str, Any]) -> Instance:
    return Instance(
        id=node["id"],
        code=node["code"],
        driver=node["driver"],
        config=node["config"] or {},
        secret_ref=node["secretRef"],
        revision=int(node["revision"]),
        tags=[_tag(tag) for tag in node["tags"]],
    )


def _tag(node: dict[str, Any]) -> Tag:
    period = node["expectedPeriod"]
    return Tag(
        path=node["path"],
        address=node["address"] or "",
        kind=node["kind"],
        data_type=node["dataType"],
        period_s=max(0.01, PERIOD.validate_python(period).total_seconds()) if period else 1.0,
        deadband=float(node["deadband"] or 0),
    )
