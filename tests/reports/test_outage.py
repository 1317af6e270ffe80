"""The six facts of an outage, from alerts, messages and tiers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from facts import (
    Alert,
    Deploy,
    LadderRow,
    LadderStatus,
    Notification,
    NotificationKind,
    NotificationState,
    Recipient,
    Severity,
    Traits,
)
from reports.live.frame import ReaderZone
from reports.live.outage import Outage, OutageNumbers, SalesLost, outage_of
from tests.dashboards import CHICAGO, NOW, an_alert

PLACES = ("eu-west", "us-east", "us-west")
FAILS = Traits(kind="quorum", journey_fails=True)


def a_stop(journey: str = "ga_purchase", **facts: Any) -> Alert:
    usual = {"traits": FAILS, "incident": "inc-1", "counted": PLACES, "runs": ("run-1", "run-2"), "journey": journey}
    return an_alert(**{**usual, **facts})


def numbers(*alerts: Alert, **more: Any) -> OutageNumbers:
    usual: dict[str, Any] = {
        "alerts": alerts,
        "told": [alert for alert in alerts if alert.inhibited_by is None],
        "journeys": {"ga_purchase": PLACES, "vip_member_discount": PLACES},
        "notifications": (),
        "calls": (),
        "deploys": (),
        "sales": SalesLost(),
        "zone": ReaderZone(zone=CHICAGO, business=CHICAGO),
        "now": NOW,
    }
    return OutageNumbers(**{**usual, **more})


def shown(*alerts: Alert, **more: Any) -> Outage:
    found = outage_of(numbers(*alerts, **more))
    assert found is not None
    return found


def fact(outage: Outage, name: str) -> str:
    found = next(one for one in outage.facts if one.name == name)
    return f"{found.said} | {found.detail}"


def a_message(destination: str, state: NotificationState) -> Notification:
    return Notification(
        id=destination,
        thread="inc-1",
        alert_id="A1s.ga_purchase.1",
        destination=destination,
        kind=NotificationKind.FIRING,
        severity=Severity.CRITICAL,
        order=1,
        created_at=NOW,
        due_at=NOW,
        state=state,
    )


def a_tier(tier: int, status: LadderStatus, minutes: float) -> LadderRow:
    return LadderRow(
        id=f"inc-1/{tier}",
        incident="inc-1",
        severity=Severity.CRITICAL,
        round=1,
        tier=tier,
        due_at=NOW + timedelta(minutes=minutes),
        created_at=NOW,
        status=status,
        recipients=(Recipient(role="cto"),),
    )


@pytest.mark.parametrize(
    ("alerts", "headline"),
    [
        ((a_stop(), a_stop("vip_member_discount")), "Nobody can buy a ticket since 16:21."),
        ((a_stop(), a_stop("vip_member_discount", inhibited_by="A1s/x")), "Nobody can buy a ticket since 16:21."),
        ((a_stop(),), "Nobody can finish the GA purchase since 16:21."),
        ((a_stop(counted=PLACES[:2]),), "Buyers at 2 of 3 locations cannot finish the GA purchase since 16:21."),
        (
            (a_stop(counted=PLACES[:2], left_out=("us-west: no result since 22:32:00",)),),
            "Nobody can finish the GA purchase since 16:21.",
        ),
        ((an_alert(title="tickets are oversold"),), "Tickets are oversold, since 16:21."),
    ],
)
def test_the_headline_says_who_cannot_do_what_since_when(alerts: tuple[Alert, ...], headline: str) -> None:
    assert shown(*alerts).headline == headline


def test_the_facts_stand_in_their_order() -> None:
    assert [one.name for one in shown(a_stop()).facts] == ["Who", "Since", "Where", "Why", "Told", "At risk"]


@pytest.mark.parametrize("severity", [Severity.HIGH, Severity.MEDIUM])
def test_an_alert_that_is_not_critical_is_no_outage(severity: Severity) -> None:
    assert outage_of(numbers(a_stop(severity=severity))) is None
    assert outage_of(numbers()) is None


def test_the_deploy_before_it_is_named() -> None:
    alert = a_stop()
    at = alert.began_at - timedelta(seconds=87)
    outage = shown(alert, deploys=(Deploy(id="d", at=at, version="7f3c21a", received_at=at),))
    assert fact(outage, "Since") == "16:21:00 CST, 19 min | First failed run, 87 s after deploy 7f3c21a"
    later = Deploy(id="d", at=NOW, version="after", received_at=NOW)
    assert "after" not in fact(shown(alert, deploys=(later,)), "Since")


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((), "Nobody yet"),
        ((NotificationState.DELIVERED,) * 2, "2 of 2 reached, none answered | a, b"),
        ((NotificationState.DELIVERED, NotificationState.OWED), "1 of 2 reached, none answered | on its way: b"),
        ((NotificationState.DELIVERED, NotificationState.DEAD), "1 of 2 reached, none answered | not reached: b"),
    ],
)
def test_it_says_whom_the_messages_reached(states: tuple[NotificationState, ...], said: str) -> None:
    messages = [a_message(name, state) for name, state in zip("ab", states, strict=False)]
    assert fact(shown(a_stop(), notifications=messages), "Told").startswith(said)


def test_it_says_what_is_at_risk_or_why_that_is_not_known() -> None:
    known = SalesLost(minor_per_minute=6600.0, currency="usd")
    assert fact(shown(a_stop(), sales=known), "At risk").startswith("About $1,254 so far | 19 min × $66")
    assert fact(shown(a_stop()), "At risk").startswith("Not known | no source of sales")
    assert fact(shown(an_alert()), "At risk").startswith("–")


def test_the_next_tier_is_named_until_somebody_acknowledges() -> None:
    tiers = (a_tier(1, LadderStatus.DONE, -5), a_tier(2, LadderStatus.PENDING, 5), a_tier(3, LadderStatus.PENDING, 20))
    outage = shown(a_stop(), calls=tiers)
    assert outage.next_tier.startswith("Next: tier 2 (cto) at 16:45, in 5 min")
    assert [tier.kind for tier in outage.tiers] == ["done", "next", ""]
    taken = [replace(tier, status=LadderStatus.CANCELLED) for tier in tiers]
    outage = shown(a_stop(acked_at=NOW, acked_by="ann"), calls=taken)
    assert (outage.next_tier, outage.can_acknowledge, outage.state) == ("", False, "acknowledged by ann")


def test_one_click_leads_to_the_newest_failing_run() -> None:
    assert shown(a_stop()).run_id == "run-2"
