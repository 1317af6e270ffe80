"""One round, judged as the hub would: taken in, evaluated, and alerted on, in a database of its own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from cli import watching
from config import read_document, validate
from config.bounded_http import bounded_client
from config.locations import Locations
from demo import Demo
from facts import Alert, Run, Verdict, to_wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of a round."""

    verdicts: tuple[Verdict, ...]
    alerts: tuple[Alert, ...]

    def to_json(self, runs: Sequence[Run]) -> dict[str, Any]:
        """Runs, verdicts and alerts."""
        return {"runs": to_wire(list(runs)), "verdicts": to_wire(self.verdicts), "alerts": to_wire(self.alerts)}


def judged_round(demo: Demo, runs: Sequence[Run], config: Path, *, door: str, scale: float) -> Judged:
    """Judge a round of the demo."""
    from alerts.routes import routing_from
    from hub.cycle import Cycle
    from hub.ingest import Ingest
    from hub.jobs.inventory import Collector
    from hub.watched import Watched
    from journeys.site import Site
    from sources import LARGEST_ANSWER, SourceError, read_inventory
    from store import alerts as alert_rows
    from store import open_store

    watched = Watched(
        site=validate(Site, read_document(config / "site.yaml")),
        locations=validate(Locations, read_document(config / "locations.yaml")),
    )
    targets = watching.read_targets(config / "sla.yaml").scaled(scale)
    policy = routing_from(read_document(config / "alerts.yaml")).policy(base_url="", scale=scale, mark="demo")
    now = datetime.now(UTC)
    asking = bounded_client(timeout_s=10.0, most_bytes=LARGEST_ANSWER)
    with tempfile.TemporaryDirectory(prefix="sixfb-once-") as folder, asking as client:
        store = open_store(None, folder=Path(folder))
        store.migrate()
        periods = {name: schedule.period_s for name, schedule in watched.schedules().items()}
        Ingest(store, locations=watched.locations.locations, periods=periods).batch(
            json.dumps({"runs": to_wire(list(runs))}).encode(), now=now
        )
        with suppress(SourceError):  # it is noted with the feed, and judged
            Collector(store=store, read=partial(read_inventory, client, demo.doors[door])).collect(now)
        since = min((run.started_at for run in runs), default=now)
        cycle = Cycle(store=store, watched=watched, targets=targets, policy=policy, watching_since=since)
        tick = cycle.tick(now)
        with store.read() as connection:
            alerts = alert_rows.standing(connection)
        store.close()
    return Judged(verdicts=tick.verdicts, alerts=tuple(alerts))
