"""`mesgraph erp submit`: hand documents to a running server, as a connector does.

A document that was not answered is sent again; the message id makes that harmless.
"""

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from mesgraph.integration.b2mml import DOCUMENT_MAX

TRIES = 8
DELAY_S_MAX = 5.0
TIMEOUT_S = 60.0
DECLARED = re.compile(rb"^<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}

SUBMIT = """
mutation Submit($input: SubmitB2mmlInput!) {
  submitB2mml(input: $input) {
    message { state messageId sourceSystem userErrors { code message path } }
    results {
      externalId outcome warnings
      operationsRequest { code state }
      userErrors { code message path }
    }
    duplicateOf { messageId }
    acknowledgement
    userErrors { code message path }
  }
}
"""


class NotSubmitted(Exception):
    """The server did not take the document; the message says why."""


@dataclass(frozen=True)
class Submitted:
    """The server's answer to one document."""

    payload: dict[str, Any]

    @property
    def acknowledgement(self) -> str | None:
        """The answer as a document."""
        text: str | None = self.payload["acknowledgement"]
        return text

    @property
    def applied(self) -> bool:
        """Whether all of it is so now."""
        message = self.payload["message"]
        return bool(message) and message["state"] == "APPLIED"

    def lines(self, name: str) -> Iterator[str]:
        """What became of it, for a person to read."""
        if self.payload["userErrors"]:
            yield f"{name}: refused"
            yield from told(self.payload["userErrors"])
            return
        message = self.payload["message"]
        again = " (answered before)" if self.payload["duplicateOf"] else ""
        yield f"{name}: {message['messageId']} {message['state']}{again}"
        yield from told(message["userErrors"])
        for result in self.payload["results"]:
            order = result["operationsRequest"]
            state = f" {order['code']} {order['state']}" if order else ""
            yield f"  {result['externalId']} {result['outcome']}{state}"
            yield from told(result["userErrors"], "    ")
            yield from (f"    note: {warning}" for warning in result["warnings"])


def told(errors: list[dict[str, Any]], indent: str = "  ") -> Iterator[str]:
    """Refusals, for a person to read."""
    for error in errors:
        place = [part for part in error["path"] or [] if part not in ("input", "document")]
        where = f" at {'.'.join(place)}" if place else ""
        yield f"{indent}{error['code']}{where}: {error['message']}"


def read_document(path: Path) -> str:
    """The text of a file, by its byte order mark or the encoding that it declares; raises :class:`NotSubmitted`."""
    try:
        if path.stat().st_size > DOCUMENT_MAX:
            raise NotSubmitted(f"{path} has {path.stat().st_size} bytes, more than {DOCUMENT_MAX}: split it")
        data = path.read_bytes()
        if not data.strip():
            raise NotSubmitted(f"{path} is empty: it holds no document")
        marked = next((name for mark, name in MARKS.items() if data.startswith(mark)), None)
        declared = DECLARED.match(data)
        return data.decode(marked or (declared[1].decode() if declared else "utf-8"))
    except OSError as error:
        raise NotSubmitted(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeError, LookupError) as error:
        raise NotSubmitted(f"{path} cannot be read: {error}") from error


def submit(
    server: str, key: str, document: str, *, source_system: str | None = None, site: str | None = None
) -> Submitted:
    """Submit one document, again while the server cannot answer. Raises :class:`NotSubmitted`."""
    given = {"document": document, "sourceSystem": source_system, "site": site}
    return Submitted(asked(server, key, SUBMIT, given, "submitB2mml"))


def asked(server: str, key: str, query: str, given: dict[str, Any], field: str) -> dict[str, Any]:
    """The payload of ``field``, asked with what is ``given``, again while the server cannot answer.

    Raises :class:`NotSubmitted`.
    """
    body = {"query": query, "variables": {"input": {name: value for name, value in given.items() if value}}}
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/graphql-response+json"}
    with httpx2.Client(timeout=TIMEOUT_S) as http:
        return _answered(lambda: http.post(f"{server.rstrip('/')}/graphql", json=body, headers=headers), field)


def _answered(post: Callable[[], httpx2.Response], field: str) -> dict[str, Any]:
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(random.uniform(0, min(DELAY_S_MAX, 0.1 * 2**attempt)))
        try:
            response = post()
        except httpx2.HTTPError as error:
            reason = f"the server does not answer: {str(error) or type(error).__name__}"
            continue
        except (httpx2.InvalidURL, UnicodeError) as error:
            raise NotSubmitted(f"the address of the server cannot be used: {error}") from error
        if response.status_code >= 500 or response.status_code == 429:
            reason = f"the server answers with status {response.status_code}"
            continue
        try:
            answer = response.json()
            errors = answer.get("errors") or []
            if not errors:
                payload: dict[str, Any] = answer["data"][field]
                return payload
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotSubmitted(f"status {response.status_code}: this is no server of mesgraph") from error
        reason = "; ".join(f"{(e.get('extensions') or {}).get('code')}: {e['message']}" for e in errors)
        if not all((e.get("extensions") or {}).get("retryable") for e in errors):
            raise NotSubmitted(reason)
    raise NotSubmitted(reason)
