"""Adds deploys: when which version of the site went live."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Moment

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "deploys",
        sa.Column("id", sa.String(120), primary_key=True),
        sa.Column("at", Moment, nullable=False),
        sa.Column("deploy", sa.JSON, nullable=False),
    )
    op.create_index("ix_deploys_at", "deploys", ["at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("deploys")
