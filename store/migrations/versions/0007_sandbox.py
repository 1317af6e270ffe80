"""Adds whether a runner's browser runs in its sandbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; the value of known runners is unknown until they report again."""
    op.add_column("runners", sa.Column("sandbox", sa.Boolean))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("runners", "sandbox")
