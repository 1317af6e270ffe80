"""Reads from the site's PostgreSQL, by a read-only role: connections, slow and waiting queries, deadlocks, replication, query times.

https://www.postgresql.org/docs/current/monitoring-stats.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from config import Secret
from facts import Sample
from redact.plain_text import plain
from sources.source import Collected, SourceError, SourceSettings

VARIABLE = "DATABASE_SOURCE_URL"
STATEMENT_TIMEOUT_MS = 3_000
"""The database ends a question of ours that takes longer: a slow database must not become slower by being watched."""
SLOW_MS = 500
MOST_STATEMENTS = 500
"""So many statements are looked at, those that took the most time."""
_CONNECT_S = 5
_SESSION = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout=1000 -c default_transaction_read_only=on"
_ACTIVITY = f"""
    SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS connections,
           current_setting('max_connections')::int AS allowed,
           count(*) FILTER (WHERE ours AND now() - query_start > interval '{SLOW_MS} ms') AS slow,
           COALESCE(max(EXTRACT(EPOCH FROM clock_timestamp() - query_start)) FILTER (WHERE ours), 0)::float AS longest,
           count(*) FILTER (WHERE datname = current_database() AND wait_event_type = 'Lock') AS waiting
    FROM (SELECT *, datname = current_database() AND state = 'active' AND backend_type = 'client backend'
                    AND pid <> pg_backend_pid() AS ours
          FROM pg_stat_activity) AS activity
"""
_DATABASE = "SELECT deadlocks, stats_reset::text AS reset FROM pg_stat_database WHERE datname = current_database()"
_LAG = """
    SELECT CASE WHEN pg_is_in_recovery()
                THEN EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp())
                ELSE (SELECT max(EXTRACT(EPOCH FROM replay_lag)) FROM pg_stat_replication)
           END::float AS lag
"""
_HAS_STATEMENTS = "SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"
_STATEMENTS = f"""
    SELECT userid::text || '/' || queryid::text || '/' || toplevel::text AS statement, calls, total_exec_time::float AS spent_ms
    FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND queryid IS NOT NULL
    ORDER BY total_exec_time DESC LIMIT {MOST_STATEMENTS}
"""

Ask = Callable[[str], Sequence[Mapping[str, Any]]]


class DatabaseSource:
    """Reads the statistics of a PostgreSQL database. Its cursor has the last reading's counters, of which only the growth counts."""

    name: ClassVar[str] = "database"
    every_s: ClassVar[float] = 60.0
    site_requests: ClassVar[int] = 0

    def __init__(self, settings: SourceSettings) -> None:
        self._url = settings.database_url or Secret("")

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Return None if the address of a database is configured, else why there is none."""
        return None if settings.database_url else f"{VARIABLE} is not set"

    def collect(self, cursor: Any, now: datetime) -> Collected:
        """Read the statistics. Raises SourceError; its message has no password."""
        import psycopg  # it is loaded for the few hubs that watch a database
        from psycopg.rows import dict_row

        try:
            with psycopg.connect(
                self._url.reveal(),
                connect_timeout=_CONNECT_S,
                options=_SESSION,
                autocommit=True,
                row_factory=dict_row,
                application_name="sixfb",
            ) as connection:
                return _read(lambda query: connection.execute(query).fetchall(), cursor, now)
        except psycopg.Error as error:
            raise _source_error(error, self._url) from None

    def close(self) -> None:
        """Do nothing: every reading opens and closes its own connection, so none of the site's connections stays in use."""


def _source_error(error: Any, url: Secret) -> SourceError:
    code, said = getattr(error, "sqlstate", None) or "", plain(" ".join(str(error).split()))[:300]
    hidden = url.reveal()
    for secret in (hidden, hidden.partition("://")[2].rpartition("@")[0].partition(":")[2]):
        said = said.replace(secret, "***") if secret else said
    if code == "57014":
        return SourceError(f"the database did not answer within {STATEMENT_TIMEOUT_MS // 1000} s: {said}")
    hint = "; GRANT pg_monitor TO the role that DATABASE_SOURCE_URL names" if code == "42501" else ""
    # A connection that is refused has no code, only the server's sentence.
    refused = "password authentication failed" in said or "does not exist" in said
    wrong = code.startswith(("28", "3D", "42")) or refused
    return SourceError(f"the database: {said}{hint}", permanent=wrong)


def _read(ask: Ask, cursor: Any, now: datetime) -> Collected:
    before = cursor if isinstance(cursor, dict) else {}
    (activity,), (database,), (lag,) = ask(_ACTIVITY), ask(_DATABASE), ask(_LAG)
    statements = _statements(ask) if ask(_HAS_STATEMENTS) else {}
    after = {"deadlocks": database["deadlocks"], "reset": database["reset"], "statements": statements}
    samples = [
        *_gauges(activity, lag["lag"], now),
        *_deadlocks(before, after, now),
        *_query_times(before.get("statements"), statements, now),
    ]
    return Collected(samples=samples, cursor=after)


def _statements(ask: Ask) -> dict[str, list[float]]:
    return {row["statement"]: [row["calls"], row["spent_ms"]] for row in ask(_STATEMENTS)}


def _gauges(activity: Mapping[str, Any], lag_s: float | None, now: datetime) -> Iterator[Sample]:
    values = {
        "database_connections": activity["connections"],
        "database_connections_ratio": activity["connections"] / activity["allowed"],
        "database_slow_queries": activity["slow"],
        "database_longest_query_seconds": max(0.0, activity["longest"]),
        "database_waiting_queries": activity["waiting"],
    }
    if lag_s is not None:  # a server without replicas is behind nobody
        values["database_replication_lag_seconds"] = max(0.0, lag_s)
    for metric, value in values.items():
        yield Sample(metric=metric, at=now, value=float(value))


def _deadlocks(before: Mapping[str, Any], after: Mapping[str, Any], now: datetime) -> Iterator[Sample]:
    """Yield how many there were since the last reading; counters that were set back begin anew."""
    if "deadlocks" not in before or before.get("reset") != after["reset"]:
        return
    grown = after["deadlocks"] - before["deadlocks"]
    if grown >= 0:
        yield Sample(metric="database_deadlocks", at=now, value=float(grown))


def _query_times(before: Any, after: Mapping[str, list[float]], now: datetime) -> Iterator[Sample]:
    """Yield the mean time of each statement that ran since the last reading, each at a moment of its own: one value of a series
    would replace another of the same moment."""
    known = before if isinstance(before, dict) else {}
    n = 0
    for statement, (calls, spent_ms) in sorted(after.items()):
        calls_before, spent_before = known.get(statement, (0, 0.0)) if known else (calls, spent_ms)
        ran, took_ms = calls - calls_before, spent_ms - spent_before
        if ran > 0 and took_ms >= 0:
            at = now + timedelta(microseconds=n)
            yield Sample(metric="database_query_seconds", at=at, value=took_ms / ran / 1000)
            n += 1
