"""Accounts, identities and sessions.

Revision ID: 0022
Revises: 0021
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def key_text(length: int) -> sa.String:
    """Text that is compared character by character."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def entity(name: str, *columns: sa.schema.SchemaItem) -> None:
    """A table of things with an identity and a version, which belong to a principal."""
    op.create_table(
        name,
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", KEY, nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f(f"fk_{name}_principal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    """How people log in, and what follows until they log out."""
    entity(
        "account",
        sa.Column("password_hash", sa.String(200), nullable=True),
        sa.Column("password_ends_at", sa.BigInteger(), nullable=True),
        sa.Column("badge", key_text(64), nullable=True),
        sa.Column("pin_hash", sa.String(200), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("principal_id", name=op.f("uq_account_principal_id")),
        sa.UniqueConstraint("badge", name=op.f("uq_account_badge")),
    )
    entity(
        "identity",
        sa.Column("issuer", key_text(200), nullable=False),
        sa.Column("subject", key_text(200), nullable=False),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identity_issuer_subject")),
    )
    op.create_index(op.f("ix_identity_principal_id"), "identity", ["principal_id"])
    entity(
        "login_session",
        sa.Column("method", sa.String(40), nullable=False),
        sa.Column("terminal", key_text(64), nullable=True),
        sa.Column("api_key_id", KEY, nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("end", sa.String(40), nullable=True),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_key.id"], name=op.f("fk_login_session_api_key_id")),
    )
    op.create_index(op.f("ix_login_session_principal_id"), "login_session", ["principal_id"])
    op.create_index(op.f("ix_login_session_terminal"), "login_session", ["terminal"])
    op.create_table(
        "session_token",
        sa.Column("token_id", sa.String(16), nullable=False),
        sa.Column("session_id", KEY, nullable=False),
        sa.Column("token_kind", sa.String(40), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["login_session.id"], name=op.f("fk_session_token_session_id")),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_session_token")),
    )
    op.create_index(op.f("ix_session_token_session_id"), "session_token", ["session_id"])
    entity(
        "break_glass",
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("void_at", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("key_id", name=op.f("uq_break_glass_key_id")),
    )
    op.create_index(op.f("ix_break_glass_principal_id"), "break_glass", ["principal_id"])
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.add_column(sa.Column("label", key_text(64), nullable=True))
        batch_op.add_column(sa.Column("site_id", KEY, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_api_key_site_id"), "site", ["site_id"], ["id"])


def downgrade() -> None:
    """One step back: everybody is logged out."""
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_api_key_site_id"), type_="foreignkey")
        batch_op.drop_column("site_id")
        batch_op.drop_column("label")
    op.drop_table("break_glass")
    for table in ("session_token", "login_session", "identity", "account"):
        op.drop_table(table)
