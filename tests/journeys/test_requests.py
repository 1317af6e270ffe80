"""On what a request spent its time, and what came over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from facts import Request
from journeys.recording import Recorder
from journeys.recording.phases import parts_of, request_phases
from tests.sites import Page as Answer
from tests.sites import a_site

NEVER = {
    "domainLookupStart": -1,
    "domainLookupEnd": -1,
    "connectStart": -1,
    "secureConnectionStart": -1,
    "connectEnd": -1,
}
SENT = {"requestStart": 40, "responseStart": 140, "responseEnd": 150}
FRESH = {"domainLookupStart": 2, "domainLookupEnd": 7, "connectStart": 7, "secureConnectionStart": 17, "connectEnd": 37}


@pytest.mark.parametrize(
    ("timing", "phases"),
    [
        (FRESH | SENT, {"queued": 5, "dns": 5, "connect": 10, "tls": 20, "wait": 100, "receive": 10}),
        (
            FRESH | SENT | {"secureConnectionStart": -1},
            {"queued": 5, "dns": 5, "connect": 30, "wait": 100, "receive": 10},
        ),
        (NEVER | SENT, {"queued": 40, "wait": 100, "receive": 10}),
        (NEVER | SENT | {"requestStart": 0.01}, {"wait": 140, "receive": 10}),
        (NEVER | SENT | {"requestStart": -1}, {}),
        (NEVER | SENT | {"responseStart": -1}, {}),
    ],
    ids=["https", "http", "open connection", "at once", "not sent", "no answer"],
)
def test_a_time_is_spent_on_what_happened_and_on_nothing_else(
    timing: dict[str, float], phases: dict[str, float]
) -> None:
    assert request_phases(timing) == phases


@pytest.mark.parametrize(
    ("total", "parts"),
    [
        (1.0, (0.04, 0.04, 0.92)),
        (100.16, (33.35, 33.35, 33.46)),
        (10.0, (-3.0, 5.0, 8.0)),
        (5.0, (4.0, 4.0, 4.0)),
        (0.0, (0.0,)),
    ],
)
def test_parts_sum_to_the_whole_and_none_is_negative(total: float, parts: tuple[float, ...]) -> None:
    found = parts_of(total, {str(n): part for n, part in enumerate(parts)})
    assert round(sum(found.values()), 1) == round(total, 1)
    assert min(found.values()) >= 0


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


BODY = "x" * 5000
FETCH = "async (path) => { try { await (await fetch(path)).text() } catch {} }"


@pytest.fixture
def asked(page: Page) -> Iterator[dict[str, list[Request]]]:
    """What the browser asked for, by endpoint, where `/kept` may be kept in its cache."""
    pages: dict[str, Any] = {
        "/": "<h1>Shop</h1>",
        "/api": Answer(BODY, kind="text/plain"),
        "/kept": Answer(BODY, kind="text/plain", headers={"cache-control": "max-age=600"}),
        "/dead": Answer(status=0),
    }
    with a_site(pages) as site:
        recorder = Recorder(site_url=site.url)
        recorder.attach(page.context)
        page.goto(site.url)
        for path in ("/api", "/kept", "/kept", "/dead", "/none"):
            page.evaluate(FETCH, path)
        page.wait_for_timeout(300)
        found: dict[str, list[Request]] = {}
        for request in recorder.nouns()["requests"]:
            found.setdefault(request.endpoint, []).append(request)
        yield found


@pytest.mark.browser
def test_an_answer_is_weighed_with_its_head_and_without(asked: dict[str, list[Request]]) -> None:
    (api,) = asked["/api"]
    assert api.body_bytes == len(BODY)
    assert api.transferred_bytes is not None
    assert 50 <= api.transferred_bytes - len(BODY) <= 500, "the head of a plain answer"
    (refused,) = asked["/none"]
    assert (refused.status, refused.body_bytes) == (404, len("<h1>Not found</h1>"))


@pytest.mark.browser
def test_an_answer_out_of_the_cache_came_over_no_wire(asked: dict[str, list[Request]]) -> None:
    first, again = asked["/kept"]
    assert first.body_bytes == len(BODY)
    assert (again.transferred_bytes, again.body_bytes) == (0, 0)


@pytest.mark.browser
def test_a_request_without_an_answer_has_neither_phases_nor_weight(asked: dict[str, list[Request]]) -> None:
    dead = asked["/dead"][-1]
    assert dead.failure == "net::ERR_EMPTY_RESPONSE"
    assert (dead.phases, dead.transferred_bytes, dead.body_bytes) == ({}, None, None)


@pytest.mark.browser
def test_phases_sum_to_the_duration(asked: dict[str, list[Request]]) -> None:
    answered = [r for found in asked.values() for r in found if r.status is not None]
    assert len(answered) == 5
    for request in answered:
        assert request.duration_ms is not None
        assert sum(request.phases.values()) == pytest.approx(request.duration_ms, abs=0.06)


@pytest.mark.browser
def test_an_answer_out_of_the_cache_does_not_count_though_it_repeats_the_sites_limit(page: Page) -> None:
    told = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "57", "cache-control": "max-age=600"}
    with a_site({"/": "<h1>Shop</h1>", "/kept": Answer(BODY, kind="text/plain", headers=told)}) as site:
        recorder = Recorder(site_url=site.url)
        recorder.attach(page.context)
        page.goto(site.url)
        for _ in range(3):
            page.evaluate(FETCH, "/kept")
        page.wait_for_timeout(300)
    limit = recorder.rate_limits.tightest
    assert limit is not None
    assert (limit.latest.left, limit.counted) == (57, 1)
    assert len([request for request in site.asked if request.path == "/kept"]) == 1, "as the site counted it"
