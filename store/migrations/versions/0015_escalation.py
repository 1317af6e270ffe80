"""Adds the ladders of incidents, and why and for which tier a message is owed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Moment

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the table and the columns; what an earlier version wrote has neither hold nor tier."""
    op.create_table(
        "ladder",
        sa.Column("id", sa.String(100), primary_key=True),
        sa.Column("incident", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("due_at", Moment, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("row", sa.JSON, nullable=False),
    )
    op.create_index("ix_ladder_incident", "ladder", ["incident"])
    op.create_index("ix_ladder_created_at", "ladder", ["created_at"])
    op.add_column("notifications", sa.Column("hold", sa.String(32)))
    op.add_column("notifications", sa.Column("tier", sa.Integer))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("notifications") as notifications:
        notifications.drop_column("tier")
        notifications.drop_column("hold")
    op.drop_table("ladder")
