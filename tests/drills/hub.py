"""A hub that ticks as fast as it can: `python -m tests.drills.hub FOLDER PORT HOOK [FAILPOINT NTH]`; DATABASE_URL as always."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import httpx

from alerts.channels import KINDS, Addressed
from alerts.policy import Policy
from config import Location, Locations, Secret, read_document
from config.locations import JourneyPlan
from facts import Severity
from hub.serve import Hub, HubSettings
from hub.watched import Watched
from journeys.site import Site
from sla.targets import targets_from
from store import open_store
from tests.drills.dying import dies_at

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("us-east", "us-west", "eu-west")


def the_watched() -> Watched:
    """Both journeys at three locations, at the guide's pace."""
    return Watched(
        site=Site(base_url="http://127.0.0.1:9", cities={"Dallas": "dallas"}),
        locations=Locations(
            locations={place: Location() for place in PLACES},
            journeys={"ga_purchase": JourneyPlan(every="5m"), "vip_member_discount": JourneyPlan(every="15m")},
        ),
    )


def main() -> None:
    folder, port, hook, *failing = sys.argv[1:]
    at = dies_at(failing[0], int(failing[1])) if failing else dies_at(None)
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    store = open_store(os.environ.get("DATABASE_URL"), folder=Path(folder))
    channel = KINDS["webhook"](Addressed(url=Secret(hook), client=httpx.Client(timeout=5)))
    hub = Hub(
        store=store,
        watched=the_watched(),
        targets=targets_from(read_document(ROOT / "sla.yaml")),
        policy=Policy(routes={Severity.CRITICAL: ("hook",)}),
        channels={"hook": channel},
        settings=HubSettings(folder=Path(folder), port=int(port), scale=20, lease_s=1.0, claim_s=2.0),
        at=at,
    )
    hub.start()
    told.wait()
    hub.stop()


if __name__ == "__main__":
    main()
