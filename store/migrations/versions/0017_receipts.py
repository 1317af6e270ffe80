"""Adds receipts to messages: what a provider answered, and whether the message arrived."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Moment

revision = "0017"
down_revision = "0016"

_COLUMNS = ("receipt", "reference", "confirmation", "confirmed_at")


def upgrade() -> None:
    """Add the columns."""
    op.add_column("notifications", sa.Column("receipt", sa.Text))
    op.add_column("notifications", sa.Column("reference", sa.String(100)))
    op.add_column("notifications", sa.Column("confirmation", sa.String(16)))
    op.add_column("notifications", sa.Column("confirmed_at", Moment))
    op.create_index("ix_notifications_confirmation", "notifications", ["confirmation"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_notifications_confirmation", "notifications")
    for name in _COLUMNS:
        op.drop_column("notifications", name)
