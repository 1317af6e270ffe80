"""Adds run requests: the runs that people requested beside the schedule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Moment

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "run_requests",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("journey", sa.String(100), nullable=False),
        sa.Column("location", sa.String(64), nullable=False),
        sa.Column("requested_at", Moment, nullable=False),
        sa.Column("requested_by", sa.String(100), nullable=False),
        sa.Column("taken_at", Moment),
        sa.Column("taken_by", sa.String(100)),
    )
    op.create_index("ix_run_requests_location", "run_requests", ["location", "requested_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("run_requests")
