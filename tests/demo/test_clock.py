"""The demo's business clock: set by `--at`, running on from there, and refused outside of the demo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.hours import BusinessHours
from alerts.policy import Policy
from cli.command_error import CommandError
from cli.demo import ahead_of_now, demo_alerts
from cli.hub import DEMO_AHEAD, demo_clock_notices, with_demo_clock
from config import read_document
from tests.shipped import ROOT

CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 30, 18, 20, 33, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("03:00", "2026-11-30 03:00"),
        ("23:59", "2026-11-30 23:59"),
        ("2026-03-03 03:00", "2026-03-03 03:00"),
        ("2026-03-03T03:00", "2026-03-03 03:00"),
        ("2030-01-01 00:00", "2030-01-01 00:00"),
        # It comes twice: the first one.
        ("2026-11-01 01:30", "2026-11-01 01:30"),
    ],
)
def test_the_clock_shows_what_was_asked_for_and_runs_on(at: str, shown: str) -> None:
    hours = BusinessHours(zone=CHICAGO, ahead=ahead_of_now(at, CHICAGO, NOW))
    assert f"{hours.local(NOW):%Y-%m-%d %H:%M}" == shown
    assert hours.local(NOW + timedelta(minutes=5)) == hours.local(NOW) + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("", "is no time; write it like 03:00"),
        ("3", "is no time"),
        ("3 am", "is no time"),
        ("03:00:30", "is no time"),
        ("25:00", "is no time"),
        ("2026-02-30 03:00", "is no time"),
        ("2026-03-03 03:00+01:00", "is no time"),
        ("0001-01-01 03:00", "is no time"),
        ("2026-03-08 02:30", "2026-03-08 02:30 does not exist in America/Chicago"),
    ],
)
def test_a_time_that_there_is_not_is_refused(at: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        ahead_of_now(at, CHICAGO, NOW)


@pytest.mark.parametrize(
    ("at", "is_open", "opens_in_h"),
    [
        ("2026-03-03 03:00", False, 6.0),  # a Tuesday
        ("2026-03-03 09:00", True, 0.0),
        ("2026-03-03 17:00", False, 16.0),
        ("2026-03-06 17:00", False, 63.0),  # a Friday; the clocks go forward on Sunday
    ],
)
def test_business_hours_open_by_the_clock_that_was_set(at: str, is_open: bool, opens_in_h: float) -> None:
    hours = BusinessHours(zone=CHICAGO, ahead=ahead_of_now(at, CHICAGO, NOW))
    assert hours.is_open(NOW) is is_open
    assert hours.next_opening(NOW) - NOW == timedelta(hours=opens_in_h)
    assert hours.add(NOW, timedelta(hours=1)) - NOW == timedelta(hours=opens_in_h + 1)


def test_the_clock_is_set_in_the_demo_alone_and_every_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy(routes={}, hours=BusinessHours(zone=CHICAGO))
    assert with_demo_clock(policy, is_demo=False) is policy
    assert demo_clock_notices(policy) == ()
    monkeypatch.setenv(DEMO_AHEAD, "3600")
    with pytest.raises(CommandError, match="in the demo alone"):
        with_demo_clock(policy, is_demo=False)
    ahead = with_demo_clock(policy, is_demo=True)
    assert ahead.hours is not None
    assert ahead.hours.ahead == timedelta(hours=1)
    (notice,) = demo_clock_notices(ahead)
    assert "The business's clock is set: it was" in notice
    monkeypatch.setenv(DEMO_AHEAD, "soon")
    with pytest.raises(Exception, match=DEMO_AHEAD):
        with_demo_clock(policy, is_demo=True)


def test_a_demo_has_business_hours_only_where_its_clock_is_set() -> None:
    shipped = read_document(ROOT / "alerts.yaml").data
    assert "business_hours" not in demo_alerts(shipped, {})
    assert demo_alerts(shipped, {}, zone=CHICAGO)["business_hours"]["timezone"] == "America/Chicago"
