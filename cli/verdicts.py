"""Judges one round as the hub would: ingests, evaluates and alerts, in a separate database."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli import hub_config
from config import read_document, validate
from config.locations import Locations
from demo import Demo
from facts import Alert, Run, Verdict, to_wire


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRound:
    """Holds the result of a round."""

    verdicts: tuple[Verdict, ...]
    alerts: tuple[Alert, ...]

    def to_json(self, runs: Sequence[Run]) -> dict[str, Any]:
        """Return runs, verdicts and alerts as JSON values."""
        return {"runs": to_wire(list(runs)), "verdicts": to_wire(self.verdicts), "alerts": to_wire(self.alerts)}


def judged_round(demo: Demo, runs: Sequence[Run], config: Path, *, door: str, scale: float) -> JudgedRound:
    """Judge a round of the demo."""
    from alerts.routes import routing_from
    from hub.collect import collect_once, source_settings
    from hub.cycle import Cycle
    from hub.ingest import Ingest
    from hub.watched import Watched
    from journeys.site import Site
    from sources.inventory import InventorySource
    from store import alerts as alert_rows
    from store import open_store

    watched = Watched(
        site=validate(Site, read_document(config / "site.yaml")),
        locations=validate(Locations, read_document(config / "locations.yaml")),
    )
    targets = hub_config.read_targets(config / "sla.yaml").scaled(scale)
    policy = routing_from(read_document(config / "alerts.yaml")).policy(base_url="", scale=scale, mark="demo")
    now = datetime.now(UTC)
    inventory = InventorySource(replace(source_settings(watched), base_url=demo.doors[door]))
    with tempfile.TemporaryDirectory(prefix="sixfb-once-") as folder, closing(inventory):
        store = open_store(None, folder=Path(folder))
        store.migrate()
        periods = {name: schedule.period_s for name, schedule in watched.schedules().items()}
        Ingest(store, locations=watched.locations.locations, periods=periods).batch(
            json.dumps({"runs": to_wire(list(runs))}).encode(), now=now
        )
        collect_once(store, inventory, now)
        since = min((run.started_at for run in runs), default=now)
        cycle = Cycle(store=store, watched=watched, targets=targets, policy=policy, watching_since=since)
        tick = cycle.tick(now)
        with store.read() as connection:
            alerts = alert_rows.standing(connection)
        store.close()
    return JudgedRound(verdicts=tick.verdicts, alerts=tuple(alerts))
