"""A hub in this process that can be taken away and comes back at the same address, with its runs for a look."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from alerts.policy import Policy
from config import Location, Locations
from config.locations import JourneyPlan
from demo.serve import Served
from hub.access import Access
from hub.app import create_app
from hub.artifacts import Artifacts
from hub.context import HubContext
from hub.guard import Guard
from hub.ingest import Ingest
from hub.server_key import ServerKey
from hub.watched import Watched
from journeys.site import Site
from runner.clock import utc_now
from store import Store, runners
from store.tables import claims, duplicates, runs
from tests.shipped import shipped_targets

GA, PLACE = "ga_purchase", "us-east"


def one_journey(period_s: int) -> Watched:
    """GA at us-east."""
    return Watched(
        site=Site(base_url="http://127.0.0.1:9", cities={"Dallas": "dallas"}),
        locations=Locations(
            locations={PLACE: Location()}, journeys={GA: JourneyPlan(every=f"{period_s}s", locations=[PLACE])}
        ),
    )


class SharedHub:
    """Takes the runs of what is watched."""

    def __init__(
        self, store: Store, folder: Path, *, watched: Watched, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.store, self._watched = store, watched
        self.targets, self.policy = shipped_targets(), Policy()
        schedules = watched.schedules()
        self._centre = HubContext(
            store=store,
            watched=watched,
            targets=self.targets,
            policy=self.policy,
            ingest=Ingest(
                store,
                locations=watched.locations.locations,
                periods={name: schedule.period_s for name, schedule in schedules.items()},
            ),
            artifacts=Artifacts(store, folder / "evidence"),
            guard=Guard(store, ServerKey(b"the key of the hub in the drills"), Access()),
            clock=clock,
        )
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self._port: int = sock.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._served: Served | None = None

    @property
    def grid_slots(self) -> list[datetime]:
        """Every slot from the first that has a record to the last."""
        known = sorted(self.records())
        return [known[0], *self._watched.schedules()[GA].grids[PLACE].between(known[0], known[-1])]

    def start(self) -> None:
        """Be there."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", self._port))
        self._served = Served(create_app(self._centre), [sock])
        self._served.start()

    def stop(self) -> None:
        """Be away."""
        if self._served is not None:
            self._served.stop()
            self._served = None

    def records(self) -> dict[datetime, str]:
        """The status of each slot that has a record."""
        with self.store.read() as connection:
            found = connection.execute(select(runs.c.slot, runs.c.status).where(runs.c.slot.is_not(None)))
            return {row.slot: row.status for row in found}

    def outcomes(self) -> list[tuple[str, datetime, str]]:
        """Journey, slot and status of each record, in order."""
        with self.store.read() as connection:
            query = select(runs.c.journey, runs.c.slot, runs.c.status).where(runs.c.slot.is_not(None))
            return sorted((row.journey, row.slot, row.status) for row in connection.execute(query))

    def duplicates(self) -> list[datetime]:
        """The slots of the records that came second."""
        with self.store.read() as connection:
            return list(connection.execute(select(duplicates.c.slot).order_by(duplicates.c.slot)).scalars())

    def claimed(self) -> list[datetime]:
        """The slots that somebody claimed."""
        with self.store.read() as connection:
            return list(connection.execute(select(claims.c.slot)).scalars())

    def heard(self, since: datetime | None = None) -> list[str]:
        """The runners that were heard since a moment."""
        with self.store.read() as connection:
            return [r.id for r in runners.heard(connection, since=since or datetime(2020, 1, 1, tzinfo=UTC))]

    def late_s(self, slot: datetime) -> float:
        """How late the run of a slot began."""
        with self.store.read() as connection:
            began = connection.execute(select(runs.c.started_at).where(runs.c.slot == slot)).scalar_one()
        late: float = (began - slot).total_seconds()
        return late
