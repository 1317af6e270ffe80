"""Adds the history of each target's verdicts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Moment

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Create the table; the history starts now."""
    op.create_table(
        "verdict_history",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("journey", sa.String(100)),
        sa.Column("subject", sa.Text),
        sa.Column("at", Moment, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("severity", sa.String(16)),
        sa.Column("value", sa.Float),
        sa.Column("limit", sa.Float),
        sa.Column("unit", sa.String(64), nullable=False),
        sa.Column("low", sa.Float),
        sa.Column("high", sa.Float),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("coverage", sa.Float),
    )
    op.create_index("ix_verdict_history_key", "verdict_history", ["key", "at"])
    op.create_index("ix_verdict_history_at", "verdict_history", ["at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("verdict_history")
