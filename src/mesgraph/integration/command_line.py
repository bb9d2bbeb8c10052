"""`mesgraph erp submit`: hand documents to a running server, as a connector does.

A document that was not answered is sent again; the message id makes that harmless.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesgraph.integration.b2mml import DOCUMENT_MAX
from mesgraph.remote import NotAnswered, ask

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
    """The payload of ``field``, asked with what is ``given``. Raises :class:`NotSubmitted`."""
    try:
        payload: dict[str, Any] = ask(
            server, key, query, {"input": {name: value for name, value in given.items() if value}}, field
        )
    except NotAnswered as error:
        raise NotSubmitted(str(error)) from error
    return payload
