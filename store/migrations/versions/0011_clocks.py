"""Adds the hub's reason for refusing the last record that a runner set aside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column; runners of an earlier version do not report it."""
    op.add_column("runners", sa.Column("refusal", sa.Text))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("runners", "refusal")
