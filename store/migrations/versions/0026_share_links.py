"""Adds the links that show one page to people without an account, and the role of a session that an identity provider began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Moment

revision = "0026"
down_revision = "0022"


def upgrade() -> None:
    """Create the table and the column."""
    op.create_table(
        "shares",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("last_opened_at", Moment),
        sa.Column("revoked_at", Moment),
        sa.Column("revoked_by", sa.String(100)),
    )
    op.create_index("ix_shares_expires", "shares", ["expires_at"])
    op.add_column("sessions", sa.Column("role", sa.String(16)))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("sessions", "role")
    op.drop_table("shares")
