"""Whose an artifact is, and why it is gone where it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add both columns; what is there already belongs to nobody and is kept longest."""
    op.add_column("evidence", sa.Column("run_id", sa.String(200)))
    op.add_column("evidence", sa.Column("gone", sa.String(200)))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("evidence", "gone")
    op.drop_column("evidence", "run_id")
