"""A hub reads its sources in their periods, and lets go of them when it stops."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from alerts.policy import Policy
from facts import Sample, labels
from hub.serve import Hub, HubSettings
from sources import Collected, SourceError, SourceSettings
from store import cursors, feeds, open_store, samples
from store.cursors import CursorState
from tests.drills.hub import the_watched
from tests.shipped import shipped_targets


@dataclass
class CountingSource:
    """Brings how often it was read, or fails always; `enough` is set at the third reading."""

    name: ClassVar[str] = "inventory"
    every_s: ClassVar[float] = 1.0
    site_requests: ClassVar[int] = 0
    fails: bool = False
    readings: int = 0
    closed: bool = False
    enough: threading.Event = field(default_factory=threading.Event)

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Always."""
        return None

    def collect(self, cursor: Any, now: datetime) -> Collected:
        """One more."""
        self.readings += 1
        if self.readings == 3 or self.fails:
            self.enough.set()
        if self.fails:
            raise SourceError("401", permanent=True)
        its = labels(city="dallas", tier="ga")
        sample = Sample(metric="inventory_seats", at=now, value=float(self.readings), labels=its)
        return Collected(samples=[sample], cursor=(cursor or 0) + 1)

    def close(self) -> None:
        """Note it."""
        self.closed = True


def run_hub(folder: Path, source: CountingSource, **stored: Any) -> Mapping[str, Any]:
    """Run a hub until the source was read enough; what the database holds of it then."""
    with closing(open_store(None, folder=folder)) as store:
        store.migrate()
        with store.write() as connection:
            feeds.note_good(connection, "twilio", datetime.now(UTC))
            if stored:
                cursors.advance(connection, CursorState(source=source.name, **stored))
    hub = Hub(
        store=open_store(None, folder=folder),
        watched=the_watched(),
        targets=shipped_targets(),
        policy=Policy(routes={}, base_url="http://hub.test"),
        channels={},
        settings=HubSettings(folder=folder, port=0, sources=[source]),
    )
    hub.start()
    assert source.enough.wait(30)
    assert hub.stop(within_s=30)
    with closing(open_store(None, folder=folder)) as store, store.read() as connection:
        since = datetime.now(UTC) - timedelta(minutes=5)
        return {
            "values": [v for s in samples.read(connection, "inventory_seats", since=since) for _, v in s.points],
            "cursor": cursors.get(connection, source.name),
            "feeds": feeds.states(connection),
        }


def test_a_source_is_read_again_and_again_from_where_it_was(tmp_path: Path) -> None:
    source = CountingSource()
    found = run_hub(tmp_path, source)
    assert source.closed
    assert found["values"] == [float(n + 1) for n in range(source.readings)]
    assert found["cursor"].cursor == source.readings >= 3


def test_the_feed_of_a_source_that_is_configured_no_more_is_forgotten(tmp_path: Path) -> None:
    assert set(run_hub(tmp_path, CountingSource())["feeds"]) == {"inventory"}


def test_a_start_asks_at_once_where_other_settings_were_needed(tmp_path: Path) -> None:
    waits = datetime.now(UTC) + timedelta(minutes=50)
    source = CountingSource(fails=True)
    found = run_hub(tmp_path, source, failures=9, permanent=True, next_try_at=waits)
    assert source.readings >= 1
    assert found["cursor"].failures == 9 + source.readings
