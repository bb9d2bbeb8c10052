"""Electronic signatures.

Revision ID: 0023
Revises: 0022
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def entity(name: str, *columns: sa.schema.SchemaItem) -> None:
    """A table of what a person of a session signs."""
    op.create_table(
        name,
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", KEY, nullable=False),
        sa.Column("session_id", KEY, nullable=False),
        sa.Column("record_kind", sa.String(40), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(32), nullable=False),
        sa.Column("meaning", sa.String(40), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f(f"fk_{name}_principal_id")),
        sa.ForeignKeyConstraint(["session_id"], ["login_session.id"], name=op.f(f"fk_{name}_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_session_id"), name, ["session_id"])


def upgrade() -> None:
    """What is about to be signed, and what was."""
    entity(
        "signature_challenge",
        sa.Column("record_table", sa.String(40), nullable=False),
        sa.Column("nonce_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("proof_sha256", sa.LargeBinary(32), nullable=True),
        sa.Column("method", sa.String(40), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("nonce_sha256", name=op.f("uq_signature_challenge_nonce_sha256")),
    )
    entity(
        "signature",
        sa.Column("printed_name", sa.String(200), nullable=False),
        sa.Column("record_key", sa.String(200), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("command", sa.String(64), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("roles", sa.String(400), nullable=False),
        sa.Column("method", sa.String(40), nullable=False),
        sa.Column("reason_code", sa.String(64), nullable=True),
        sa.Column("comment", sa.String(2000), nullable=True),
    )
    op.create_index(op.f("ix_signature_principal_id"), "signature", ["principal_id"])
    op.create_index("ix_signature_record", "signature", ["record_kind", "record_id"])


def downgrade() -> None:
    """One step back."""
    op.drop_table("signature")
    op.drop_table("signature_challenge")
