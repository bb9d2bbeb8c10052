"""The types of recorded events as a page of the docs, from the events themselves."""

from dataclasses import fields
from itertools import groupby

import mesgraph.schema  # noqa: F401 - the index of the API brings every domain, and with it every event
from mesgraph.api.user_errors import camel
from mesgraph.ledger.event import EVENT_TYPES, Event

HEAD = """# Events

Every change of the plant is recorded as one of these. `LedgerEvent.type` is the word, `payload` has the fields;
decimals are strings, moments RFC 3339 in UTC, things `{kind, key}`. Fields that do not apply are left out; `comment` is
added where the reason of a command had one. Made by `make schema`.
"""


def manual() -> str:
    """Markdown: each domain with its events, their meaning and their fields."""
    ours = [event for event in EVENT_TYPES.values() if event.__module__.startswith("mesgraph.")]
    by_domain = sorted(ours, key=lambda event: (_domain(event), event.word))
    parts = [HEAD]
    for domain, events in groupby(by_domain, key=_domain):
        parts.append(f"\n## {domain.title()}\n\n| Event | What happened | Fields |\n| --- | --- | --- |\n")
        parts += [_row(event) for event in events]
    return "".join(parts)


def _row(event: type[Event]) -> str:
    names = ", ".join(f"`{camel(field.name)}`" for field in fields(event))
    return f"| `{event.word}` | {' '.join((event.__doc__ or '').split())} | {names} |\n"


def _domain(event: type[Event]) -> str:
    return event.__module__.split(".")[1]
