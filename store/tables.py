"""Defines the tables.

Step times, requests and vitals are stored in the run's row: a row for each would be a hundred million a day at scale.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from store.columns import Moment

metadata = MetaData()

STUMBLED = text("first_status <> 'passed'")
"""Matches a small part of the runs. A query must repeat it word for word, or SQLite does not use the index."""
MEASURED = text("slot IS NOT NULL AND status NOT IN ('missed', 'skipped')")
"""Matches the measured runs of slots. A query must repeat this and the following conditions word for word, too."""
GOOD = text("status = 'passed' AND NOT flaky")
UNPASSED = text("status <> 'passed'")
RECLASSIFIED = text("reclassified_as IS NOT NULL")

runs = Table(
    "runs",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("journey", String(100), nullable=False),
    Column("location", String(64), nullable=False),
    Column("slot", Moment),
    Column("status", String(16), nullable=False),
    Column("blame", String(16)),
    Column("failed_step", String(100)),
    Column("error", Text),
    Column("first_status", String(16)),
    Column("first_blame", String(16)),
    Column("first_failed_step", String(100)),
    Column("duration_ms", Float, nullable=False),
    Column("slow", Boolean, nullable=False),
    Column("flaky", Boolean, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("reclassified_as", String(16)),
    Column("reclassified_by", String(100)),
    Column("reclassified_at", Moment),
    Column("reclassified_why", Text),
    Column("record", JSON, nullable=False),
    Column("details", JSON, nullable=False),
    # NULLs are distinct on both databases: an ad-hoc run has no slot and conflicts with none.
    UniqueConstraint("journey", "location", "slot", name="uq_runs_slot"),
    Index("ix_runs_slot", "slot"),
    Index("ix_runs_started", "started_at"),
    Index("ix_runs_received", "location", "received_at"),
    Index("ix_runs_stumbled", "slot", sqlite_where=STUMBLED, postgresql_where=STUMBLED),
    Index("ix_runs_measured", "location", "received_at", sqlite_where=MEASURED, postgresql_where=MEASURED),
    Index("ix_runs_journey", "journey", "started_at"),
    Index("ix_runs_location", "location", "started_at"),
    Index("ix_runs_good", "journey", "location", "started_at", sqlite_where=GOOD, postgresql_where=GOOD),
    Index("ix_runs_unpassed", "status", "started_at", sqlite_where=UNPASSED, postgresql_where=UNPASSED),
    Index("ix_runs_reclassified", "slot", sqlite_where=RECLASSIFIED, postgresql_where=RECLASSIFIED),
)

duplicates = Table(
    "duplicate_runs",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("journey", String(100), nullable=False),
    Column("location", String(64), nullable=False),
    Column("slot", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("record", JSON, nullable=False),
    Index("ix_duplicate_runs_received", "received_at"),
)

rollups = Table(
    "rollups",
    metadata,
    Column("width_s", Integer, primary_key=True),
    Column("start", Moment, primary_key=True),
    Column("journey", String(100), primary_key=True),
    Column("location", String(64), primary_key=True),
    Column("counts", JSON, nullable=False),
    Column("histograms", JSON, nullable=False),
    Index("ix_rollups_start", "start"),
)

counters = Table(
    "counters",
    metadata,
    Column("journey", String(100), primary_key=True),
    Column("location", String(64), primary_key=True),
    Column("counted", JSON, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("stored_at", Moment, nullable=False),
    Column("run_id", String(200)),
    Column("gone", String(200)),
    # The location of the token that sent it; NULL if none was required.
    Column("location", String(64)),
    Index("ix_evidence_stored", "stored_at"),
)

# Of the version before, whose hub may work beside this one for as long as an upgrade takes: its rows were copied into `samples`,
# and nothing writes or reads it any more. The next version drops it.
stock = Table(
    "stock",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("at", Moment, primary_key=True),
    Column("city", String(100), primary_key=True),
    Column("tier", String(32), primary_key=True),
    Column("remaining", Integer, nullable=False),
    Column("total", Integer),
    Index("ix_stock_at", "at"),
)

# One row for each metric under one set of labels. `labels` is a canonical JSON object (names sorted, no blanks), so that it is unique.
series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("metric", String(100), nullable=False),
    Column("labels", Text, nullable=False),
    UniqueConstraint("metric", "labels", name="uq_series_labels"),
)

# Without rowid, the rows of a series lie beside one another on SQLite: a window of one series is read in one go.
samples = Table(
    "samples",
    metadata,
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, primary_key=True),
    Column("value", Float, nullable=False),
    sqlite_with_rowid=False,
)

# `sketch` is a DDSketch (`store.sketches`) where the values are single durations, else NULL.
sample_rollups = Table(
    "sample_rollups",
    metadata,
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("width_s", Integer, primary_key=True, autoincrement=False),
    Column("start", Moment, primary_key=True),
    Column("n", Integer, nullable=False),
    Column("sum", Float, nullable=False),
    Column("min", Float, nullable=False),
    Column("max", Float, nullable=False),
    Column("last", Float, nullable=False),
    Column("sketch", LargeBinary),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("level", String(16), nullable=False),
    Column("name", String(100), nullable=False),
    Column("category", String(100)),
    Column("fields", JSON, nullable=False),
    Index("ix_events_name", "name", "at"),
    Index("ix_events_level", "level", "at"),
)

# Where each source goes on, and when it may be asked again. `version` grows with every answer that was saved: of two hubs that asked
# at once, the second finds another version than it began with, and saves nothing.
cursors = Table(
    "cursors",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("cursor", JSON),
    Column("failures", Integer, nullable=False),
    Column("permanent", Boolean, nullable=False),
    Column("next_try_at", Moment),
)

feeds = Table(
    "feeds",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("last_good_at", Moment),
    Column("last_error", Text),
    Column("last_error_at", Moment),
)

ledgers = Table(
    "ledgers",
    metadata,
    Column("location", String(64), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("state", JSON, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("key", String(200), nullable=False),
    Column("episode", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("pending_since", Moment, nullable=False),
    Column("resolved_at", Moment),
    Column("alert", JSON, nullable=False),
    UniqueConstraint("key", "episode", name="uq_alerts_episode"),
    Index("ix_alerts_state", "state"),
    Index("ix_alerts_pending_since", "pending_since"),
)

alert_changes = Table(
    "alert_changes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("alert_id", String(200), nullable=False),
    Column("at", Moment, nullable=False),
    Column("what", String(32), nullable=False),
    Column("note", Text),
    Index("ix_alert_changes_alert", "alert_id"),
)

# One row when a verdict's status changes, and one per hour, for reports over months.
verdict_history = Table(
    "verdict_history",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("key", String(200), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("journey", String(100)),
    Column("subject", Text),
    Column("at", Moment, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("severity", String(16)),
    Column("value", Float),
    Column("limit", Float),
    Column("unit", String(64), nullable=False),
    Column("low", Float),
    Column("high", Float),
    Column("n", Integer, nullable=False),
    Column("coverage", Float),
    Index("ix_verdict_history_key", "key", "at"),
    Index("ix_verdict_history_at", "at"),
)

incidents = Table(
    "incidents",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", String(64), nullable=False, unique=True),
    Column("opened_at", Moment, nullable=False),
    Column("resolved_at", Moment),
    Column("incident", JSON, nullable=False),
    Index("ix_incidents_resolved", "resolved_at"),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("thread", String(64), nullable=False),
    Column("alert_id", String(200), nullable=False),
    Column("destination", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("position", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("claimed_by", String(200)),
    Column("claimed_until", Moment),
    Column("delivered_at", Moment),
    Column("last_error", Text),
    Column("reason", Text),
    Column("message", JSON, nullable=False),
    Column("hold", String(32)),
    Column("tier", Integer),
    Column("receipt", Text),
    Column("reference", String(100)),
    Column("confirmation", String(16)),
    Column("confirmed_at", Moment),
    Index("ix_notifications_due", "state", "due_at"),
    Index("ix_notifications_confirmation", "confirmation"),
    Index("ix_notifications_thread", "thread", "destination", "position"),
)

# A row for each call of a tier, written in the transaction that fires; `row` is the JSON form of `facts.LadderRow`.
ladder = Table(
    "ladder",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("incident", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("row", JSON, nullable=False),
    Index("ix_ladder_incident", "incident"),
    Index("ix_ladder_created_at", "created_at"),
)

# When which version of the site went live; `deploy` is the JSON form of `facts.Deploy`.
deploys = Table(
    "deploys",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("deploy", JSON, nullable=False),
    Index("ix_deploys_at", "at"),
)

# What nobody is told of for a while; `silence` is the JSON form of `facts.Silence`.
silences = Table(
    "silences",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("silence", JSON, nullable=False),
    Index("ix_silences_ends_at", "ends_at"),
)

# What services and people answered, one row an event, so that one that comes twice acts once.
inbound_events = Table(
    "inbound_events",
    metadata,
    Column("provider", String(16), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("received_at", Moment, nullable=False),
    Column("occurred_at", Moment),
    Column("incident", String(64)),
    Column("result", Text, nullable=False),
    Index("ix_inbound_events_incident", "incident"),
    Index("ix_inbound_events_received", "received_at"),
)

# What each destination answered to each trial message.
trials = Table(
    "trials",
    metadata,
    Column("trial", String(64), primary_key=True),
    Column("destination", String(64), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("detail", Text, nullable=False),
    Column("by", String(100), nullable=False),
    Index("ix_trials_destination", "destination", "at"),
    Index("ix_trials_at", "at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("notification_id", String(200), nullable=False),
    Column("at", Moment, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("detail", Text),
    Index("ix_deliveries_notification", "notification_id"),
)

destinations = Table(
    "destinations",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("marked_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password", String(200), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
)

# A session is identified by the SHA-256 of its cookie, so that a reader of this table cannot use it.
sessions = Table(
    "sessions",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("user_name", String(64), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    # Of a person whom an identity provider logged in, and who is no user here; NULL for users, whose role is in `users`.
    Column("role", String(16)),
    Index("ix_sessions_user", "user_name"),
)

# Keys are digests, because a user may type a password into the name field.
login_failures = Table(
    "login_failures",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("failed", Integer, nullable=False),
    Column("last_at", Moment, nullable=False),
    Index("ix_login_failures_last", "last_at"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    # 1 or 2 while the token is active, NULL once it is revoked: at most two, for rotation.
    Column("place", Integer),
    Column("mac", String(64), nullable=False),
    Column("key", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Column("revoked_at", Moment),
    UniqueConstraint("kind", "subject", "place", name="uq_tokens_place"),
)

runners = Table(
    "runners",
    metadata,
    Column("location", String(64), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("version", String(40), nullable=False),
    Column("spool", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("sent_at", Moment),
    Column("heard_at", Moment, nullable=False),
    Column("trouble", Text),
    Column("sandbox", Boolean),
    Column("refusal", Text),
    Column("skews", JSON, nullable=False),
    Index("ix_runners_heard", "heard_at"),
)

claims = Table(
    "claims",
    metadata,
    Column("journey", String(100), primary_key=True),
    Column("location", String(64), primary_key=True),
    Column("slot", Moment, primary_key=True),
    Column("runner", String(100), nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("ix_claims_slot", "slot"),
)

# The id is that of the run that a runner makes of it.
run_requests = Table(
    "run_requests",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("journey", String(100), nullable=False),
    Column("location", String(64), nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("requested_by", String(100), nullable=False),
    Column("taken_at", Moment),
    Column("taken_by", String(100)),
    Index("ix_run_requests_location", "location", "requested_at"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job", String(64), primary_key=True),
    Column("known_since", Moment, nullable=False),
    Column("last_key", String(64)),
    Column("last_slot", Moment),
    Column("claimed_at", Moment),
    Column("slot_outcome", String(16)),
    Column("slot_first_at", Moment),
    Column("last_outcome", String(16)),
    Column("last_started_at", Moment),
    Column("last_ended_at", Moment),
    Column("last_duration_s", Float),
    Column("last_result", Text, nullable=False),
    Column("last_by", String(100)),
    Column("last_success_at", Moment),
    Column("failures", Integer, nullable=False),
    Column("not_before", Moment),
    Column("permanent", Boolean, nullable=False),
    Column("refused_by", String(200)),
    Column("requested_at", Moment),
    Column("requested_by", String(100)),
    Column("next_at", Moment),
    Column("succeeded", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
)

# What the pings of a job add up to, a row each, and its last pings.
ping_states = Table(
    "ping_states",
    metadata,
    Column("uuid", String(36), primary_key=True),
    Column("state", JSON, nullable=False),
)

pings = Table(
    "pings",
    metadata,
    Column("uuid", String(36), primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("ping", JSON, nullable=False),
    Index("ix_pings_at", "at"),
)

# A row for each slot that was claimed. Its key is what makes a slot run once, so it is kept for longer than the slot could come again.
job_runs = Table(
    "job_runs",
    metadata,
    Column("job", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("slot", Moment, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("holder", String(200), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("duration_s", Float),
    Column("result", Text, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("requested_by", String(100)),
    Column("keep_until", Moment, nullable=False),
    Index("ix_job_runs_started", "job", "started_at"),
    Index("ix_job_runs_keep_until", "keep_until"),
)

# The links that show one page to people without an account. `key` names the server key that signed a link.
shares = Table(
    "shares",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("path", Text, nullable=False),
    Column("key", String(64), nullable=False),
    Column("by", String(100), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("last_opened_at", Moment),
    Column("revoked_at", Moment),
    Column("revoked_by", String(100)),
    Index("ix_shares_expires", "expires_at"),
)
