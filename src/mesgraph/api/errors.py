"""What leaves the server when something cannot be answered: every top-level error has a code and says whether to retry.

Expected refusals of commands are data (``userErrors``). Here stand the rest: an unknown caller, a malformed value, a
refused query, a database that does not answer, and bugs, which show nothing but an incident number.
"""

import logging
import re
import secrets
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

from mesgraph.api.limits import MESSAGE_MAX
from mesgraph.api.user_errors import camel
from mesgraph.errors import MEANINGS, Code, Denied, Refused, Unavailable, Violation

log = logging.getLogger("mesgraph.api")
VIOLATIONS_MAX = 100
"""Violations that one error tells; who mends those is told the rest."""
VARIABLE = re.compile(
    r"Variable '\$(\w+)' has invalid value(?: at ([\w.\[\]]+))?:"
    r"(?:.* (?:to include required|not to include unknown) field '(\w+)')?"
)


def coded(error: GraphQLError) -> GraphQLError:
    """``error`` with code, retryability and, where known, the path of the argument; a bug shows nothing of itself."""
    if error.extensions and "retryable" in error.extensions and "path" in error.extensions:
        return error
    cause = cause_of(error)
    match cause:
        case Denied() | Unavailable():
            return _with(error, str(cause), cause.code)
        case Refused():
            first, *others = cause.violations[:VIOLATIONS_MAX]
            more = {"others": [_told(violation) for violation in others]} if others else {}
            return _with(error, first.message, first.code, path=_told(first)["path"], **more)
        case None | GraphQLError():
            code = Code((error.extensions or {}).get("code") or _kind_of(error))
            return _with(error, error.message, code, path=_path_in(error.message))
        case ValueError() if error.nodes and not error.path:  # a literal that Python could not read
            return _with(error, "a value of the document cannot be read", Code.INVALID_VALUE)
    incident = secrets.token_hex(6)
    log.error("incident %s", incident, exc_info=cause)
    return _with(error, f"something went wrong on our side (incident {incident})", Code.INTERNAL, incident=incident)


def cause_of(error: GraphQLError) -> Exception | None:
    """What was raised where ``error`` began."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def refusal(message: str, code: Code = Code.DOCUMENT_INVALID, path: Sequence[str | int] = ()) -> GraphQLError:
    """An error of what is refused before it is executed."""
    extensions = {"code": code.value, "retryable": MEANINGS[code].retryable, "path": [str(part) for part in path]}
    return GraphQLError(message, extensions=extensions)


def _told(violation: Violation) -> dict[str, Any]:
    path = [camel(part) for part in violation.path]
    return {"code": violation.code.value, "message": violation.message, "path": path}


def _kind_of(error: GraphQLError) -> Code:
    return Code.INVALID_VALUE if VARIABLE.match(error.message) else Code.DOCUMENT_INVALID


def _path_in(message: str) -> list[str]:
    """Variable and field that a message of graphql-core blames: it tells them in words only."""
    match = VARIABLE.match(message)
    return [part for part in re.split(r"[.\[\]]+", ".".join(filter(None, match.groups()))) if part] if match else []


def _with(error: GraphQLError, message: str, code: Code, **more: Any) -> GraphQLError:
    extensions = {"code": code.value, "retryable": MEANINGS[code].retryable, "path": [], **more}
    return GraphQLError(
        message if len(message) <= MESSAGE_MAX else f"{message[:MESSAGE_MAX]} ...",
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        original_error=error.original_error,
        extensions=extensions,
    )
