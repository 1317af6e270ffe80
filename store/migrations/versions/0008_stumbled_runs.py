"""Adds an index of the runs that did not pass at their first attempt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_STUMBLED = sa.text("first_status <> 'passed'")


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_runs_stumbled", "runs", ["slot"], sqlite_where=_STUMBLED, postgresql_where=_STUMBLED)


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_runs_stumbled", "runs")
