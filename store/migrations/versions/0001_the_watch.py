"""Creates the tables of the first version.

They are written out here as they were, because a later change of store/tables.py must not change this migration.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table and its indexes."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("journey", sa.String(100), nullable=False),
        sa.Column("location", sa.String(64), nullable=False),
        sa.Column("slot", sa.BigInteger),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("blame", sa.String(16)),
        sa.Column("failed_step", sa.String(100)),
        sa.Column("error", sa.Text),
        sa.Column("first_status", sa.String(16)),
        sa.Column("first_blame", sa.String(16)),
        sa.Column("first_failed_step", sa.String(100)),
        sa.Column("duration_ms", sa.Float, nullable=False),
        sa.Column("slow", sa.Boolean, nullable=False),
        sa.Column("flaky", sa.Boolean, nullable=False),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("reclassified_as", sa.String(16)),
        sa.Column("reclassified_by", sa.String(100)),
        sa.Column("reclassified_at", sa.BigInteger),
        sa.Column("reclassified_why", sa.Text),
        sa.Column("record", sa.JSON, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.UniqueConstraint("journey", "location", "slot", name="uq_runs_slot"),
    )
    op.create_index("ix_runs_slot", "runs", ["slot"])
    op.create_index("ix_runs_started", "runs", ["started_at"])
    op.create_index("ix_runs_received", "runs", ["location", "received_at"])
    op.create_table(
        "duplicate_runs",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("journey", sa.String(100), nullable=False),
        sa.Column("location", sa.String(64), nullable=False),
        sa.Column("slot", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
    )
    op.create_index("ix_duplicate_runs_received", "duplicate_runs", ["received_at"])
    op.create_table(
        "rollups",
        sa.Column("width_s", sa.Integer, primary_key=True),
        sa.Column("start", sa.BigInteger, primary_key=True),
        sa.Column("journey", sa.String(100), primary_key=True),
        sa.Column("location", sa.String(64), primary_key=True),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("histograms", sa.JSON, nullable=False),
    )
    op.create_index("ix_rollups_start", "rollups", ["start"])
    op.create_table(
        "evidence",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_evidence_stored", "evidence", ["stored_at"])
    op.create_table(
        "stock",
        sa.Column("source", sa.String(32), primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True),
        sa.Column("city", sa.String(100), primary_key=True),
        sa.Column("tier", sa.String(32), primary_key=True),
        sa.Column("remaining", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer),
    )
    op.create_index("ix_stock_at", "stock", ["at"])
    op.create_table(
        "feeds",
        sa.Column("source", sa.String(32), primary_key=True),
        sa.Column("last_good_at", sa.BigInteger),
        sa.Column("last_error", sa.Text),
        sa.Column("last_error_at", sa.BigInteger),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("pending_since", sa.BigInteger, nullable=False),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("alert", sa.JSON, nullable=False),
        sa.UniqueConstraint("key", "episode", name="uq_alerts_episode"),
    )
    op.create_index("ix_alerts_state", "alerts", ["state"])
    op.create_index("ix_alerts_pending_since", "alerts", ["pending_since"])
    op.create_table(
        "alert_changes",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("alert_id", sa.String(200), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("note", sa.Text),
    )
    op.create_index("ix_alert_changes_alert", "alert_changes", ["alert_id"])
    op.create_table(
        "incidents",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("incident", sa.JSON, nullable=False),
    )
    op.create_index("ix_incidents_resolved", "incidents", ["resolved_at"])
    op.create_table(
        "notifications",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("thread", sa.String(64), nullable=False),
        sa.Column("alert_id", sa.String(200), nullable=False),
        sa.Column("destination", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("claimed_by", sa.String(200)),
        sa.Column("claimed_until", sa.BigInteger),
        sa.Column("delivered_at", sa.BigInteger),
        sa.Column("last_error", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("message", sa.JSON, nullable=False),
    )
    op.create_index("ix_notifications_due", "notifications", ["state", "due_at"])
    op.create_index("ix_notifications_thread", "notifications", ["thread", "destination", "position"])
    op.create_table(
        "deliveries",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("notification_id", sa.String(200), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("ok", sa.Boolean, nullable=False),
        sa.Column("detail", sa.Text),
    )
    op.create_index("ix_deliveries_notification", "deliveries", ["notification_id"])
    op.create_table(
        "destinations",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("marked_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Refuse, because there is no earlier version."""
    raise NotImplementedError("restore a backup instead")
