"""Runs revisions on the connection that :mod:`mesgraph.migration` hands over, with a synchronous driver.

A revision waits at most three seconds for a lock, then fails without having changed anything: a plant that works is
more important than a migration that waits.
"""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.types import TypeDecorator

from mesgraph.models import Row


def plain_type(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our column types into revisions as what they are in the database, so that revisions stand alone."""
    if kind == "type" and isinstance(item, TypeDecorator):
        inner = item.impl_instance
        if isinstance(inner, String):
            return f"sa.String({inner.length})"
        if isinstance(inner, BigInteger):
            return "sa.BigInteger()"
    if kind == "type" and isinstance(item, BigInteger) and isinstance(item._variant_mapping.get("sqlite"), Integer):
        return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Row.metadata,
    render_as_batch=True,
    render_item=plain_type,
    compare_type=True,
    transaction_per_migration=True,
)
if connection.dialect.name == "postgresql":
    connection.exec_driver_sql("SET lock_timeout = '3s'")
    connection.commit()
with context.begin_transaction():
    context.run_migrations()
