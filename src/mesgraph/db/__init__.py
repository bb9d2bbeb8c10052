"""The ground: row base, exact column types, and the two databases behind one small interface.

Verbs and queries are plain synchronous functions of a session. Only :class:`Database` knows how they run: on SQLite
verbs run in the one writer thread and queries on a small pool of read-only connections; on PostgreSQL both run over
asyncpg. A unit of work is retried as a whole when the database asks for it.
"""

from mesgraph.db.database import Database, Fetch, Lengthy, open_database
from mesgraph.db.rows import BetweenSites, Entity, Row, Sited
from mesgraph.db.scope import EVERY_SITE, Sites, every_site, sites_of
from mesgraph.db.types import Exact, Instant, Key, Word, key_text

__all__ = [
    "EVERY_SITE",
    "BetweenSites",
    "Database",
    "Entity",
    "Exact",
    "Fetch",
    "Instant",
    "Key",
    "Lengthy",
    "Row",
    "Sited",
    "Sites",
    "Word",
    "every_site",
    "key_text",
    "open_database",
    "sites_of",
]
