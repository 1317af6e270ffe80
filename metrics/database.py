"""Metrics of the site's PostgreSQL, read once a minute by a role that may only read."""

from __future__ import annotations

from facts import Metric, MetricKind

SOURCE = "database"


def _gauge(name: str, title: str, unit: str, formula: str, guide: str | None = None) -> Metric:
    return Metric(name=name, title=title, unit=unit, kind=MetricKind.GAUGE, source=SOURCE, formula=formula, guide=guide)


METRICS = (
    Metric(
        name="database_query_seconds",
        title="Query time",
        unit="seconds",
        kind=MetricKind.DURATION,
        source=SOURCE,
        formula="the mean time of each statement that ended between two readings, by pg_stat_statements; one value for each statement",
        guide='metrics: ["query_time", "connection_pool_usage"],',
    ),
    _gauge(
        "database_connections",
        "Connections",
        "connections",
        "client connections in pg_stat_activity, those of other databases of the server included",
    ),
    _gauge(
        "database_connections_ratio",
        "Share of the allowed connections in use",
        "ratio",
        "database_connections / max_connections",
        guide='metrics: ["query_time", "connection_pool_usage"],',
    ),
    _gauge(
        "database_slow_queries",
        "Queries that have run for more than 500 ms",
        "queries",
        "active queries of the database in pg_stat_activity that began more than 500 ms ago, at the moment of the reading",
        guide='slow_query_threshold: "500ms",',
    ),
    _gauge(
        "database_longest_query_seconds",
        "Age of the longest query that runs",
        "seconds",
        "now - query_start of the oldest active query of the database; 0 where none runs",
        guide='alerts: "if query_time > 1s"',
    ),
    _gauge(
        "database_waiting_queries",
        "Queries that wait for a lock",
        "queries",
        "queries of the database whose wait_event_type is Lock, at the moment of the reading",
    ),
    Metric(
        name="database_deadlocks",
        title="Deadlocks",
        unit="deadlocks",
        kind=MetricKind.COUNT,
        source=SOURCE,
        formula="deadlocks of pg_stat_database since the last reading",
    ),
    _gauge(
        "database_replication_lag_seconds",
        "How far the replicas are behind",
        "seconds",
        "the largest replay_lag of pg_stat_replication; on a standby, the age of its last replayed transaction",
    ),
)
