"""Wrong passwords are counted for all hubs together, and evidence has the location that it came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table; of evidence that is here already nobody knows where it came from."""
    op.create_table(
        "login_failures",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_login_failures_last", "login_failures", ["last_at"])
    op.add_column("evidence", sa.Column("location", sa.String(64)))


def downgrade() -> None:
    """Take both away again."""
    op.drop_column("evidence", "location")
    op.drop_table("login_failures")
