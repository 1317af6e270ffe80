"""A hub that ticks as fast as it can: `python -m tests.drills.hub FOLDER PORT HOOK [FAILPOINT NTH]`; DATABASE_URL as always.

Every message is owed to HOOK, and to the addresses in `DRILL_OTHER_HOOKS`, which blanks part. With `DRILL_SCALE` its whole world is
that many times as fast: periods, windows and waits. It stays the evaluator for `DRILL_LEASE_S` without a word. The failpoint sends
it `DRILL_SIGNAL` instead of SIGKILL; what it passes is written to the file `DRILL_PASSED`. With `DRILL_ESCALATION` each incident has a
ladder of three tiers, seconds apart, and there is a digest; all go to HOOK.
"""

from __future__ import annotations

import ipaddress
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from alerts.channels import Webhook
from alerts.channels.guard import guarded_client
from alerts.directory import Directory
from alerts.escalation import Escalation, Tier
from alerts.policy import Digest, Policy
from config import Location, Locations, Secret
from config.locations import JourneyPlan
from facts import Failpoint, Severity
from hub.serve import Hub, HubSettings
from hub.watched import Watched
from journeys.site import Site
from process.signals import listen
from store import Store, open_store
from tests.drills.dying import dies_at, noted
from tests.shipped import shipped_targets

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
PLACES = ("us-east", "us-west", "eu-west")


def the_watched(scale: float = 1) -> Watched:
    """Both journeys at three locations, at the guide's pace or so many times as fast."""
    return Watched(
        site=Site(base_url="http://127.0.0.1:9", cities={"Dallas": "dallas"}),
        locations=Locations(
            locations={place: Location() for place in PLACES},
            journeys={
                "ga_purchase": JourneyPlan(every=f"{300 / scale:.0f}s"),
                "vip_member_discount": JourneyPlan(every=f"{900 / scale:.0f}s"),
            },
        ),
    )


class OneAtATime(Store):
    """Who is frozen with SQLite's lock in hand keeps everybody out until it goes on, which is why several hubs want PostgreSQL.
    Here the failpoint is passed while none of our threads writes."""

    writing = threading.RLock()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction of this process at a time."""
        with self.writing, super().write() as connection:
            yield connection

    def undisturbed(self, at: Failpoint) -> Failpoint:
        """The same failpoint; nobody writes meanwhile."""

        def alone(here: str) -> None:
            with self.writing:
                at(here)

        return alone


TIERS = ("one", "two", "three")


def escalating(policy: Policy) -> Policy:
    """The same policy with a destination for each of three tiers, a second and a half apart, and a digest every two seconds."""
    apart = timedelta(seconds=1.5)
    tiers = tuple(Tier(after=n * apart, recipients={Severity.CRITICAL: (name,)}) for n, name in enumerate(TIERS))
    return replace(
        policy,
        escalation=Escalation(tiers=tiers, repeat_at_most=0, emergency=("hook",)),
        directory=Directory(destinations=frozenset({"hook", *TIERS})),
        digest=Digest(to=("digest",), every=timedelta(seconds=2), severities=frozenset({Severity.CRITICAL})),
    )


def main() -> None:
    folder, port, hook, *failing = sys.argv[1:]
    by = signal.Signals[os.environ.get("DRILL_SIGNAL", "SIGKILL")]
    ending = listen()
    store = open_store(os.environ.get("DATABASE_URL"), folder=Path(folder))
    at = dies_at(failing[0], int(failing[1]), by=by) if failing else dies_at(None)
    if by is signal.SIGSTOP:
        store = quiet = OneAtATime(store._engine)
        at = quiet.undisturbed(at)
    if "DRILL_PASSED" in os.environ:
        at = noted(at, Path(os.environ["DRILL_PASSED"]))
    scale = float(os.environ.get("DRILL_SCALE", "1"))
    targets = shipped_targets()
    hooks = {"hook": hook}
    hooks |= {f"other-{n}": url for n, url in enumerate(os.environ.get("DRILL_OTHER_HOOKS", "").split(), start=1)}
    routes: dict[Severity, tuple[str, ...]] = {Severity.CRITICAL: tuple(hooks), Severity.HIGH: tuple(hooks)}
    policy = Policy(routes={Severity.CRITICAL: tuple(hooks)})
    if scale != 1:
        joining, between = timedelta(minutes=15) / scale, timedelta(minutes=5) / scale
        policy, targets = Policy(routes=routes, join_window=joining, update_every=between), targets.scaled(scale)
    if "DRILL_ESCALATION" in os.environ:
        policy = escalating(policy)
        hooks |= dict.fromkeys((*TIERS, "digest"), hook)
    channels = {
        name: Webhook(url=Secret(url), client=guarded_client(LOOPBACK, environment={})) for name, url in hooks.items()
    }
    hub = Hub(
        store=store,
        watched=the_watched(scale),
        targets=targets,
        policy=policy,
        channels=channels,
        settings=HubSettings(
            folder=Path(folder),
            port=int(port),
            scale=max(20, scale),
            lease_s=float(os.environ.get("DRILL_LEASE_S", "1")),
            claim_s=2.0,
        ),
        at=at,
    )
    hub.start()
    ending.wait()
    hub.stop()


if __name__ == "__main__":
    main()
