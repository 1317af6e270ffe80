"""Adds the runners that have been heard, and their claims of slots."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "runners",
        sa.Column("location", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(100), primary_key=True),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("spool", sa.Integer, nullable=False),
        sa.Column("rejected", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("heard_at", sa.BigInteger, nullable=False),
        sa.Column("trouble", sa.Text),
        sa.Column("skews", sa.JSON, nullable=False),
    )
    op.create_index("ix_runners_heard", "runners", ["heard_at"])
    op.create_table(
        "claims",
        sa.Column("journey", sa.String(100), primary_key=True),
        sa.Column("location", sa.String(64), primary_key=True),
        sa.Column("slot", sa.BigInteger, primary_key=True),
        sa.Column("runner", sa.String(100), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_claims_slot", "claims", ["slot"])


def downgrade() -> None:
    """Drop both tables."""
    for name in ("claims", "runners"):
        op.drop_table(name)
