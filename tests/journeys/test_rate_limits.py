"""What the site's answers tell of its request limit, as they come."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from journeys.recording.rate_limits import RateLimits, Tally, rate_limits_of

ENDS = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)


def told(*answers: dict[str, str]) -> RateLimits:
    limits = RateLimits()
    for headers in answers:
        limits.take(headers, 200)
    return limits


def tightest(limits: RateLimits) -> Tally:
    assert limits.tightest is not None
    return limits.tightest


def an_answer(left: str, reset: str = "2026-11-23T16:30:00.000Z", limit: str = "100") -> dict[str, str]:
    return {"x-ratelimit-limit": limit, "x-ratelimit-remaining": left, "x-ratelimit-reset": reset}


def test_the_lowest_rest_holds_because_answers_come_out_of_order() -> None:
    tally = tightest(told(an_answer("12"), an_answer("10"), an_answer("11")))
    assert (tally.latest.left, tally.latest.allowed, tally.counted) == (10, 100, 3)
    assert tally.latest.resets_at == ENDS


def test_a_new_window_begins_anew_and_an_answer_of_the_old_one_changes_nothing() -> None:
    tally = tightest(told(an_answer("2"), an_answer("99", "2026-11-23T16:45:00.000Z"), an_answer("1")))
    assert (tally.latest.left, tally.latest.resets_at) == (99, ENDS + timedelta(minutes=15))


def test_a_rest_in_seconds_from_now_begins_no_new_window_with_each_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = RateLimits()
    for passed, answer in ((0.0, an_answer("10", "600")), (0.7, an_answer("11", "600"))):
        monkeypatch.setattr(time, "time", lambda passed=passed: ENDS.timestamp() + passed)
        limits.take(answer, 200)
    assert tightest(limits).latest.left == 10


@pytest.mark.parametrize(
    "headers", [{}, {"x-ratelimit-remaining": "many"}, {"ratelimit": "soon"}, {"ratelimit-limit": "5"}]
)
def test_a_site_that_tells_nothing_leaves_nothing_known(headers: dict[str, str]) -> None:
    assert told(headers).tightest is None


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "7", "x-ratelimit-reset": "600"},
        {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "7", "x-rate-limit-reset": "600"},
        {"ratelimit-limit": "100", "ratelimit-remaining": "7", "ratelimit-reset": "600"},
        {"ratelimit-limit": "100, 100;w=900", "ratelimit-remaining": "7", "ratelimit-reset": "600"},
        {"ratelimit": "limit=100, remaining=7, reset=600", "ratelimit-policy": "100;w=900"},
        {"ratelimit": '"pages";r=7;t=600', "ratelimit-policy": '"pages";q=100;w=900'},
        {"ratelimit": '"pages"; r=7; t=600', "ratelimit-policy": '"calls"; q=5; w=1, "pages"; q=100; w=900'},
    ],
)
def test_a_limit_is_understood_in_every_form_that_sites_use(headers: dict[str, str]) -> None:
    (limit,) = rate_limits_of(headers)
    assert (limit.left, limit.allowed) == (7, 100)
    assert limit.resets_at is not None
    assert abs(limit.resets_at.timestamp() - time.time() - 600) < 5


def test_of_several_limits_the_one_counts_under_which_the_fewest_more_runs_fit() -> None:
    pages = [an_answer(str(left), limit="1000") for left in range(500, 470, -1)]
    search = [an_answer("7", limit="10")]
    tally = tightest(told(*pages, *search))
    assert (tally.latest.left, tally.counted) == (7, 1), "seven more runs, against fifteen"


@pytest.mark.parametrize("form", ["iso", "epoch", "milliseconds", "from now", "http date"])
def test_the_windows_end_is_understood_in_every_form_that_sites_use(form: str) -> None:
    ends = int(time.time()) + 600
    moment = datetime.fromtimestamp(ends, UTC)
    reset = {
        "iso": moment.isoformat(),
        "epoch": str(ends),
        "milliseconds": f"{ends}000",
        "from now": "600",
        "http date": format_datetime(moment, usegmt=True),
    }[form]
    known = tightest(told(an_answer("5", reset))).latest.resets_at
    assert known is not None
    assert abs(known.timestamp() - ends) < 5


@pytest.mark.parametrize("reset", ["soon", "", "99999999999999999999", "Someday, 1 Foo", "٣"])
def test_a_windows_end_that_nobody_understands_is_left_out(reset: str) -> None:
    latest = tightest(told(an_answer("5", reset))).latest
    assert (latest.left, latest.resets_at) == (5, None)


def test_an_answer_out_of_the_browsers_cache_is_taken_back() -> None:
    limits = told(an_answer("12"))
    limits.forget(limits.take(an_answer("12"), 200))
    assert tightest(limits).counted == 1


@pytest.mark.parametrize(("status", "known"), [(429, True), (503, False)])
def test_a_429_without_a_limit_says_when_to_come_again(status: int, known: bool) -> None:
    limits = RateLimits()
    limits.take({"retry-after": "120"}, status)
    assert limits.tightest is None
    assert (limits.retry_at is not None) is known
