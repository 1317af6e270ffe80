"""Stores the ledger: every purchase is on disk before it happens, and stays there until it is undone.

It is SQLite and shared by several processes: the attempt that buys writes it, the process that started the run releases
its entries, and the cleaner undoes them. A row goes `open` → `paid` → `refunded`, or `open` → `expired`; `unknown`
means that Stripe could not tell. An order of a custom journey is recorded as soon as the journey reports it, and goes
`ordered` → `undone`.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from process.private_files import private_file
from runner.ledger.entries import Entry, Order, State, entry_from, order_from
from runner.transaction import transaction

_TABLES = """
CREATE TABLE IF NOT EXISTS orders (
  run_id TEXT NOT NULL, attempt INTEGER NOT NULL, journey TEXT NOT NULL, location TEXT NOT NULL, slot TEXT,
  email TEXT NOT NULL, meant_at TEXT NOT NULL, held_until TEXT NOT NULL, next_try_at TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0, last_error TEXT,
  PRIMARY KEY (run_id, attempt));
CREATE TABLE IF NOT EXISTS sessions (
  session_id TEXT PRIMARY KEY, run_id TEXT NOT NULL, journey TEXT NOT NULL, location TEXT NOT NULL, slot TEXT,
  amount_minor INTEGER, currency TEXT, state TEXT NOT NULL, pay_pressed INTEGER NOT NULL DEFAULT 0,
  noted_at TEXT NOT NULL, changed_at TEXT NOT NULL, held_until TEXT NOT NULL, next_try_at TEXT,
  tries INTEGER NOT NULL DEFAULT 0, refund_key INTEGER NOT NULL DEFAULT 1, last_error TEXT, note TEXT,
  order_id TEXT, base_url TEXT);
CREATE TABLE IF NOT EXISTS untold (run_id TEXT PRIMARY KEY, journey TEXT NOT NULL, slot TEXT, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refusals (at TEXT NOT NULL, run_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS schedule (one INTEGER PRIMARY KEY CHECK (one = 1), per_hour INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS sessions_due ON sessions (state, next_try_at);
"""
# Columns that a file of an earlier version lacks.
_ADDED = ("order_id", "base_url")
_CLEAN = "('expired', 'refunded', 'undone')"
_TOLD_NOTHING = "run_id NOT IN (SELECT run_id FROM sessions UNION SELECT run_id FROM orders)"
_HOUR = timedelta(hours=1)
_CLEAN_KEPT = timedelta(days=30)


class Ledger:
    """The ledger's file. Safe across threads and processes; every change is on disk before its method returns.

    Raises:
        sqlite3.Error: the file cannot be opened, read or written.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        private_file(file)
        self.file = file
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10.0)
        self._connection.row_factory = sqlite3.Row
        # synchronous=FULL: a purchase that a power cut erases from the ledger would never be undone.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_TABLES)
        self._add_columns()

    def _add_columns(self) -> None:
        if {row["name"] for row in self._read("PRAGMA table_info(sessions)")}.issuperset(_ADDED):
            return
        with self._write() as connection:  # another process may have done it meanwhile
            there = {row["name"] for row in connection.execute("PRAGMA table_info(sessions)")}
            for name in _ADDED:
                if name not in there:
                    connection.execute(f"ALTER TABLE sessions ADD COLUMN {name} TEXT")

    def _write(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self._connection, self._lock)

    def _read(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    # -- for the run that buys ----------------------------------------------------------------------------------------

    def order(self, order: Order, *, hold: timedelta) -> None:
        """Record that a checkout is about to be opened.

        The cleaner does not search for it before `hold` has passed or the run is released.
        """
        moment, held = _text(order.meant_at), _text(order.meant_at + hold)
        row = (
            order.run_id,
            order.attempt,
            order.journey,
            order.location,
            _maybe(order.slot),
            order.email,
            moment,
            held,
        )
        with self._write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO orders (run_id, attempt, journey, location, slot, email, meant_at, held_until, "
                "next_try_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, moment),
            )

    def note(
        self,
        session_id: str,
        order: Order,
        *,
        state: State,
        amount_minor: int | None,
        currency: str | None,
        now: datetime,
        hold: timedelta = timedelta(0),
    ) -> None:
        """Record a session of an order, whose intent is thereby fulfilled. A clean session stays clean."""
        with self._write() as connection:
            connection.execute(
                "INSERT INTO sessions (session_id, run_id, journey, location, slot, amount_minor, currency, state, noted_at, "
                "changed_at, held_until, next_try_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (session_id) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at, "
                "amount_minor = coalesce(excluded.amount_minor, amount_minor), "
                "currency = coalesce(excluded.currency, currency), held_until = excluded.held_until "
                f"WHERE state NOT IN {_CLEAN}",
                (
                    session_id,
                    order.run_id,
                    order.journey,
                    order.location,
                    _maybe(order.slot),
                    amount_minor,
                    currency,
                    state,
                    _text(now),
                    _text(now),
                    _text(now + hold),
                    _text(now),
                ),
            )
            connection.execute("DELETE FROM orders WHERE run_id = ? AND attempt = ?", (order.run_id, order.attempt))

    def begin_untold(self, order: Order) -> None:
        """Record the start of a run of a journey that may buy and announces no order.

        Whether it has bought is unknown until it reports an order.
        """
        with self._write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO untold VALUES (?, ?, ?, ?)",
                (order.run_id, order.journey, _maybe(order.slot), _text(order.meant_at)),
            )

    def bought(
        self,
        order_id: str,
        order: Order,
        *,
        amount_minor: int | None,
        currency: str | None,
        base_url: str,
        has_undo: bool,
        now: datetime,
        hold: timedelta = timedelta(0),
    ) -> None:
        """Record an order that a journey placed at the shop at `base_url`. Without `has_undo` it is not undone automatically."""
        key = f"{order.run_id}/{order_id}"
        with self._write() as connection:
            connection.execute(
                "INSERT INTO sessions (session_id, run_id, journey, location, slot, amount_minor, currency, state, noted_at, "
                "changed_at, held_until, next_try_at, order_id, base_url) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 'ordered', ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (session_id) DO UPDATE SET changed_at = excluded.changed_at, "
                "amount_minor = coalesce(excluded.amount_minor, amount_minor), "
                "currency = coalesce(excluded.currency, currency), held_until = excluded.held_until "
                "WHERE state = 'ordered'",
                (
                    key,
                    order.run_id,
                    order.journey,
                    order.location,
                    _maybe(order.slot),
                    amount_minor,
                    currency,
                    _text(now),
                    _text(now),
                    _text(now + hold),
                    _text(now) if has_undo else None,
                    order_id,
                    base_url,
                ),
            )

    def press_pay(self, session_id: str, now: datetime) -> None:
        """Record that Pay is about to be pressed."""
        with self._write() as connection:
            connection.execute(
                "UPDATE sessions SET pay_pressed = 1, changed_at = ? WHERE session_id = ?", (_text(now), session_id)
            )

    def release(self, run_id: str | None, now: datetime) -> None:
        """Release the entries of a run that has ended (None: of all scheduled runs), so that they may be undone from now on."""
        with self._write() as connection:
            for table in ("sessions", "orders"):
                connection.execute(
                    f"UPDATE {table} SET held_until = ? WHERE held_until > ? AND (run_id = ? OR (? IS NULL AND slot NOT NULL))",
                    (_text(now), _text(now), run_id, run_id),
                )

    def set_back(self, now: datetime, *, hold: timedelta = timedelta(0)) -> int:
        """Move dates that a fast clock set in the future back to `now`, and return how many sessions and orders were moved.

        Their purchases then count as of now, and may be undone once `hold` has passed.
        """
        moment, held = _text(now), _text(now + hold)
        moved = 0
        with self._write() as connection:
            for table, at in (("sessions", "noted_at"), ("orders", "meant_at")):
                moved += connection.execute(
                    f"UPDATE {table} SET {at} = min({at}, ?), slot = min(slot, ?), held_until = min(held_until, ?), "
                    f"next_try_at = min(next_try_at, ?) WHERE {at} > ? OR slot > ?",
                    (moment, moment, held, held, moment, moment),
                ).rowcount
            connection.execute("UPDATE sessions SET changed_at = ? WHERE changed_at > ?", (moment, moment))
            connection.execute("UPDATE refusals SET at = ? WHERE at > ?", (moment, moment))
            connection.execute("UPDATE untold SET at = min(at, ?), slot = min(slot, ?)", (moment, moment))
        return moved

    # -- for the cleaner ----------------------------------------------------------------------------------------------

    def due(self, now: datetime, *, most: int = 50, orders: bool = False) -> list[Entry]:
        """Return the sessions that are due to be undone, oldest first; with `orders` the orders of custom journeys instead."""
        rows = self._read(
            f"SELECT * FROM sessions WHERE state NOT IN {_CLEAN} AND next_try_at <= ? AND held_until <= ? "
            "AND (order_id NOT NULL) = ? ORDER BY noted_at LIMIT ?",
            _text(now),
            _text(now),
            orders,
            most,
        )
        return [entry_from(dict(row)) for row in rows]

    def due_orders(self, now: datetime, *, most: int = 20) -> list[Order]:
        """Return the intents without a known session that are due to be searched for, oldest first."""
        query = "SELECT * FROM orders WHERE next_try_at <= ? AND held_until <= ? ORDER BY meant_at LIMIT ?"
        return [order_from(dict(row)) for row in self._read(query, _text(now), _text(now), most)]

    def claim(self, session_id: str, now: datetime, *, lease: timedelta) -> bool:
        """Claim an entry for the duration of `lease`; return False if another process has claimed it, or it is already clean."""
        with self._write() as connection:
            return bool(
                connection.execute(
                    "UPDATE sessions SET next_try_at = ?, tries = tries + 1 WHERE session_id = ? AND next_try_at <= ? "
                    f"AND held_until <= ? AND state NOT IN {_CLEAN}",
                    (_text(now + lease), session_id, _text(now), _text(now)),
                ).rowcount
            )

    def settle(
        self,
        session_id: str,
        state: State,
        now: datetime,
        *,
        note: str | None = None,
        next_try_at: datetime | None = None,
    ) -> None:
        """Record the result of an undo; without `next_try_at` there is no further try."""
        with self._write() as connection:
            connection.execute(
                "UPDATE sessions SET state = ?, note = ?, changed_at = ?, next_try_at = ?, last_error = NULL "
                "WHERE session_id = ?",
                (state, note, _text(now), _maybe(next_try_at), session_id),
            )

    def put_off(self, session_id: str, error: str, *, next_try_at: datetime, new_key: bool = False) -> None:
        """Postpone an entry that could not be undone now.

        `new_key` means that Stripe stored an error for the refund's idempotency key, so the next try needs a new key.
        """
        with self._write() as connection:
            connection.execute(
                "UPDATE sessions SET last_error = ?, next_try_at = ?, refund_key = refund_key + ? WHERE session_id = ?",
                (error, _text(next_try_at), int(new_key), session_id),
            )

    def put_off_order(self, order: Order, *, next_try_at: datetime, error: str | None = None) -> None:
        """Postpone the search for an intent's session."""
        with self._write() as connection:
            connection.execute(
                "UPDATE orders SET last_error = ?, next_try_at = ?, tries = tries + 1 WHERE run_id = ? AND attempt = ?",
                (error, _text(next_try_at), order.run_id, order.attempt),
            )

    def drop_order(self, order: Order) -> None:
        """Delete an intent that led to no session."""
        with self._write() as connection:
            connection.execute("DELETE FROM orders WHERE run_id = ? AND attempt = ?", (order.run_id, order.attempt))

    def hurry(self, now: datetime) -> None:
        """Make every entry due that waits for its next try, at a person's request; entries that a run still holds stay.

        Orders whose journey had no undo become due too, because it may have one by now.
        """
        with self._write() as connection:
            connection.execute(
                "UPDATE sessions SET next_try_at = ? WHERE state = 'ordered' AND next_try_at IS NULL", (_text(now),)
            )
            for table in ("sessions", "orders"):
                connection.execute(
                    f"UPDATE {table} SET next_try_at = ? WHERE next_try_at > ?", (_text(now), _text(now))
                )

    def prune(self, now: datetime) -> None:
        """Delete entries that have been clean for a month, and unpaid ones that cannot have stayed open that long."""
        with self._write() as connection:
            connection.execute(
                f"DELETE FROM sessions WHERE state IN {_CLEAN} AND changed_at < ?",
                (_text(now - _CLEAN_KEPT),),
            )
            connection.execute(
                "DELETE FROM sessions WHERE state IN ('open', 'unknown') AND NOT pay_pressed AND noted_at < ?",
                (_text(now - _CLEAN_KEPT),),
            )
            connection.execute("DELETE FROM orders WHERE meant_at < ?", (_text(now - _CLEAN_KEPT),))
            connection.execute("DELETE FROM refusals WHERE at < ?", (_text(now - _CLEAN_KEPT),))
            connection.execute("DELETE FROM untold WHERE at < ?", (_text(now - _CLEAN_KEPT),))

    # -- for readers --------------------------------------------------------------------------------------------------

    def entries(self, *, unclean: bool = False, run_id: str | None = None) -> list[Entry]:
        """Return sessions and orders, oldest first."""
        rows = self._read(
            "SELECT * FROM sessions WHERE run_id = coalesce(?, run_id) "
            f"AND (NOT ? OR state NOT IN {_CLEAN}) ORDER BY noted_at, session_id",
            run_id,
            unclean,
        )
        return [entry_from(dict(row)) for row in rows]

    def left(self) -> dict[State, int]:
        """Return the number of entries that are not undone, by state."""
        query = f"SELECT state, count(*) AS n FROM sessions WHERE state NOT IN {_CLEAN} GROUP BY state"
        return {State(row["state"]): int(row["n"]) for row in self._read(query)}

    def oldest_left(self) -> datetime | None:
        """Return when the oldest of them was recorded; None if there is none."""
        query = f"SELECT min(noted_at) FROM sessions WHERE state NOT IN {_CLEAN}"
        (oldest,) = self._read(query)[0]
        return datetime.fromisoformat(oldest) if oldest else None

    def last_error(self) -> str | None:
        """Return the last error of the entry that is tried next; None if there is none."""
        rows = self._read(
            f"SELECT last_error FROM sessions WHERE state NOT IN {_CLEAN} AND last_error NOT NULL "
            "ORDER BY next_try_at LIMIT 1"
        )
        return str(rows[0][0]) if rows else None

    def orders(self) -> list[Order]:
        """Return the intents without a known session, oldest first."""
        return [order_from(dict(row)) for row in self._read("SELECT * FROM orders ORDER BY meant_at")]

    def next_due(self, *, sessions: bool = True, orders: bool = True) -> datetime | None:
        """Return when the next session at Stripe or order of a custom journey is due; None if nothing is."""
        rows = self._read(
            "SELECT min(at) AS at FROM (SELECT max(next_try_at, held_until) AS at FROM sessions "
            f"WHERE state NOT IN {_CLEAN} AND next_try_at NOT NULL AND iif(order_id IS NULL, ?, ?) "
            "UNION ALL SELECT max(next_try_at, held_until) FROM orders WHERE ?)",
            sessions,
            orders,
            sessions,
        )
        return datetime.fromisoformat(rows[0]["at"]) if rows[0]["at"] else None

    # -- counts -------------------------------------------------------------------------------------------------------

    def set_schedule(self, per_hour: int) -> None:
        """Store how many purchases the plan makes here per hour."""
        with self._write() as connection:
            connection.execute("INSERT OR REPLACE INTO schedule VALUES (1, ?)", (per_hour,))

    def scheduled(self) -> int | None:
        """Return how many purchases the plan makes here per hour; None if no plan is known."""
        rows = self._read("SELECT per_hour FROM schedule")
        return int(rows[0]["per_hour"]) if rows else None

    def purchases(self, now: datetime) -> int:
        """Return how many runs opened a checkout or reported an order in the last hour.

        A scheduled run counts at its slot, so that varying run times never put one run too many into an hour.
        """
        return self._count(
            "SELECT count(DISTINCT run_id) FROM sessions WHERE coalesce(slot, noted_at) > ?", now - _HOUR
        )

    def untold(self, now: datetime) -> int:
        """Return how many runs of the last hour may have bought and reported no order."""
        return self._count(f"SELECT count(*) FROM untold WHERE coalesce(slot, at) > ? AND {_TOLD_NOTHING}", now - _HOUR)

    def untold_by_journey(self) -> dict[str, int]:
        """Return how many runs of each journey may have bought and reported no order, in the month that is kept."""
        query = f"SELECT journey, count(*) AS n FROM untold WHERE {_TOLD_NOTHING} GROUP BY journey ORDER BY journey"
        return {row["journey"]: int(row["n"]) for row in self._read(query)}

    def refuse(self, run_id: str, now: datetime) -> None:
        """Record that an ad-hoc run was not allowed to buy."""
        with self._write() as connection:
            connection.execute("INSERT INTO refusals VALUES (?, ?)", (_text(now), run_id))

    def refusals(self, now: datetime) -> int:
        """Return how many ad-hoc runs were refused in the last hour."""
        return self._count("SELECT count(*) FROM refusals WHERE at > ?", now - _HOUR)

    def _count(self, query: str, since: datetime) -> int:
        return int(self._read(query, _text(since))[0][0])


def _text(moment: datetime) -> str:
    """Return the time in UTC with a fixed width, so that it sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _maybe(moment: datetime | None) -> str | None:
    return _text(moment) if moment else None
