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
            raise NotAnswered(f"the address of the server cannot be used: {error}") from error
        if response.status_code >= 500 or response.status_code == 429:
            reason = f"the server answers with status {response.status_code}"
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
