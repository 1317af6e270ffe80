"""A run's page beside the rest: the last good run's picture, the usual durations, the same error elsewhere, and the issue's text."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from facts import Blame, Status
from reports.artifacts import Artifact
from reports.compare import compare
from reports.run_markdown import run_markdown
from reports.sections.elsewhere import ErrorCount, elsewhere_section, signature_of
from reports.sections.evidence import picture_of
from reports.sections.requests import requests_section
from reports.sections.screens import film, good_screen
from reports.sections.steps import steps_section
from reports.usual import FEWEST, StepUsual, usual_steps
from tests.builders import (
    A_MOMENT,
    CHECKOUT_403,
    GA_STEPS,
    a_failed_request,
    a_request,
    a_run,
    an_attempt,
    some_evidence,
    some_requests,
    some_steps,
)
from tests.reports.test_hostile import EVIL

JPEG = b"\xff\xd8\xff"
GOOD = a_run(id="good", status=Status.PASSED, started_at=A_MOMENT - timedelta(minutes=5))
STEP = "proceed_to_stripe"


def a_shot(sha256: str, **facts: Any) -> Artifact:
    return Artifact(fact=some_evidence(**{"sha256": sha256, "attempt": 1, **facts}), content=JPEG)


@pytest.mark.parametrize(
    ("steps", "source", "is_same"),
    [
        ((None, STEP), "/evidence/of-proceed_to_stripe.jpg", True),
        ((None, "choose_city"), "/evidence/last.jpg", False),
        ((None,), "/evidence/last.jpg", False),
        ((), None, False),
    ],
)
def test_the_good_picture_is_that_of_the_failed_step_where_there_is_one(
    steps: tuple[str | None, ...], source: str | None, is_same: bool
) -> None:
    shots = tuple(a_shot("last" if step is None else f"of-{step}", step=step) for step in steps)
    good = replace(GOOD, evidence=tuple(shot.fact for shot in shots))
    found = good_screen(a_run(), good, shots, prefix="")
    assert (found.screen.source if found.screen else None, found.is_same_step) == (source, is_same)
    assert found.screen is not None or found.why_none == "The last good run kept no picture."


def test_two_passed_runs_are_compared_by_their_last_pictures() -> None:
    passed = a_run(status=Status.PASSED)
    assert good_screen(passed, GOOD, (a_shot("last"),), prefix="/monitor").is_same_step


def test_a_failure_in_the_last_step_is_compared_with_the_last_picture() -> None:
    run = a_run(failed_step=GA_STEPS[-1][0])
    assert good_screen(run, GOOD, (a_shot("last"),), prefix="").is_same_step


def test_a_picture_that_the_hub_has_let_go_is_said_to_be_gone() -> None:
    gone = Artifact(fact=some_evidence(sha256="gone"), problem="let go")
    found = good_screen(a_run(), replace(GOOD, evidence=(gone.fact,)), (gone,), prefix="")
    assert (found.screen, found.why_none) == (None, "The last good run has no picture any more.")


def test_the_filmstrip_has_the_steps_of_the_attempt_that_counts_in_their_order() -> None:
    taken: list[tuple[str | None, int]] = [(STEP, 2), ("choose_city", 2), (STEP, 1), (None, 2)]
    shots = tuple(a_shot(f"s{n}", step=step, attempt=attempt) for n, (step, attempt) in enumerate(taken))
    run = a_run()
    assert [s.source for s in film(run, shots, prefix="")] == ["/evidence/s1.jpg", "/evidence/s0.jpg"]
    picture = picture_of(run, shots)
    assert picture is not None
    assert picture.sha256 == "s3"


def test_what_is_usual_comes_from_measured_durations() -> None:
    found = usual_steps([{"choose_city": 100.0 * n, **({"rare": 5.0} if n == 1 else {})} for n in range(1, 21)])
    assert found is not None
    assert found.runs == 20
    assert found.steps == {"choose_city": StepUsual(p10_ms=200.0, median_ms=1000.0, p95_ms=1900.0)}


def test_fewer_than_five_good_runs_say_nothing_of_what_is_usual() -> None:
    assert usual_steps([{"choose_city": 1.0}] * (FEWEST - 1)) is None
    assert usual_steps([{"choose_city": 1.0}] * FEWEST) is not None


@pytest.mark.parametrize(
    ("took", "mark", "words"),
    [(900.0, "f1", "900 ms"), (1500.0, "fw", "1.50 s"), (None, "gapbox", "not reached")],
)
def test_a_step_stands_beside_its_usual_duration(took: float | None, mark: str, words: str) -> None:
    usual = usual_steps([{"choose_city": 800.0 + 20 * n} for n in range(10)])
    name = ("choose_city", 900.0)
    skipped = some_steps((("first", 1.0), name), fails_at="first")[1:]
    steps = skipped if took is None else (replace(some_steps((name,))[0], duration_ms=took),)
    section = steps_section(steps, ident="t", usual=usual)
    assert f'class="{mark}"' in section.chart
    assert words in section.chart
    assert section.rows[0].usual == "880 ms, p95 980 ms"
    assert section.usual_of == "of the last 10 good runs, same location"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ((STEP, CHECKOUT_403), ("proceed_to_checkout", "proceed_to_checkout: POST /api/create-checkout-session answered 403"), True),
        ((STEP, CHECKOUT_403), (STEP, CHECKOUT_403.replace("403", "500")), False),
        ((STEP, CHECKOUT_403), (STEP, CHECKOUT_403.replace("POST", "GET")), False),
        (("a", "a: the button never came within 12.5 s"), ("a", "a: the button never came within 9 s; run 77f1"), True),
        (("a", "a: the button never came"), ("b", "b: the button never came"), False),
        ((None, "the browser did not start within 30 s"), (None, "the browser did not start within 60 s"), True),
    ],
)  # fmt: skip
def test_errors_are_the_same_by_request_and_status_or_by_step_and_message(
    one: tuple[str | None, str], other: tuple[str | None, str], is_same: bool
) -> None:
    assert (signature_of(*one) == signature_of(*other)) is is_same


def a_count(location: str, *counts: int, journey: str = "ga_purchase", error: str = CHECKOUT_403) -> ErrorCount:
    return ErrorCount(
        journey=journey,
        location=location,
        failed_step=STEP,
        error=error,
        counts=counts,
        first_at=A_MOMENT - timedelta(hours=2),
        last_at=A_MOMENT,
        last_run=f"run-{location}",
    )


def test_the_same_error_is_counted_by_location_this_one_first() -> None:
    counts = [
        a_count("eu-west", 1, 2, 1200),
        a_count("us-west", 1, 1, 1),
        a_count("us-west", 0, 1, 2, journey="vip_member_discount"),
        a_count("us-east", 9, 9, 9, error="another"),
    ]
    found = elsewhere_section(a_run(), counts, until=A_MOMENT, is_past=False)
    assert found is not None
    assert [(r.location, r.counts, r.journeys, r.last_run) for r in found.rows] == [
        ("us-west", ("1", "2", "3"), "ga_purchase, vip_member_discount", "run-us-west"),
        ("eu-west", ("1", "2", "1,200"), "ga_purchase", "run-eu-west"),
    ]
    assert found.sentence == "1,203 runs, 2 locations and 2 journeys in 7 days, first at 2026-11-23 14:20:00 UTC."


def test_a_run_that_passed_has_no_error_to_look_for() -> None:
    assert elsewhere_section(a_run(status=Status.PASSED), [], until=A_MOMENT, is_past=False) is None


def test_an_error_of_one_run_alone_is_said_to_be_alone() -> None:
    found = elsewhere_section(a_run(), [a_count("us-west", 1, 1, 1)], until=A_MOMENT, is_past=False)
    assert found is not None
    assert found.sentence == "No other run of these 7 days ended like this."


def test_the_waterfall_has_the_failed_requests_first_and_then_the_slowest_of_each_step() -> None:
    slow = tuple(
        a_request(f"/slow/{n}", step="choose_city", duration_ms=100.0 * n, started_ms=9.0 - n) for n in range(1, 5)
    )
    attempt = an_attempt(requests=(*slow, *some_requests(checkout=a_failed_request())))
    section = requests_section(attempt, STEP)
    shown = [row.endpoint for row in section.waterfall]
    assert shown[:3] == ["/api/create-checkout-session", "/images/6fb-banner.png", "/sw.js"]
    assert [name for name in shown if name.startswith("/slow")] == ["/slow/4", "/slow/3"]
    assert (section.first + section.third, section.third) == (section.total, 1)
    assert section.cause is not None
    assert section.cause.body == "CSRF Token Invalid"


def test_the_issue_says_what_failed_what_changed_and_where_else() -> None:
    run = a_run()
    text = run_markdown(
        run,
        url="https://hub.test/runs/1",
        comparison=compare(run, GOOD),
        elsewhere=elsewhere_section(run, [a_count("us-west", 1, 2, 3)], until=A_MOMENT, is_past=False),
    )
    assert text.startswith("# Failed: ga_purchase at us-west, 2026-11-23 16:20:01 UTC\n")
    assert "(https://hub.test/runs/1)" in text
    assert "```text\nPOST /api/create-checkout-session\n403, after 91 ms\n\nCSRF Token Invalid\n```" in text
    assert "- `POST /api/create-checkout-session`: 200 → 403" in text
    assert "| us-west | 1 | 2 | 3 |" in text


def test_nothing_that_the_site_says_is_markup_in_an_issue() -> None:
    clean = EVIL.replace("\x00", "").replace("\ud800", "")
    said = f"{clean} @everyone #1 [link](javascript:alert(1)) | cell ``` ```` <img src=x>"
    request = a_failed_request(endpoint="/`a`|b", body=f"```\n{said}")
    attempt = replace(an_attempt(requests=(request,)), failed_step=STEP, error=said, page=said)
    text = run_markdown(
        a_run(attempts=(attempt,), error=said, failed_step=STEP, blame=Blame.SITE), url=None, comparison=None
    )
    block = text[text.index("## The failing request") : text.index("## Steps")]
    assert block.count("`````text\n") == 1
    assert block.rstrip().endswith("\n`````")
    prose = text[: text.index("## The failing request")].replace("`` /`", "")
    line = next(one for one in prose.splitlines() if "everyone" in one)
    for mark in ("@", "#", "[", "|", "<", "`"):
        assert f"\\{mark}" in line
        assert line.count(mark) == line.count(f"\\{mark}")


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.PASSED])
def test_a_run_without_attempts_has_an_issues_text(status: Status) -> None:
    text = run_markdown(a_run(status=status, attempts=()), url=None, comparison=None)
    assert "None" not in text
