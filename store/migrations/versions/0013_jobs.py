"""The hub's named jobs: their state, and a row for each slot that was claimed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "jobs",
        sa.Column("job", sa.String(64), primary_key=True),
        sa.Column("known_since", sa.BigInteger, nullable=False),
        sa.Column("last_key", sa.String(64)),
        sa.Column("last_slot", sa.BigInteger),
        sa.Column("claimed_at", sa.BigInteger),
        sa.Column("slot_outcome", sa.String(16)),
        sa.Column("slot_first_at", sa.BigInteger),
        sa.Column("last_outcome", sa.String(16)),
        sa.Column("last_started_at", sa.BigInteger),
        sa.Column("last_ended_at", sa.BigInteger),
        sa.Column("last_duration_s", sa.Float),
        sa.Column("last_result", sa.Text, nullable=False),
        sa.Column("last_by", sa.String(100)),
        sa.Column("last_success_at", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("not_before", sa.BigInteger),
        sa.Column("permanent", sa.Boolean, nullable=False),
        sa.Column("refused_by", sa.String(200)),
        sa.Column("requested_at", sa.BigInteger),
        sa.Column("requested_by", sa.String(100)),
        sa.Column("next_at", sa.BigInteger),
        sa.Column("succeeded", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "job_runs",
        sa.Column("job", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("slot", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("duration_s", sa.Float),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("requested_by", sa.String(100)),
        sa.Column("keep_until", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_job_runs_started", "job_runs", ["job", "started_at"])
    op.create_index("ix_job_runs_keep_until", "job_runs", ["keep_until"])


def downgrade() -> None:
    """Forget the jobs."""
    op.drop_table("job_runs")
    op.drop_table("jobs")
