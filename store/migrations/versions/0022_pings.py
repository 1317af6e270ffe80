"""Adds the pings of other people's jobs, and what they add up to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Moment

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "ping_states",
        sa.Column("uuid", sa.String(36), primary_key=True),
        sa.Column("state", sa.JSON, nullable=False),
    )
    op.create_table(
        "pings",
        sa.Column("uuid", sa.String(36), primary_key=True),
        sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("ping", sa.JSON, nullable=False),
    )
    op.create_index("ix_pings_at", "pings", ["at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("pings")
    op.drop_table("ping_states")
