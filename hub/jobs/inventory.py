"""Reads the shop's inventory; a failed reading is stored as one, never as a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from config.plain_text import plain
from facts import Stock
from hub.jobs.job import Backoff, Job, JobContext
from hub.jobs.schedule import Every
from sources import SourceError, read_inventory
from store import Store, feeds, stock

INVENTORY = "inventory"
"""The name of the source, and of its feed."""


@dataclass(kw_only=True)
class Collector:
    """Reads the inventory each time it is told to. `read` takes the moment and brings one sample."""

    store: Store
    read: Callable[[datetime], Sequence[Stock]]
    source: str = INVENTORY

    def collect(self, now: datetime) -> str:
        """Read once, save, and return what came of it.

        A shop that never had such a thing is not broken: its source is off until it brings something.

        Raises:
            SourceError: the source brought nothing; the reason is stored with the feed.
        """
        try:
            stocks = self.read(now)
        except SourceError as error:
            with self.store.write() as connection:
                known = feeds.states(connection).get(self.source)
                if error.absent and (known is None or known.last_good_at is None):
                    feeds.forget(connection, self.source)
                    return "the site serves no inventory"
                feeds.note_error(connection, self.source, now, plain(str(error)))
            raise
        with self.store.write() as connection:
            stock.save(connection, stocks, source=self.source)
            feeds.note_good(connection, self.source, now)
        cities = len({one.city for one in stocks})
        return f"{len(stocks)} numbers of {cities} {'city' if cities == 1 else 'cities'}"


def _read(context: JobContext) -> str:
    services = context.services
    url = services.inventory_url
    assert url is not None
    collector = Collector(store=services.store, read=lambda now: read_inventory(services.client, url, now))
    return collector.collect(services.clock())


JOB = Job(
    name="inventory",
    purpose="Reads how many tickets the shop has left.",
    schedule=Every(60),
    do=_read,
    deadline_s=60.0,
    # A feed that is silent for ten minutes is an alert, so a site that is back must be seen well before.
    backoff=Backoff(first_s=60.0, longest_s=120.0),
    is_configured=lambda services: services.inventory_url is not None,
)
