"""Collects from the sources that are read, not pushed; a failed reading is stored as one, never as a number."""

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
    """Reads the inventory each time it is told to. `read` takes the moment and brings one sample."""

    store: Store
    read: Callable[[datetime], Sequence[Stock]]
    source: str = INVENTORY

    def collect(self, now: datetime) -> bool:
        """Read once and save; False where the source brought nothing (the reason is stored with the feed)."""
        try:
            stocks = self.read(now)
        except SourceError as error:
            with self.store.write() as connection:
                known = feeds.states(connection).get(self.source)
                if error.absent and (known is None or known.last_good_at is None):
                    # A shop that never had such a thing is not broken: the source is off until it brings something.
                    feeds.forget(connection, self.source)
                else:
                    feeds.note_error(connection, self.source, now, plain(str(error)))
            return False
        with self.store.write() as connection:
            stock.save(connection, stocks, source=self.source)
            feeds.note_good(connection, self.source, now)
        return True
