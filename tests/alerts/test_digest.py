"""The digest: when it is due, what it tells, and that nothing is told twice or left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.digest import digests, is_due
from alerts.hours import BusinessHours
from alerts.policy import Digest, Policy
from facts import Alert, AlertState, Severity

DIGEST = Digest(to=("mail", "chat"))
HOURS = BusinessHours(zone=ZoneInfo("UTC"))
POLICY = Policy(digest=DIGEST, base_url="https://hub.test/")
SINCE = datetime(2026, 11, 30, 16, 45, tzinfo=UTC)
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+00:00")


@pytest.mark.parametrize(
    ("since", "now", "due"),
    [
        ("11-30T10:00:07", "11-30T10:14:59", False),
        ("11-30T10:00:07", "11-30T10:15:00", True),
        ("11-30T10:15:00", "11-30T10:15:10", False),
        ("11-30T10:00:07", "11-30T12:03:00", True),
        ("11-30T16:45:07", "11-30T17:00:05", False),
        ("11-30T16:45:07", "12-01T08:59:59", False),
        ("11-30T16:45:07", "12-01T09:00:00", True),
        ("11-30T16:45:07", "12-01T09:07:00", True),
    ],
)
def test_a_digest_is_due_when_a_period_ended_in_business_hours(since: str, now: str, due: bool) -> None:
    assert is_due(DIGEST, HOURS, since=moment(since), now=moment(now)) is due


def an_alert(name: str, *, fired: str | None, resolved: str | None = None, **facts: Any) -> Alert:
    state = AlertState.RESOLVED if resolved else AlertState.FIRING if fired else AlertState.PENDING
    began = moment(fired) if fired else SINCE
    return Alert(
        **{
            "id": name,
            "key": name,
            "rule": name,
            "severity": Severity.HIGH,
            "state": state,
            "episode": 1,
            "pending_since": began,
            "summary": name,
            "title": name,
            "incident": "inc-1",
            "fired_at": moment(fired) if fired else None,
            "resolved_at": moment(resolved) if resolved else None,
            **facts,
        }
    )


@pytest.mark.parametrize(
    ("alert", "says"),
    [
        (an_alert("a", fired="11-30T20:00", resolved="11-30T21:00"), "1 fired and recovered"),
        (an_alert("a", fired="11-30T20:00"), "1 still firing"),
        (an_alert("a", fired="11-30T16:00", resolved="11-30T21:00"), "1 recovered"),
        (an_alert("a", fired="11-30T20:00", severity=Severity.MEDIUM), "1 still firing"),
        (an_alert("a", fired="11-30T16:00"), None),
        (an_alert("a", fired="11-30T16:00", resolved="11-30T16:40"), None),
        (an_alert("a", fired="11-30T20:00", severity=Severity.CRITICAL), None),
        (an_alert("a", fired="11-30T20:00", inhibited_by="F0/x"), None),
        (an_alert("a", fired="11-30T20:00", resolved="11-30T21:00", incident=None), None),
        (an_alert("a", fired=None, resolved="11-30T20:00", state=AlertState.DROPPED), None),
    ],
)
def test_a_digest_tells_what_fired_or_recovered_since_the_last_one(alert: Alert, says: str | None) -> None:
    found = digests([alert], POLICY, since=SINCE, now=NOW)
    assert [one.destination for one in found] == (["mail", "chat"] if says else [])
    for one in found:
        assert one.message["headline"] == f"Digest since Mon 16:45 UTC: {says}"
        assert [line["alert"] for line in one.message["lines"]] == ["a"]
        assert one.message["links"] == [{"name": "All alerts", "url": "https://hub.test/alerts"}]


def test_what_still_fires_comes_first() -> None:
    over, firing = (
        an_alert("over", fired="11-30T20:00", resolved="11-30T21:00"),
        an_alert("firing", fired="11-30T22:00"),
    )
    (first, _) = digests([over, firing], POLICY, since=SINCE, now=NOW)
    assert [line["alert"] for line in first.message["lines"]] == ["firing", "over"]
    assert first.message["headline"].endswith("1 still firing, 1 fired and recovered")


def test_each_moment_is_in_one_digest() -> None:
    alert = an_alert("a", fired="11-30T20:00")
    fired = moment("11-30T20:00")
    assert digests([alert], POLICY, since=fired - timedelta(minutes=15), now=fired)
    assert digests([alert], POLICY, since=fired, now=fired + timedelta(minutes=15)) == ()


def test_where_nothing_happened_there_is_no_digest() -> None:
    assert digests([], POLICY, since=SINCE, now=NOW) == ()
    assert digests([an_alert("a", fired="11-30T20:00")], Policy(), since=SINCE, now=NOW) == ()
