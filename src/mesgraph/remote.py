"""A running server, asked over its public API with a key, as any client does.

What was not answered is asked again; so what is asked is either a question or safe to repeat.
"""

import random
import time
from collections.abc import Callable
from typing import Any

import httpx2

TRIES = 8
DELAY_S_MAX = 5.0
TOLD_S_MAX = 60.0
"""The longest time that a server can make us wait before we ask it again."""
TIMEOUT_S = 60.0


class NotAnswered(Exception):
    """The server refused or did not answer; the message says why."""


def ask(server: str, key: str, query: str, variables: dict[str, Any], field: str) -> Any:
    """What ``field`` of the answer holds; asked again while the server cannot answer. Raises :class:`NotAnswered`."""
    body = {"query": query, "variables": variables}
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/graphql-response+json"}
    with httpx2.Client(timeout=TIMEOUT_S) as http:
        return _answered(lambda: http.post(f"{server.rstrip('/')}/graphql", json=body, headers=headers), field)


def _answered(post: Callable[[], httpx2.Response], field: str) -> Any:
    reason, told_s = "", 0.0
    for attempt in range(TRIES):
        if attempt:
            time.sleep(told_s + random.uniform(0, min(DELAY_S_MAX, 0.1 * 2**attempt)))
            told_s = 0.0
        try:
            response = post()
        except httpx2.HTTPError as error:
            reason = f"the server does not answer: {str(error) or type(error).__name__}"
            continue
        except (httpx2.InvalidURL, UnicodeError) as error:
            raise NotAnswered(f"the address of the server cannot be used: {error}") from error
        if response.status_code >= 500 or response.status_code == 429:
            reason = f"the server answers with status {response.status_code}"
            told_s = _told_s(response)
            continue
        try:
            answer = response.json()
            errors = answer.get("errors") or []
            if not errors:
                return answer["data"][field]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotAnswered(f"status {response.status_code}: this is no server of mesgraph") from error
        reason = "; ".join(f"{(e.get('extensions') or {}).get('code')}: {e['message']}" for e in errors)
        if not all((e.get("extensions") or {}).get("retryable") for e in errors):
            raise NotAnswered(reason)
    raise NotAnswered(reason)


def _told_s(response: httpx2.Response) -> float:
    """How long the server says to wait (``Retry-After`` in seconds, RFC 9110 §10.2.3); 0 where it says nothing."""
    told = response.headers.get("retry-after", "")
    return min(float(told), TOLD_S_MAX) if told.isdecimal() else 0.0
