"""Documents that are asked for by id, and who may run no others.

The id of a document is the hash of its text. It comes as ``extensions.persistedQuery`` (what clients of Apollo send) or
as ``documentId`` (the appendix of GraphQL over HTTP). Nothing is stored because it was sent: an unknown id is answered
with DOCUMENT_NOT_FOUND, never with a request for the text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.api.errors import refusal
from mesgraph.api.guard import overdrawn
from mesgraph.config import StoredOnly
from mesgraph.documents.actions import id_of
from mesgraph.errors import Code, Unavailable
from mesgraph.work import Actor

ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
NOT_STORED = "you may run stored documents only, and this one is not: have it registered (mesgraph documents register)"


@dataclass(frozen=True)
class Asked:
    """A document as a request names it: by ``ids``, which should be one and the same, and perhaps by its text, too."""

    text: Any
    ids: tuple[Any, ...]


def with_extensions(body: dict[str, Any]) -> dict[str, Any]:
    """A request with its ``documentId`` among the extensions, which travel further with the text."""
    extensions = body.get("extensions")
    if "documentId" not in body or not isinstance(extensions, dict | None):
        return body
    return body | {"extensions": {**(extensions or {}), "documentId": body["documentId"]}}


def asked(text: Any, extensions: Any) -> Any:
    """What a request asks for: its text as it is, where no id comes with it."""
    if not isinstance(extensions, Mapping):
        return text
    ids = [extensions["documentId"]] if "documentId" in extensions else []
    persisted = extensions.get("persistedQuery")
    if persisted is not None:
        version_1 = isinstance(persisted, Mapping) and persisted.get("version") == 1
        ids.append(persisted.get("sha256Hash") if version_1 else None)
    return Asked(text, tuple(ids)) if ids else text


def stored_only(setting: StoredOnly, actor: Actor) -> bool:
    """Whether ``actor`` runs stored documents only. Administrators register them, so they send texts."""
    if setting is StoredOnly.NONE:
        return False
    if actor.terminal is not None or actor.has_any({Role.DRIVER}):
        return True
    return setting is StoredOnly.ALL and not actor.has_any({Role.ADMIN})


async def find(query: Any, context: Context) -> Any:
    """The text that is asked for, the stored document, or the reason why there is none for this caller.

    Raises :class:`Unavailable` when the database does not answer, but on a socket, which goes on.
    """
    if (wait_s := context.overdrawn_s()) > 0:
        return overdrawn(wait_s)  # a moment later there may be time again, and nobody has looked whether it is stored
    if not (context.stored_only or isinstance(query, Asked)):
        return query
    text, ids = (query.text, query.ids) if isinstance(query, Asked) else (query, ())
    if ids and (misnamed := _misnamed(text, ids)) is not None:
        return misnamed
    if not ids and not (isinstance(text, str) and text):
        return text
    document_id = _plain(ids[0]) if ids else id_of(text)
    try:
        standing = await context.plant.documents.standing(document_id or "")
    except Unavailable as error:
        if not context.is_socket:
            raise
        return refusal(str(error), error.code)
    return standing or _absent(text, context)


def _plain(sent: Any) -> str | None:
    """The id in lower-case hexadecimal, as it is stored."""
    match = ID.fullmatch(sent) if isinstance(sent, str) else None
    return match.group(1) if match else None


def _misnamed(text: Any, ids: tuple[Any, ...]) -> GraphQLError | None:
    plain = {_plain(sent) for sent in ids}
    if None in plain:
        form = 'persistedQuery {"version": 1, "sha256Hash": HASH}, or documentId "sha256:HASH"'
        return refusal(f"a stored document is asked for by its SHA-256 in lower-case hexadecimal: {form}")
    if isinstance(text, str) and text:
        plain.add(id_of(text))
    if len(plain) > 1:
        return refusal("the ids of the document, or its id and its text, do not agree: send one of them alone")
    return None


def _absent(text: Any, context: Context) -> Any:
    if not isinstance(text, str) or not text:
        way_out = "have it registered (mesgraph documents register), or send its text"
        return refusal(f"no document with this id is stored: {way_out}", Code.DOCUMENT_NOT_FOUND)
    return refusal(NOT_STORED, Code.DOCUMENT_NOT_STORED) if context.stored_only else text
