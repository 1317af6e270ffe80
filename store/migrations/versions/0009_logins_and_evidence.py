"""Adds counts of wrong passwords, shared by all hubs, and the location of evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table and the column; the location of existing evidence is unknown."""
    op.create_table(
        "login_failures",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_login_failures_last", "login_failures", ["last_at"])
    op.add_column("evidence", sa.Column("location", sa.String(64)))


def downgrade() -> None:
    """Drop both."""
    op.drop_column("evidence", "location")
    op.drop_table("login_failures")
