"""How this hub is, in memory: the loops leave what came of their last round, so that readiness asks nobody and writes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from hub.cycle import tick_trouble
from process.logs import get_logger
from store import StoreReplacedError, StoreUnavailableError

_log = get_logger("sixfb.hub")


class Health:
    """What the loops and ingest found, and what `delivery` says at a moment is wrong with it. Safe from any thread."""

    def __init__(self, delivery: Callable[[datetime], str | None] = lambda _now: None) -> None:
        self._delivery = delivery
        self._lock = threading.Lock()
        self._last_tick: datetime | None = None
        self._database: StoreUnavailableError | None = None

    def ticked(self, at: datetime | None) -> None:
        """An evaluator, this hub or another, last judged at `at` (None: none ever did)."""
        with self._lock:
            self._last_tick = at

    def wrote(self) -> None:
        """The database took a write."""
        with self._lock:
            was, self._database = self._database, None
        if was is not None:
            _log.info("database_usable")

    def answered(self) -> None:
        """The database was read: it is not silent, and whether it takes writes is not known."""
        silent = self._database
        if silent is not None and silent.silent and not isinstance(silent, StoreReplacedError):
            self.wrote()

    def failed(self, error: StoreUnavailableError) -> None:
        """The database could not be used. What is wrong is logged once, until it is over or something else is wrong."""
        with self._lock:
            was, self._database = self._database, error
        if was is None or str(was) != str(error):
            _log.error("database_unusable", error=str(error))

    @property
    def last_tick(self) -> datetime | None:
        """When an evaluator, this hub or another, last judged; None: not since this hub started."""
        return self._last_tick

    @property
    def database(self) -> StoreUnavailableError | None:
        """What is wrong with the database; None while it takes writes."""
        return self._database

    def complaints(self, now: datetime) -> list[str]:
        """Return why the hub is not ready, the gravest first; nothing where it is. Each is a sentence that anybody may read."""
        last_tick, database = self._last_tick, self._database
        found = []
        if database is not None:
            found.append(database.public)
        return [*found, *(trouble for trouble in (tick_trouble(last_tick, now), self._delivery(now)) if trouble)]
