"""What the site's answers tell of the request budget, as they come."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from journeys.recording import Recorder


def told(*answers: dict[str, str]) -> Recorder:
    recorder = Recorder(site_url="https://shop.example.com")
    for headers in answers:
        recorder.note_budget(headers)
    return recorder


def an_answer(left: str, reset: str = "2026-11-23T16:30:00.000Z") -> dict[str, str]:
    return {"x-ratelimit-limit": "100", "x-ratelimit-remaining": left, "x-ratelimit-reset": reset}


def test_the_lowest_rest_holds_because_answers_come_out_of_order() -> None:
    recorder = told(an_answer("12"), an_answer("10"), an_answer("11"))
    assert (recorder.requests_left, recorder.requests_counted) == (10, 3)
    assert recorder.requests_reset_at == datetime(2026, 11, 23, 16, 30, tzinfo=UTC)


def test_a_new_window_begins_anew() -> None:
    recorder = told(an_answer("2"), an_answer("99", "2026-11-23T16:45:00.000Z"))
    assert recorder.requests_left == 99
    assert recorder.requests_reset_at == datetime(2026, 11, 23, 16, 45, tzinfo=UTC)


def test_a_site_that_tells_nothing_leaves_nothing_known() -> None:
    recorder = told({}, {"x-ratelimit-remaining": "many"})
    assert (recorder.requests_left, recorder.requests_counted, recorder.requests_reset_at) == (None, None, None)


@pytest.mark.parametrize("form", ["iso", "epoch", "from now"])
def test_the_windows_end_is_understood_in_every_form_that_sites_use(form: str) -> None:
    ends = int(time.time()) + 600
    reset = {"iso": datetime.fromtimestamp(ends, UTC).isoformat(), "epoch": str(ends), "from now": "600"}[form]
    known = told(an_answer("5", reset)).requests_reset_at
    assert known is not None
    assert abs(known.timestamp() - ends) < 5


def test_a_windows_end_that_nobody_understands_is_left_out() -> None:
    recorder = told(an_answer("5", "soon"))
    assert (recorder.requests_left, recorder.requests_reset_at) == (5, None)
