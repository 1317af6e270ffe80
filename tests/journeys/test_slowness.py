"""What a failed step says where the site is slow: all of it, only its pages, or only its API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from journeys.cause import explain
from journeys.failure import Failure, Kind
from journeys.recording import SeenRequest
from journeys.slowness import slowness
from tests.journeys.test_failure import TIMEOUT, a_request, a_scene

GOTO = PlaywrightTimeout("Page.goto: Timeout 10000ms exceeded.")


def page(path: str, began: float, took: float | None, **changes: Any) -> SeenRequest:
    """A page that took so long; None where it has no answer yet."""
    return request(path, began, took, **{"kind": "document", "is_main": True, **changes})


def call(path: str, began: float, took: float | None, **changes: Any) -> SeenRequest:
    return request(path, began, took, **{"kind": "fetch", **changes})


def script(path: str, began: float, took: float | None, **changes: Any) -> SeenRequest:
    return request(path, began, took, **{"kind": "script", "content_type": "text/javascript", **changes})


def request(path: str, began: float, took: float | None, **changes: Any) -> SeenRequest:
    answer = {"ended": False} if took is None else {"status": 200, "duration_ms": took * 1000}
    return a_request(path, **{"method": "GET", "began": began, **answer, **changes})


def words(requests: list[SeenRequest], now: float = 115.0, **more: Any) -> str | None:
    found = slowness(requests, now, **more)
    return found.words if found else None


def before(*requests: SeenRequest) -> list[SeenRequest]:
    """The same requests in an earlier step."""
    return [replace(request, step="before") for request in requests]


def explained(
    requests: list[SeenRequest], error: Exception = TIMEOUT, *, failed_at: float = 115.0, **scene: Any
) -> Failure:
    """A failure at `failed_at`, of the step `buy` unless a request has another one."""
    own = [r for r in requests if r.step == "buy"]
    around = [r for r in requests if r.step != "buy"]
    values = {"requests": own, "around": around, "all_requests": requests, "now": failed_at + 0.1, **scene}
    return explain(error, a_scene(failed_at=failed_at, **values))


SIX = [page("/", 80, 6.0), call("/api/prices", 86, 6.1), page("/pricing", 93, 5.9)]
QUICK_PAGES = [page("/", 80, 0.1), page("/pricing", 81, 0.2), page("/register", 82, 0.1)]
QUICK_CALLS = [call("/api/a", 80, 0.1), call("/api/b", 81, 0.2), call("/api/c", 82, 0.1)]
SLOW_PAGES = [page("/", 80, 6.0), page("/a", 87, 6.0), page("/b", 94, 6.0)]
SLOW_CALLS = [call("/api/a", 80, 6.0), call("/api/b", 87, 6.0), call("/api/c", 94, 6.0)]
QUICK_FILES = [script(f"/{n}.js", 80, 0.1) for n in range(5)]
CACHED_FILES = [script(f"/{n}.js", 80, 0.0, transferred_bytes=0) for n in range(5)]


@pytest.mark.parametrize(
    ("requests", "said"),
    [
        (SIX, "all of the site's answers are slow: they took about 6 s each"),
        ([*SIX, script("/app.js", 86, 6.0)], "all of the site's answers are slow: they took about 6 s each"),
        (
            [*SIX, *QUICK_FILES],
            "all of the site's answers are slow: they took about 6 s each; only its scripts and styles come quickly",
        ),
        ([*SIX, *CACHED_FILES], "all of the site's answers are slow: they took about 6 s each"),
        ([*SLOW_CALLS, *QUICK_PAGES], "all of the site's API calls are slow: they took about 6 s each"),
        ([*SLOW_PAGES, *QUICK_CALLS], "all of the site's pages are slow: they took about 6 s each"),
        ([*SIX, page("/odd", 99, 0.1), *SLOW_CALLS], "all of the site's answers are slow: they took about 6 s each"),
        ([page("/", 100, 6.0), page("/pricing", 110, None)], "all of the site's answers are slow: GET / took 6.0 s"),
        ([page("/", 100, 6.0), page("/pricing", 114, None)], None),
        ([page("/pricing", 100, None)], None),
        ([page("/", 100, 6.0), call("/api/a", 106, 6.0)], None),
        (SLOW_CALLS[:2] + QUICK_CALLS, None),
        (QUICK_PAGES + QUICK_CALLS, None),
        ([*QUICK_PAGES, *[script(f"/{n}.js", 80, 6.0) for n in range(5)]], None),
        ([call(f"/{n}", 80, 6.0, party="https://api.example") for n in range(5)], None),
        # A stream and a long poll have no end, and say nothing of how quickly the site answers.
        ([*QUICK_CALLS, call("/stream", 90, None, status=200)], None),
    ],
)
def test_what_is_slow_is_told_by_its_kind(requests: list[SeenRequest], said: str | None) -> None:
    assert words(requests) == said


def test_two_answers_are_enough_where_the_journeys_time_is_up() -> None:
    two = [page("/", 99, 8.0), call("/api/a", 107, 7.9)]
    late, early = explained(two, over_deadline_s=10.0), explained(two)
    assert "all of the site's answers are slow: they took about 8 s each" in late.sentence
    assert (late.kind, early.kind) == (Kind.SILENT, Kind.MISSING)


@pytest.mark.parametrize(
    ("earlier", "under_way", "error", "sentence"),
    [
        (
            before(page("/", 90, 6.0)),
            page("/pricing", 110.6, None),
            TIMEOUT,
            "buy: all of the site's answers are slow: GET / took 6.0 s; GET /pricing had no answer yet after 4.4 s",
        ),
        (
            before(page("/", 90, 6.0)),
            page("/pricing", 110.6, None),
            GOTO,
            "buy: all of the site's answers are slow: GET / took 6.0 s; GET /pricing had no answer yet after 4.4 s",
        ),
        (
            before(*SIX),
            call("/api/order", 110.6, None),
            TIMEOUT,
            "buy: all of the site's answers are slow: they took about 6 s each; GET /api/order had no answer yet after 4.4 s",
        ),
        (
            before(*SLOW_CALLS, *QUICK_PAGES),
            call("/api/order", 110.6, None),
            TIMEOUT,
            "buy: all of the site's API calls are slow: they took about 6 s each; GET /api/order had no answer yet after 4.4 s",
        ),
        (
            before(*SLOW_PAGES, *QUICK_CALLS),
            page("/order", 110.6, None),
            TIMEOUT,
            "buy: all of the site's pages are slow: they took about 6 s each; GET /order had no answer yet after 4.4 s",
        ),
        (
            [page("/", 100, 6.0)],
            script("/app.js", 106.1, None),
            TIMEOUT,
            "buy: all of the site's answers are slow: GET / took 6.0 s; GET /app.js had no answer yet after 8.9 s",
        ),
        # One that hangs much longer than the others take is the cause; that they are slow is told after it.
        (
            before(*(page(path, 80, 2.6) for path in ("/", "/a", "/b"))),
            call("/api/order", 100.0, None),
            TIMEOUT,
            "buy: GET /api/order gave no answer in 15.1 s; all of the site's answers are slow: they took about 3 s each",
        ),
    ],
)
def test_a_request_that_is_as_slow_as_the_others_is_not_told_as_the_cause(
    earlier: list[SeenRequest], under_way: SeenRequest, error: Exception, sentence: str
) -> None:
    failure = explained([*earlier, under_way], error)
    assert failure.kind is Kind.SILENT
    assert failure.sentence.startswith(sentence)


def test_a_chain_is_told_link_by_link_only_where_the_rest_is_quick() -> None:
    chain = [call("/api/order", 100.0, 6.0, method="POST"), page("/hop", 106.05, None)]
    quick = [*QUICK_CALLS, page("/", 99.8, 0.1)]
    assert explained([*quick, *chain], failed_at=110.0).sentence == (
        "buy: one slow answer after another: POST /api/order took 6.0 s, then GET /hop had no answer yet after 4.0 s"
    )
    assert explained([*before(*SIX), *chain], failed_at=110.0).sentence == (
        "buy: all of the site's answers are slow: they took about 6 s each; GET /hop had no answer yet after 4.0 s"
    )


@pytest.mark.parametrize(
    "error_answer",
    [
        {"status": 500, "body": "no"},
        {"body": '{"success": false, "error": "no"}'},
        {"status": None, "failure": "net::ERR_EMPTY_RESPONSE"},
    ],
)
def test_an_error_on_a_slow_site_is_told_first_and_the_slowness_after_it(error_answer: dict[str, Any]) -> None:
    failure = explained([*SIX, call("/api/order", 100, 6.0, **error_answer)])
    assert failure.sentence.startswith("buy: GET /api/order ")
    assert failure.sentence.endswith("; all of the site's answers are slow: they took about 6 s each")
