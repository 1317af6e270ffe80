"""The shop's own jobs: when each is expected, and when its absence, its failure or a run without an end is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facts import Ping, PingCheck, PingKind, PingState, Severity, Verdict, VerdictStatus, WatchedCheck
from sla.index import HistoryIndex
from sla.judge import judge_by
from sla.ping_times import after_break, expected_at
from sla.scope import why_closed
from sla.targets import Targets
from tests.sla.builders import a_history, the_targets

UUID = "0b3f1fd2-0000-4000-8000-000000000001"
NEW_YORK = "America/New_York"
HOURLY: dict[str, Any] = {"period_s": 3600.0, "grace_s": 600.0}
NIGHTLY: dict[str, Any] = {"cron": "0 3 * * *", "timezone": NEW_YORK, "grace_s": 1800.0}
HB = Targets({"HB": the_targets().rules()["HB"]})


def at(text: str) -> datetime:
    """A moment in UTC: `03-02 10:00` of 2026."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def a_check(**facts: Any) -> PingCheck:
    return PingCheck(**{"name": "backup", "uuid": UUID, **facts})


def told(*pings: tuple[str, str], **facts: Any) -> PingState:
    """What pings add up to, each with its moment and its kind."""
    state = PingState()
    for moment, kind in pings:
        state, _ = state.after(Ping(at=at(moment), kind=PingKind(kind), **facts))
    return state


def verdict(state: PingState, now: str, **check: Any) -> Verdict:
    job = WatchedCheck(check=a_check(**check), state=state)
    (found,) = judge_by(HB, HistoryIndex(a_history(ping_checks=[job]), at(now)))
    return found


@pytest.mark.parametrize(
    ("check", "pings", "now", "status", "breached", "clear"),
    [
        (HOURLY, [], "03-02 10:00", "no_data", False, False),
        (HOURLY, [("01-01 10:00", "log")], "03-02 10:00", "no_data", False, False),
        (HOURLY, [("03-02 10:00", "success")], "03-02 10:59", "met", False, True),
        (HOURLY, [("03-02 10:00", "success")], "03-02 11:00", "off_target", False, False),
        (HOURLY, [("03-02 10:00", "success")], "03-02 11:09", "off_target", False, False),
        (HOURLY, [("03-02 10:00", "success")], "03-02 11:10", "warning", True, False),
        (HOURLY, [("03-02 10:00", "success")], "03-12 11:10", "warning", True, False),
        (HOURLY, [("03-02 10:00", "success"), ("03-02 11:30", "success")], "03-02 11:31", "met", False, True),
        (HOURLY, [("03-02 10:00", "fail")], "03-02 10:01", "warning", True, False),
        (HOURLY, [("03-02 10:00", "fail"), ("03-02 10:01", "log")], "03-02 10:02", "warning", True, False),
        (HOURLY, [("03-02 10:00", "fail"), ("03-02 10:01", "start")], "03-02 10:02", "warning", True, False),
        (HOURLY, [("03-02 10:00", "fail"), ("03-02 10:05", "success")], "03-02 10:06", "met", False, True),
        (HOURLY, [("03-02 10:00", "start")], "03-02 10:09", "insufficient", False, False),
        (HOURLY, [("03-02 10:00", "start")], "03-02 10:10", "warning", True, False),
        (HOURLY, [("03-02 10:00", "start"), ("03-02 10:05", "success")], "03-02 10:30", "met", False, True),
        (HOURLY, [("03-02 10:00", "success"), ("03-02 10:55", "start")], "03-02 11:04", "off_target", False, False),
        (HOURLY, [("03-02 10:00", "success"), ("03-02 10:55", "start")], "03-02 11:05", "warning", True, False),
        (NIGHTLY, [("03-02 08:05", "success")], "03-03 07:59", "met", False, True),
        (NIGHTLY, [("03-02 08:05", "success")], "03-03 08:29", "off_target", False, False),
        (NIGHTLY, [("03-02 08:05", "success")], "03-03 08:30", "warning", True, False),
    ],
)
def test_a_job_is_down_when_it_is_late_has_failed_or_has_not_finished(
    check: dict[str, Any], pings: list[tuple[str, str]], now: str, status: str, breached: bool, clear: bool
) -> None:
    found = verdict(told(*pings), now, **check)
    assert (found.verdict.value, found.breached, found.clear) == (status, breached, clear)


@pytest.mark.parametrize(
    ("cron", "timezone", "last", "expected"),
    [
        ("0 3 * * *", "UTC", "03-02 03:05", "03-03 03:00"),
        ("0 3 * * *", NEW_YORK, "03-02 08:05", "03-03 08:00"),
        # The job's machine is ten seconds ahead of the hub.
        ("0 3 * * *", "UTC", "03-02 02:59", "03-02 03:00"),
        # 2026-03-08: 02:00 is followed by 03:00. 02:30 is made up for at 03:00, the days around it are as long as they are.
        ("30 2 * * *", NEW_YORK, "03-07 07:31", "03-08 07:00"),
        ("30 2 * * *", NEW_YORK, "03-08 07:01", "03-09 06:30"),
        ("0 3 * * *", NEW_YORK, "03-07 08:01", "03-08 07:00"),
        ("0 12 * * *", NEW_YORK, "03-07 17:01", "03-08 16:00"),
        # 2026-11-01: 01:00 to 02:00 comes twice, and a job of 01:30 runs once.
        ("30 1 * * *", NEW_YORK, "10-31 05:31", "11-01 05:30"),
        ("30 1 * * *", NEW_YORK, "11-01 05:31", "11-02 06:30"),
        ("0 12 * * *", NEW_YORK, "10-31 16:01", "11-01 17:00"),
        # One that runs by the hour runs in each of the 25.
        ("0 * * * *", NEW_YORK, "11-01 05:01", "11-01 06:00"),
        ("0 9 * * 1-5", "UTC", "03-06 09:01", "03-09 09:00"),
        ("0 0 29 2 *", "UTC", "03-01 00:00", None),
    ],
)
def test_a_job_is_expected_by_the_clock_of_its_zone(cron: str, timezone: str, last: str, expected: str | None) -> None:
    found = expected_at(a_check(cron=cron, timezone=timezone, grace_s=60), told((last, "success")))
    assert found == (at(expected) if expected else datetime(2028, 2, 29, tzinfo=UTC))


def test_a_job_whose_clock_is_ahead_by_seconds_has_pinged_for_the_time_that_follows() -> None:
    state, _ = PingState().after(Ping(at=at("03-02 02:59") + timedelta(seconds=50), kind=PingKind.SUCCESS))
    assert expected_at(a_check(**{**NIGHTLY, "timezone": "UTC"}), state) == at("03-03 03:00")


@pytest.mark.parametrize(
    ("check", "pings", "gap", "now", "breached"),
    [
        # The hub was down when the job pinged: the next time counts.
        (HOURLY, [("03-02 10:00", "success")], ("03-02 10:50", "03-02 11:20"), "03-02 11:21", False),
        (HOURLY, [("03-02 10:00", "success")], ("03-02 10:50", "03-02 11:20"), "03-02 12:09", False),
        (HOURLY, [("03-02 10:00", "success")], ("03-02 10:50", "03-02 11:20"), "03-02 12:10", True),
        (NIGHTLY, [("03-02 08:05", "success")], ("03-03 08:10", "03-03 08:12"), "03-03 08:40", False),
        (NIGHTLY, [("03-02 08:05", "success")], ("03-03 08:10", "03-03 08:12"), "03-04 08:30", True),
        (HOURLY, [("03-02 10:00", "success")], ("03-02 10:10", "03-05 10:10"), "03-05 10:30", False),
        (HOURLY, [("03-02 10:00", "success")], ("03-02 10:10", "03-05 10:10"), "03-05 11:10", True),
        # It was down at another time: nothing is put off.
        (HOURLY, [("03-02 10:00", "success")], ("03-02 10:10", "03-02 10:40"), "03-02 11:10", True),
        (NIGHTLY, [("03-02 08:05", "success")], ("03-02 12:00", "03-02 20:00"), "03-03 08:30", True),
        # What was late before stays late, and a failure stays one.
        (HOURLY, [("03-02 10:00", "success")], ("03-02 11:20", "03-02 11:40"), "03-02 11:41", True),
        (HOURLY, [("03-02 10:00", "fail")], ("03-02 10:50", "03-02 11:20"), "03-02 11:21", True),
        # The end of a run may be lost, and so may the result that it would have been.
        (
            HOURLY,
            [("03-02 10:00", "success"), ("03-02 10:57", "start")],
            ("03-02 11:00", "03-02 11:20"),
            "03-02 11:21",
            False,
        ),
        (HOURLY, [("03-02 10:00", "start")], ("03-02 10:05", "03-02 10:20"), "03-02 10:21", False),
        (HOURLY, [("03-02 10:00", "start")], ("03-02 10:15", "03-02 10:20"), "03-02 10:21", True),
        # A job that never pinged has nothing to be late with.
        (HOURLY, [], ("03-02 10:00", "03-02 10:20"), "03-09 10:21", False),
    ],
)
def test_what_a_job_may_have_pinged_while_nobody_listened_is_not_held_against_it(
    check: dict[str, Any], pings: list[tuple[str, str]], gap: tuple[str, str], now: str, breached: bool
) -> None:
    state = after_break(a_check(**check), told(*pings), last_tick=at(gap[0]), now=at(gap[1]))
    assert verdict(state, now, **check).breached is breached


def test_restarts_at_other_times_do_not_put_a_job_off_for_ever() -> None:
    """A hub that is down for ten minutes every twenty hours: a job that stays away is told a day later all the same."""
    check, state = a_check(**NIGHTLY), told(("03-02 08:05", "success"))
    for hours in range(4, 60, 20):
        gap = at("03-02 08:00") + timedelta(hours=hours)
        state = after_break(check, state, last_tick=gap, now=gap + timedelta(minutes=10))
    assert verdict(state, "03-04 20:00", **NIGHTLY).breached


def test_a_clock_that_was_ahead_leaves_no_moments_in_the_future() -> None:
    ahead = told(("03-05 10:00", "success"), ("03-05 10:01", "start"))
    state = after_break(a_check(**HOURLY), ahead, last_tick=at("03-05 10:02"), now=at("03-02 10:02"))
    assert (state.result and state.result.at, state.started_at) == (at("03-02 10:02"), at("03-02 10:02"))
    assert verdict(state, "03-02 10:12", **HOURLY).breached


@pytest.mark.parametrize(
    ("check", "pings", "now", "said"),
    [
        (
            NIGHTLY,
            [("03-02 08:05", "success")],
            "03-03 08:30",
            "backup: no ping since 2026-03-02 03:05 EST; one was expected at 03:00 EST, by 03:30 EST at the latest",
        ),
        (
            NIGHTLY,
            [("03-02 08:05", "success"), ("03-03 08:00", "start")],
            "03-03 08:31",
            "backup: it started at 03:00 EST and has not finished within 30 min; it last succeeded at 2026-03-02 03:05 EST",
        ),
        (
            HOURLY,
            [("03-02 10:00", "fail")],
            "03-02 10:01",
            "backup: it failed at 10:00 UTC, and has not succeeded since",
        ),
    ],
)
def test_an_alert_names_the_job_its_last_ping_and_by_when_it_was_expected(
    check: dict[str, Any], pings: list[tuple[str, str]], now: str, said: str
) -> None:
    assert verdict(told(*pings), now, **check).summary == said


def test_an_alert_quotes_the_exit_code_and_the_last_output() -> None:
    found = verdict(
        told(("03-02 10:00", "fail"), exit_status=3, body=f"\n  disk full\n{'x' * 500}"), "03-02 10:01", **HOURLY
    )
    assert found.summary.endswith(
        "it failed with exit code 3 at 10:00 UTC, and has not succeeded since; last output: disk full"
    )
    assert found.title == "A job does not report its runs: backup"
    long = verdict(told(("03-02 10:00", "fail"), body="x" * 500), "03-02 10:01", **HOURLY)
    assert len(long.summary) < 260


def test_a_job_may_have_a_severity_of_its_own() -> None:
    late = told(("03-02 10:00", "success"))
    assert verdict(late, "03-02 12:00", **HOURLY).severity is Severity.HIGH
    critical = verdict(late, "03-02 12:00", **HOURLY, severity=Severity.CRITICAL)
    assert (critical.severity, critical.verdict) == (Severity.CRITICAL, VerdictStatus.CRITICAL)


def test_without_jobs_the_rule_is_off_and_the_alert_of_a_job_that_is_gone_is_closed() -> None:
    index = HistoryIndex(a_history(), at("03-02 10:00"))
    assert [one.verdict for one in judge_by(HB, index)] == [VerdictStatus.OFF]
    gone = verdict(told(("03-02 10:00", "fail")), "03-02 10:01", **HOURLY)
    assert why_closed(gone, HB, index) == "site.yaml names no job backup any more (pings)"
