"""The public status page's files: what they say of outages, unknown days and names that somebody chose badly."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from facts import Alert, AlertState, Severity, Traits, Verdict, VerdictStatus
from facts.traits import Family
from reports.charts import DayCell
from reports.status import Component, ComponentState, Look, StatusSummary, badge, incidents_of, state_of, status_files
from tests.reports.markup import parsed

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
GA, VIP = "ga_purchase", "vip_member_discount"
NAMES = {GA: "Buying tickets", VIP: "Member discount"}
FAILS = Traits(kind="quorum", family=Family.JOURNEY, from_runs=True, journey_fails=True)
SLOW = Traits(kind="latency", family=Family.JOURNEY, from_runs=True)
EVIL = '"><script>alert(1)</script>\x1b[2J\u202e'


def an_alert(began: float, ended: float | None = None, **facts: Any) -> Alert:
    """An alert that began so many minutes ago and ended so many minutes ago."""
    at = NOW - timedelta(minutes=began)
    over = NOW - timedelta(minutes=ended) if ended is not None else None
    usual: dict[str, Any] = {
        "id": f"F0.ga_purchase.{began:.0f}",
        "key": "F0.ga_purchase",
        "rule": "F0",
        "severity": Severity.CRITICAL,
        "state": AlertState.RESOLVED if over else AlertState.FIRING,
        "episode": 1,
        "pending_since": at,
        "fired_at": at,
        "resolved_at": over,
        "summary": "fails at us-east: GET /secret answered 500",
        "journey": GA,
        "traits": FAILS,
    }
    return Alert(**{**usual, **facts})


def a_verdict(status: VerdictStatus = VerdictStatus.MET) -> Verdict:
    return Verdict(rule="F0", verdict=status, summary="", journey=GA, traits=FAILS)


def state(*alerts: Alert, verdicts: tuple[Verdict, ...] = (a_verdict(),), judged: float | None = 0) -> ComponentState:
    judged_at = NOW - timedelta(minutes=judged) if judged is not None else None
    return state_of(GA, alerts, verdicts, judged_at=judged_at, stale_before=NOW - timedelta(minutes=5))


def test_a_component_is_in_the_worst_state_that_a_visitor_would_notice() -> None:
    slow, down = an_alert(9, traits=SLOW, severity=Severity.HIGH), an_alert(8)
    assert state() is ComponentState.OPERATIONAL
    assert state(slow) is ComponentState.DEGRADED
    assert state(slow, down) is ComponentState.OUTAGE
    assert state(replace(down, journey=VIP)) is ComponentState.OPERATIONAL
    assert state(replace(down, inhibited_by="W1")) is ComponentState.OPERATIONAL
    assert state(an_alert(9, 3)) is ComponentState.OPERATIONAL
    assert state(an_alert(9, traits=Traits(kind="threshold", family=Family.BUSINESS))) is ComponentState.OPERATIONAL


def test_what_nothing_is_known_of_is_never_operational() -> None:
    assert state(verdicts=()) is ComponentState.UNKNOWN
    assert state(judged=None) is ComponentState.UNKNOWN
    assert state(judged=6) is ComponentState.UNKNOWN
    for status in (VerdictStatus.NO_DATA, VerdictStatus.ERROR, VerdictStatus.OFF):
        assert state(verdicts=(a_verdict(), a_verdict(status))) is ComponentState.UNKNOWN
    assert state(an_alert(9), verdicts=(), judged=None) is ComponentState.OUTAGE


def test_alerts_that_overlap_are_one_incident_with_the_worst_state() -> None:
    found = incidents_of(
        [
            an_alert(300, 280),
            an_alert(100, 60, severity=Severity.HIGH, traits=SLOW),
            an_alert(90, 50),
            an_alert(47, 40),
            an_alert(70, 65, journey=VIP),
        ],
        NAMES,
    )
    told = [
        (one.component, one.state.value, *((NOW - at).seconds // 60 for at in (one.began_at, one.ended_at or NOW)))
        for one in found
    ]
    assert told == [
        (VIP, "outage", 70, 65),
        (GA, "outage", 100, 40),
        (GA, "outage", 300, 280),
    ]


def test_an_incident_is_open_while_one_of_its_alerts_is() -> None:
    (one,) = incidents_of([an_alert(100, 60), an_alert(90)], NAMES)
    assert one.ended_at is None


@pytest.mark.parametrize(
    "facts",
    [
        {"inhibited_by": "W1"},
        {"closed": "the location was removed"},
        {"needs_review": True},
        {"fired_at": None, "state": AlertState.PENDING},
        {"severity": Severity.MEDIUM},
        {"journey": None},
        {"journey": "gone"},
        {"traits": None},
    ],
)
def test_what_was_no_outage_for_visitors_is_no_incident(facts: dict[str, Any]) -> None:
    assert incidents_of([an_alert(10, 5, **facts)], NAMES) == ()


def a_summary(*alerts: Alert, names: dict[str, str] = NAMES) -> StatusSummary:
    days = [DayCell(day=(NOW - timedelta(days=back)).date(), n=288) for back in range(89, 0, -1)]
    days[3], days[5], days[-1] = (replace(days[3], n=0), replace(days[5], bad=288), replace(days[-1], bad=12))
    components = tuple(
        Component(
            id=journey,
            name=name,
            state=state(*alerts) if journey == GA else ComponentState.OPERATIONAL,
            days=tuple(days),
        )
        for journey, name in names.items()
    )
    return StatusSummary(at=NOW, components=components, incidents=incidents_of(alerts, names))


LOOK = Look(title="6FB Tickets", url="https://status.example.com")


def test_the_page_says_what_does_not_work_and_since_when_and_nothing_internal() -> None:
    files = status_files(a_summary(an_alert(1500, 1440), an_alert(30)), LOOK)
    page = parsed(files["index.html"])
    assert "Outage: Buying tickets" in page.text
    assert "Buying tickets: outage since 20 Nov 2026 11:30 UTC." in page.text
    assert "Buying tickets: outage from 19 Nov 2026 11:00 to 12:00 UTC (60 min)." in page.text
    assert "#2026-11-19" in page.links()
    assert {"2026-11-19", "2026-11-20"} <= {a.get("id") for a in page.all("div")}
    everything = "".join(files.values())
    for internal in ("us-east", "/secret", "F0", "sixfb"):
        assert internal not in everything


def test_each_day_has_its_kind_and_unknown_is_no_success() -> None:
    files = status_files(a_summary(), LOOK)
    kinds = [a["class"] for a in parsed(files["index.html"]).all("li")][:89]
    assert (kinds[3], kinds[5], kinds[-1], kinds[0]) == ("unknown", "all", "some", "ok")
    assert "Everything works" in files["index.html"]
    assert "98.8" in files["index.html"]
    days = json.loads(files["status.json"])["components"][0]["days"]
    assert (days[3]["checks"], days[5]["failed"]) == (0, 288)


def test_a_component_without_a_check_has_no_share() -> None:
    empty = Component(id=GA, name="x", state=ComponentState.UNKNOWN, days=(DayCell(day=NOW.date()),))
    files = status_files(StatusSummary(at=NOW, components=(empty,), incidents=()), LOOK)
    assert json.loads(files["status.json"])["components"][0]["passed_share"] is None
    assert "Not known at the moment: x" in files["index.html"]
    nothing = status_files(StatusSummary(at=NOW, components=(), incidents=()), LOOK)
    assert "Nothing is watched yet" in nothing["index.html"]


def test_the_feed_is_rss_and_an_incident_that_ends_is_news_again() -> None:
    guids = []
    for alert in (an_alert(30), an_alert(30, 10)):
        root = ElementTree.fromstring(status_files(a_summary(alert), LOOK)["feed.xml"])
        assert root.findtext("channel/link") == "https://status.example.com"
        assert root.findtext("channel/item/link") == "https://status.example.com#2026-11-20"
        guids.append(root.findtext("channel/item/guid"))
    assert len(set(guids)) == 2


def test_each_component_has_a_badge_with_its_state_in_words() -> None:
    files = status_files(a_summary(an_alert(30)), LOOK)
    assert {"badge.svg", f"badge-{GA}.svg", f"badge-{VIP}.svg"} <= set(files)
    root = ElementTree.fromstring(files[f"badge-{GA}.svg"])
    assert root.get("aria-label") == "Buying tickets: outage"
    assert "operational" in files[f"badge-{VIP}.svg"]


def test_names_that_somebody_chose_badly_are_harmless() -> None:
    look = Look(
        title=EVIL, home="https://shop.example.com/", logo=("image/svg+xml", b"<svg><script>alert(2)</script></svg>")
    )
    files = status_files(a_summary(an_alert(30), names={GA: EVIL, "../../etc/x": EVIL}), look)
    page = parsed(files["index.html"])
    assert len(page.all("script")) == 1
    assert "\u202e" not in "".join(files.values())
    assert "\x1b" not in files["index.html"] + files["feed.xml"] + badge(EVIL, ComponentState.OUTAGE)
    assert all("/" not in name and ".." not in name for name in files)
    for name in ("feed.xml", "badge.svg"):
        ElementTree.fromstring(files[name])
