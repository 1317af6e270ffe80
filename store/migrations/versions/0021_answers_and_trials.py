"""Adds what services and people answered (PagerDuty's webhooks, SMS replies), and the results of trials of the destinations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Moment

revision = "0021"
down_revision = "0019"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "inbound_events",
        sa.Column("provider", sa.String(16), primary_key=True),
        sa.Column("id", sa.String(100), primary_key=True),
        sa.Column("received_at", Moment, nullable=False),
        sa.Column("occurred_at", Moment),
        sa.Column("incident", sa.String(64)),
        sa.Column("result", sa.Text, nullable=False),
    )
    op.create_index("ix_inbound_events_incident", "inbound_events", ["incident"])
    op.create_index("ix_inbound_events_received", "inbound_events", ["received_at"])
    op.create_table(
        "trials",
        sa.Column("trial", sa.String(64), primary_key=True),
        sa.Column("destination", sa.String(64), primary_key=True),
        sa.Column("at", Moment, nullable=False),
        sa.Column("ok", sa.Boolean, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
    )
    op.create_index("ix_trials_destination", "trials", ["destination", "at"])
    op.create_index("ix_trials_at", "trials", ["at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("trials")
    op.drop_table("inbound_events")
