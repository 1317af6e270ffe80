"""Holds the hub's health in memory: the loops store their last results, so that the readiness check needs no database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from hub.cycle import tick_trouble
from process.logs import get_logger
from store import StoreReplacedError, StoreUnavailableError

_log = get_logger("sixfb.hub")


class Health:
    """Holds the last results of the loops and of ingest; `delivery` returns the current problem of delivery. Thread-safe."""

    def __init__(self, delivery: Callable[[datetime], str | None] = lambda _now: None) -> None:
        self._delivery = delivery
        self._lock = threading.Lock()
        self._last_tick: datetime | None = None
        self._database: StoreUnavailableError | None = None

    def ticked(self, at: datetime | None) -> None:
        """Store when an evaluator, this hub or another, last judged (None: never)."""
        with self._lock:
            self._last_tick = at

    def wrote(self) -> None:
        """Record that the database accepted a write."""
        with self._lock:
            was, self._database = self._database, None
        if was is not None:
            _log.info("database_usable")

    def answered(self) -> None:
        """Record that the database was read: it responds, but whether it accepts writes is unknown."""
        silent = self._database
        if silent is not None and silent.silent and not isinstance(silent, StoreReplacedError):
            self.wrote()

    def failed(self, error: StoreUnavailableError) -> None:
        """Record that the database could not be used. The same problem is logged once."""
        with self._lock:
            was, self._database = self._database, error
        if was is None or str(was) != str(error):
            _log.error("database_unusable", error=str(error))

    @property
    def last_tick(self) -> datetime | None:
        """When an evaluator, this hub or another, last judged; None if not since this hub started."""
        return self._last_tick

    @property
    def database(self) -> StoreUnavailableError | None:
        """The problem of the database; None while it accepts writes."""
        return self._database

    def complaints(self, now: datetime) -> list[str]:
        """Return why the hub is not ready, the most severe reason first; [] if it is ready. Each sentence is safe to show."""
        last_tick, database = self._last_tick, self._database
        found = []
        if database is not None:
            found.append(database.public)
        return [*found, *(trouble for trouble in (tick_trouble(last_tick, now), self._delivery(now)) if trouble)]
