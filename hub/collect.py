"""Polls the sources; a failed poll is stored as an error, never as a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from facts import Stock
from redact.plain_text import plain
from sources import SourceError
from store import Store, feeds, stock

INVENTORY = "inventory"


@dataclass(kw_only=True)
class Collector:
    """Polls the inventory on each call. `read` gets the current time and returns one sample."""

    store: Store
    read: Callable[[datetime], Sequence[Stock]]
    source: str = INVENTORY

    def collect(self, now: datetime) -> bool:
        """Poll once and save the result; return False if the poll failed (the reason is stored with the feed)."""
        try:
            stocks = self.read(now)
        except SourceError as error:
            with self.store.write() as connection:
                known = feeds.states(connection).get(self.source)
                if error.absent and (known is None or known.last_good_at is None):
                    # A shop that never had an inventory is not broken: the source is off until a poll succeeds.
                    feeds.forget(connection, self.source)
                else:
                    feeds.note_error(connection, self.source, now, plain(str(error)))
            return False
        with self.store.write() as connection:
            stock.save(connection, stocks, source=self.source)
            feeds.note_good(connection, self.source, now)
        return True
