"""The guide's night: what is critical at 03:00 wakes people, climbs, stops and ends; what can wait waits for the opening.

The shipped files as the demo uses them, on a simulated clock; every message that a receiver gets is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.channels import Receipt
from alerts.message import Message
from alerts.routes import routing_from
from cli.demo import ahead_of_now, demo_alerts, with_demo_contacts
from config import Document, read_document
from facts import Blame, NotificationKind, Status
from hub.acknowledge import take_on
from hub.deliver import Deliverer
from sla.targets import Targets
from store import Store
from store import alerts as alert_rows
from tests.hub.conftest import Bench, a_bench
from tests.shipped import ROOT, shipped_targets

CHICAGO = ZoneInfo("America/Chicago")
DEMO_SCALE = 5
_ADDRESSES = ("SLACK_EMERGENCY_WEBHOOK", "SLACK_OPS_WEBHOOK", "PAGERDUTY_API_BASE", "TWILIO_API_BASE", "ALERT_WEBHOOK")
RECEIVERS = {
    **dict.fromkeys(_ADDRESSES, "https://receiver.test/x"),
    "PAGERDUTY_ROUTING_KEY": "d" * 32,
    "TWILIO_ACCOUNT_SID": f"AC{'d' * 32}",
    "TWILIO_AUTH_TOKEN": "t" * 32,
}
TARGETS = Targets({name: shipped_targets().rules()[name] for name in ("A1s", "X2")}).scaled(DEMO_SCALE)
PHONES = {"eng-lead/phone", "devops-lead/phone", "oncall/phone"}
AT_ONCE = {"slack-emergency", "mail-critical", "pagerduty", "webhook", *PHONES}
"""Both mailboxes are of one destination."""


@dataclass
class Night:
    """A demo's hub that begins at a local time, with receivers that note what they get."""

    bench: Bench
    at: str
    opens: str = "09:00"
    got: list[tuple[datetime, str, Message]] = field(default_factory=list)
    failed_logins: int = 0

    def __post_init__(self) -> None:
        data = demo_alerts(
            with_demo_contacts(read_document(ROOT / "alerts.yaml").data, mail_port=2525), RECEIVERS, zone=CHICAGO
        )
        data["business_hours"]["from"] = self.opens
        routing = routing_from(Document("alerts.yaml", data))
        reachable = sorted(routing.reachable(RECEIVERS))
        policy = routing.policy(base_url="http://hub.test", scale=DEMO_SCALE, calendars={}, reachable=reachable)
        assert policy.hours is not None
        hours = replace(policy.hours, ahead=ahead_of_now(self.at, CHICAGO, self.bench.now))
        self.policy, self.destinations = replace(policy, hours=hours), data["destinations"]
        self.bench.cycle = replace(self.bench.cycle, policy=self.policy)
        channels: Any = {name: _Note(self, name) for name in routing.channels(RECEIVERS)}
        self.deliverer = Deliverer(
            store=self.bench.store, channels=channels, holder="night", clock=lambda: self.bench.now, scale=DEMO_SCALE
        )

    def goes_on(
        self, minutes: float, *, step_s: float = 20.0, buys: bool = True, broken: bool = False, attack: bool = False
    ) -> None:
        """Buy once a minute at each location; log in and fail ten times a minute in an attack."""
        ends = self.bench.now + timedelta(minutes=minutes)
        bought = None
        while self.bench.now < ends:
            if bought is None or self.bench.now - bought >= timedelta(minutes=1):
                bought = self.bench.now
                if buys:
                    self._buy(broken=broken)
                if attack:
                    self._attack()
            assert self.bench.tick(step_s).wrote
            self.deliverer.deliver()

    def _buy(self, *, broken: bool) -> None:
        how: dict[str, Any] = {"status": Status.PASSED, "blame": None, "attempts": ()}
        if broken:
            how = {
                "status": Status.FAILED,
                "blame": Blame.SITE,
                "failed_step": "proceed_to_stripe",
                "error": "answered 500",
            }
        for place in ("us-east", "us-west", "eu-west"):
            self.bench.send(self.bench.slot_run(place, minutes_ago=0.1, **how))

    def _attack(self) -> None:
        events = []
        for _ in range(10):
            self.failed_logins += 1
            at = self.bench.now.isoformat()
            events.append({"id": f"login-{self.failed_logins}", "at": at, "level": "warn", "name": "login_failed"})
        assert self.bench.client.post("/api/events", json=events).status_code == 200

    def told(self, kind: NotificationKind = NotificationKind.FIRING, *, since: datetime | None = None) -> Counter[str]:
        """How often each receiver was told."""
        return Counter(name for at, name, one in self.got if one.kind is kind and (since is None or at > since))

    def acknowledge(self) -> None:
        with self.bench.store.read() as connection:
            alert = next(alert for alert in alert_rows.standing(connection) if alert.rule == "A1s")
        take_on(self.bench.store, self.policy, alert.id, by="ann", now=self.bench.now)


class _Note:
    """A receiver that takes every message."""

    def __init__(self, night: Night, name: str) -> None:
        self._night, self._name = night, name

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        self._night.got.append((self._night.bench.now, self._name, message))
        return Receipt(ok=True, status=200)


@pytest.fixture
def night(sqlite_store: Store, tmp_path: Path) -> Iterator[Night]:
    """Tuesday, 03:00 in Chicago."""
    with a_bench(sqlite_store, tmp_path, targets=TARGETS) as bench:
        yield Night(bench, "2026-03-03 03:00")


def test_what_is_critical_at_night_reaches_everybody_climbs_and_ends_for_all(night: Night) -> None:
    night.goes_on(1)
    assert night.got == []
    night.goes_on(0.5, broken=True)
    assert night.told() == dict.fromkeys(AT_ONCE, 1)
    assert all(one.startswith("<@U") for one in night.destinations["slack-emergency"]["mentions"])
    assert len(night.destinations["mail-critical"]["to"]) == 2
    # The tiers of 5 and 15 minutes, five times as fast.
    night.goes_on(1, broken=True)
    second = Counter({"cto/phone": 1, "product-manager/phone": 1})
    assert night.told() == Counter(AT_ONCE) + second
    night.goes_on(2, broken=True)
    everybody = Counter({*PHONES, "cto/phone", "product-manager/phone", "ceo/phone"})
    assert night.told() == Counter(AT_ONCE) + second + everybody
    night.goes_on(3)
    assert night.told(NotificationKind.RESOLVED) == dict.fromkeys(AT_ONCE | set(everybody), 1)
    ended = night.bench.now
    night.goes_on(2)
    assert [one for one in night.got if one[0] > ended] == []


def test_an_acknowledgement_stops_the_climb_and_everybody_who_was_told_hears_of_the_end(night: Night) -> None:
    night.goes_on(1)
    night.goes_on(0.5, broken=True)
    night.acknowledge()
    acknowledged = night.bench.now
    night.goes_on(4, broken=True)
    assert night.told() == dict.fromkeys(AT_ONCE, 1)
    assert night.told(since=acknowledged) == {}
    night.goes_on(3)
    assert night.told(NotificationKind.RESOLVED) == dict.fromkeys(AT_ONCE, 1)


@pytest.mark.parametrize("goes_on", [False, True], ids=["over by then", "still going on"])
def test_an_attack_at_night_waits_for_the_opening_and_arrives_in_the_digest(
    sqlite_store: Store, tmp_path: Path, goes_on: bool
) -> None:
    """A night that ends at 03:08, so that the test does: what waits for six hours waits alike."""
    with a_bench(sqlite_store, tmp_path, targets=TARGETS) as bench:
        night = Night(bench, "2026-03-03 03:00", opens="03:08")
        night.goes_on(3, buys=False, attack=True)
        night.goes_on(4.6, buys=False, attack=goes_on)
        assert night.got == []
        night.goes_on(4, buys=False, attack=goes_on)
        (digest, *_) = [message for _, name, message in night.got if name == "mail-team"]
        assert "Many logins failed" in f"{digest}" if not goes_on else "Many logins fail" in f"{digest}"
        told = {name for _, name, _ in night.got}
        assert told == {"mail-team"} if not goes_on else told >= {"mail-team", "slack-ops", "webhook"}
