"""Adds the run of an artifact, and the reason why it was deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add both columns; existing artifacts belong to no run and are kept longest."""
    op.add_column("evidence", sa.Column("run_id", sa.String(200)))
    op.add_column("evidence", sa.Column("gone", sa.String(200)))


def downgrade() -> None:
    """Drop both columns."""
    op.drop_column("evidence", "gone")
    op.drop_column("evidence", "run_id")
