"""Statements are compiled once in a process, not once for each of the thousands of databases that tests open.

SQLAlchemy keeps what it compiled by engine. All engines of a kind have the same dialect here, so they can share it;
without that a third of the processor's time went into compiling the same statements again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

_first: dict[str, Engine] = {}


@contextmanager
def compiled_once() -> Iterator[None]:
    """All engines that databases open in this context share what the first one of their kind compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mesgraph.db.sqlite.create_engine", _sharing(create_engine))
        patch.setattr("mesgraph.db.postgresql.create_async_engine", _sharing(create_async_engine))
        yield


def _sharing(create: Callable[..., Any]) -> Callable[..., Any]:
    def make(*args: Any, **settings: Any) -> Any:
        made = create(*args, **settings)
        engine: Engine = getattr(made, "sync_engine", made)
        first = _first.setdefault(engine.dialect.name, engine)
        engine.dialect = engine.pool._dialect = first.dialect
        engine._compiled_cache = first._compiled_cache
        return made

    return make
