"""Samples, events and cursors of sources; the inventory's history becomes samples.

The table `stock` stays as it is: a hub of the version before, which may work beside this one during an upgrade, still uses it.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_REMAINING, _SEATS = "inventory_remaining_tickets", "inventory_seats"
_WIDTHS_S = (300, 3600, 86_400)


def upgrade() -> None:
    """Make the tables, and copy every row of `stock` into samples with their rollups."""
    _make_series_and_samples()
    _make_rollups()
    _make_events_and_cursors()
    connection = op.get_bind()
    _copy_stock(connection)
    _roll_up(connection)


def downgrade() -> None:
    """Drop the tables; `stock` has what it had before."""
    for table in ("cursors", "events", "sample_rollups", "samples", "series"):
        op.drop_table(table)


def _make_series_and_samples() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("metric", sa.String(100), nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.UniqueConstraint("metric", "labels", name="uq_series_labels"),
    )
    op.create_table(
        "samples",
        sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, primary_key=True),
        sa.Column("value", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )


def _make_rollups() -> None:
    op.create_table(
        "sample_rollups",
        sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("width_s", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("start", sa.BigInteger, primary_key=True),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("sum", sa.Float, nullable=False),
        sa.Column("min", sa.Float, nullable=False),
        sa.Column("max", sa.Float, nullable=False),
        sa.Column("last", sa.Float, nullable=False),
        sa.Column("sketch", sa.LargeBinary),
        sqlite_with_rowid=False,
    )


def _make_events_and_cursors() -> None:
    op.create_table(
        "events",
        sa.Column("source", sa.String(32), primary_key=True),
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("category", sa.String(100)),
        sa.Column("fields", sa.JSON, nullable=False),
    )
    op.create_index("ix_events_name", "events", ["name", "at"])
    op.create_index("ix_events_level", "events", ["level", "at"])
    op.create_table(
        "cursors",
        sa.Column("source", sa.String(32), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("cursor", sa.JSON),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("permanent", sa.Boolean, nullable=False),
        sa.Column("next_try_at", sa.BigInteger),
    )


def _copy_stock(connection: sa.Connection) -> None:
    places = connection.execute(sa.text("SELECT DISTINCT city, tier FROM stock ORDER BY city, tier")).all()
    for city, tier in places:
        labels = json.dumps({"city": city, "tier": tier}, ensure_ascii=False, separators=(",", ":"))
        for metric, column in ((_REMAINING, "remaining"), (_SEATS, "total")):
            told = {"metric": metric, "labels": labels}
            connection.execute(sa.text("INSERT INTO series (metric, labels) VALUES (:metric, :labels)"), told)
            series_id = connection.execute(
                sa.text("SELECT id FROM series WHERE metric = :metric AND labels = :labels"), told
            ).scalar_one()
            # One source there was, so that a moment has one row; its key would allow more.
            connection.execute(
                sa.text(
                    f"INSERT INTO samples (series_id, at, value) SELECT {series_id}, at, MIN({column}) FROM stock "
                    f"WHERE city = :city AND tier = :tier AND {column} IS NOT NULL GROUP BY at"
                ),
                {"city": city, "tier": tier},
            )


def _roll_up(connection: sa.Connection) -> None:
    for width_s in _WIDTHS_S:
        start = (
            f"at - MOD(at, {width_s * 1_000_000})"
            if connection.dialect.name == "postgresql"
            else (f"at - at % {width_s * 1_000_000}")
        )
        connection.exec_driver_sql(
            "INSERT INTO sample_rollups (series_id, width_s, start, n, sum, min, max, last) "
            f"SELECT b.series_id, {width_s}, b.start, b.n, b.sum, b.min, b.max, newest.value FROM ("
            f"SELECT series_id, {start} AS start, COUNT(*) AS n, SUM(value) AS sum, MIN(value) AS min, MAX(value) AS max, "
            f"MAX(at) AS newest_at FROM samples GROUP BY series_id, {start}) AS b "
            "JOIN samples AS newest ON newest.series_id = b.series_id AND newest.at = b.newest_at"
        )
