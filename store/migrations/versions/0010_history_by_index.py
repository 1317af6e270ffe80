"""Adds indexes for the queries of pages and cycles, so that their cost does not grow with the number of runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_MEASURED = sa.text("slot IS NOT NULL AND status NOT IN ('missed', 'skipped')")
_GOOD = sa.text("status = 'passed' AND NOT flaky")
_UNPASSED = sa.text("status <> 'passed'")
_RECLASSIFIED = sa.text("reclassified_as IS NOT NULL")


def upgrade() -> None:
    """Create the indexes; existing runs are indexed at once."""
    for name, columns in (("journey", ["journey", "started_at"]), ("location", ["location", "started_at"])):
        op.create_index(f"ix_runs_{name}", "runs", columns)
    for name, columns, where in (
        ("measured", ["location", "received_at"], _MEASURED),
        ("good", ["journey", "location", "started_at"], _GOOD),
        ("unpassed", ["status", "started_at"], _UNPASSED),
        ("reclassified", ["slot"], _RECLASSIFIED),
    ):
        op.create_index(f"ix_runs_{name}", "runs", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Drop the indexes."""
    for name in ("journey", "location", "measured", "good", "unpassed", "reclassified"):
        op.drop_index(f"ix_runs_{name}", "runs")
