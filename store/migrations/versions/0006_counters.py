"""Adds counters for metrics, which may never decrease."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "counters",
        sa.Column("journey", sa.String(100), primary_key=True),
        sa.Column("location", sa.String(64), primary_key=True),
        sa.Column("counted", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("counters")
