"""Slots of jobs: each local one exactly once, on days of 23, 24 and 25 hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.jobs.schedule import AtLocalTime, Every, JobSchedule, JobSlot, daily, moment_of, monthly, weekly

BERLIN, NEW_YORK, LORD_HOWE, APIA, SAO_PAULO = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def walked(schedule: JobSchedule, since: datetime, until: datetime, step: timedelta) -> list[JobSlot]:
    """The slots that somebody sees who looks again and again, each time it is another one."""
    found: list[JobSlot] = []
    now = since
    while now < until:
        latest = schedule.latest(now)
        if not found or found[-1] != latest:
            found.append(latest)
        now += step
    return found


@pytest.mark.parametrize(
    ("zone", "at", "day", "moment"),
    [
        (BERLIN, time(2, 30), (2026, 3, 28), utc(2026, 3, 28, 1, 30)),
        (BERLIN, time(2, 30), (2026, 3, 29), utc(2026, 3, 29, 1, 0)),
        (BERLIN, time(2, 0), (2026, 3, 29), utc(2026, 3, 29, 1, 0)),
        (BERLIN, time(3, 0), (2026, 3, 29), utc(2026, 3, 29, 1, 0)),
        (BERLIN, time(1, 59), (2026, 3, 29), utc(2026, 3, 29, 0, 59)),
        (BERLIN, time(2, 30), (2026, 10, 25), utc(2026, 10, 25, 0, 30)),
        (BERLIN, time(3, 0), (2026, 10, 25), utc(2026, 10, 25, 2, 0)),
        (NEW_YORK, time(2, 30), (2026, 3, 8), utc(2026, 3, 8, 7, 0)),
        (NEW_YORK, time(1, 30), (2026, 11, 1), utc(2026, 11, 1, 5, 30)),
        # Half an hour is skipped, and a midnight, and a whole day.
        (LORD_HOWE, time(2, 15), (2026, 10, 4), utc(2026, 10, 3, 15, 30)),
        (SAO_PAULO, time(0, 0), (2018, 11, 4), utc(2018, 11, 4, 3, 0)),
        (APIA, time(10, 0), (2011, 12, 30), utc(2011, 12, 30, 10, 0)),
        ("UTC", time(7, 0), (2026, 3, 29), utc(2026, 3, 29, 7, 0)),
    ],
)
def test_a_local_time_is_one_moment_whatever_the_clocks_do(
    zone: str, at: time, day: tuple[int, int, int], moment: datetime
) -> None:
    assert moment_of(datetime.combine(datetime(*day), at), ZoneInfo(zone)) == moment  # noqa: DTZ001


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE, SAO_PAULO, "UTC", "Asia/Kathmandu"])
@pytest.mark.parametrize("at", [time(0, 0), time(1, 30), time(2, 0), time(2, 30), time(3, 0), time(23, 59)])
def test_each_local_day_of_a_year_has_its_slot_once_and_in_order(zone: str, at: time) -> None:
    schedule, now, slots = daily(at, zone=zone), utc(2018, 1, 2), []
    while now < utc(2019, 1, 2):
        slots.append(schedule.following(now))
        now = slots[-1].at
    days = [slot.key for slot in slots]
    assert len(days) == len(set(days))
    assert days == sorted(days)
    first = datetime.fromisoformat(days[0])
    assert days == [(first + timedelta(days=n)).date().isoformat() for n in range(len(days))]
    assert len(days) in (365, 366)
    assert [slot.at for slot in slots] == sorted({slot.at for slot in slots})


@pytest.mark.parametrize(
    "schedule",
    [
        Every(60),
        Every(7),
        Every(86_400),
        daily(time(2, 30), zone=BERLIN),
        weekly(6, time(2, 30), zone=BERLIN),
        monthly(29, time(2, 30), zone=BERLIN),
        monthly(31, time(0, 0), zone=NEW_YORK),
    ],
)
def test_the_following_slot_is_the_latest_one_when_its_moment_has_come(schedule: JobSchedule) -> None:
    now = utc(2026, 1, 1, 12, 34, 56)
    for _ in range(400):
        following = schedule.following(now)
        assert following.at > now
        assert following.at - now <= schedule.period + timedelta(hours=1)
        assert schedule.latest(following.at) == following
        assert schedule.latest(following.at - timedelta(microseconds=1)) != following
        assert schedule.latest(now).at <= now
        now = following.at


def test_a_monthly_job_on_a_day_that_a_month_has_not_runs_on_its_last() -> None:
    slots = walked(monthly(31, time(9, 0), zone=BERLIN), utc(2026, 1, 31, 12), utc(2026, 6, 1), timedelta(hours=6))
    assert [slot.key for slot in slots] == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]


def test_a_weekly_job_has_one_slot_a_week_also_where_the_clocks_change() -> None:
    slots = walked(weekly(6, time(2, 30), zone=BERLIN), utc(2026, 3, 22, 3), utc(2026, 4, 6), timedelta(hours=1))
    assert [(slot.key, slot.at) for slot in slots] == [
        ("2026-03-22", utc(2026, 3, 22, 1, 30)),
        ("2026-03-29", utc(2026, 3, 29, 1, 0)),
        ("2026-04-05", utc(2026, 4, 5, 0, 30)),
    ]


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Every(1), "every 1 s"),
        (Every(60), "every minute"),
        (Every(90), "every 90 s"),
        (Every(600), "every 10 min"),
        (Every(3600), "every hour"),
        (Every(7200), "every 2 h"),
        (daily(time(7, 0), zone=BERLIN), "daily at 07:00 (Europe/Berlin)"),
        (weekly(0, time(8, 5), zone="UTC"), "every Monday at 08:05 (UTC)"),
        (monthly(1, time(6, 0), zone=NEW_YORK), "monthly on day 1 at 06:00 (America/New_York)"),
    ],
)
def test_a_schedule_is_said_as_a_person_says_it(schedule: JobSchedule, words: str) -> None:
    assert schedule.words() == words


@pytest.mark.parametrize("seconds", [0, -1, 0.5, 32 * 86_400, float("nan"), float("inf")])
def test_an_interval_has_bounds(seconds: float) -> None:
    with pytest.raises(ValueError, match="interval"):
        Every(seconds)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"zone": "Europe/Nowhere"}, "no IANA zone"),
        ({"zone": "../etc/passwd"}, "no IANA zone"),
        ({"zone": ""}, "no IANA zone"),
        ({"weekday": 7}, "weekday 7"),
        ({"day": 0}, "day 0"),
        ({"day": 32}, "day 32"),
        ({"at": time(7, 0, tzinfo=UTC)}, "no zone of its own"),
    ],
)
def test_a_local_time_that_is_none_is_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        AtLocalTime(**{"at": time(7, 0), "zone": BERLIN, **wrong})  # type: ignore[arg-type]


def test_the_demos_clock_shortens_intervals_and_no_local_time() -> None:
    assert Every(60).scaled(5) == Every(12)
    assert Every(2).scaled(100) == Every(1)
    morning = daily(time(7, 0), zone=BERLIN)
    assert morning.scaled(5) is morning
