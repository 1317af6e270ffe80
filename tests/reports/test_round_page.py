"""The page of a round says at a glance what went wrong where."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from facts import Run, Status
from reports import render_round, write_round
from reports.round_context import RoundPage, round_context, summary
from tests.builders import A_MOMENT, CHECKOUT_403, a_run, an_attempt
from tests.reports.conftest import Shelf
from tests.reports.markup import parsed
from tests.reports.rounds import LOCATIONS, a_round

NOW = A_MOMENT + timedelta(minutes=10)


def context(*runs: Run) -> RoundPage:
    return round_context(runs or a_round(), title="Round", pictures={}, now=NOW)


def test_the_summary_counts_and_tells_what_failed_where() -> None:
    assert summary(a_round()) == f"5 of 6 runs passed; ga_purchase failed at us-west: {CHECKOUT_403}"


def test_the_same_failure_at_three_locations_is_told_once() -> None:
    said = summary(a_round(broken=LOCATIONS))
    assert said == f"3 of 6 runs passed; ga_purchase failed at us-east, us-west and eu-west: {CHECKOUT_403}"


def test_a_round_in_which_all_passed_names_the_longest_run() -> None:
    said = summary(a_round(broken=()))
    assert said == "All 6 runs passed; the longest was ga_purchase at us-east in 6.55 s."


def test_a_slow_run_is_told_although_all_passed() -> None:
    said = summary([a_run(status=Status.PASSED), a_run(status=Status.PASSED, slow=True, location="eu-west")])
    assert "ga_purchase at eu-west was slow" in said


def test_a_round_without_runs_says_so() -> None:
    assert "No run was made." in parsed(render_round([], title="Round", now=NOW)).text


def test_the_summary_stands_before_everything_else() -> None:
    text = parsed(render_round(a_round(), title="Round", now=NOW)).text
    assert text.index("5 of 6 runs passed; ga_purchase failed") < text.index("Every journey at every location")


def test_every_cell_of_the_matrix_links_a_page_that_was_written(shelf: Shelf, out: Path) -> None:
    index = write_round(a_round((shelf.screenshot(),)), title="Round", evidence=shelf.folder, out=out)
    links = [link for link in parsed(index.read_text(encoding="utf-8")).links() if not link.startswith("#")]
    assert index == out / "index.html"
    assert len(set(links)) == 6
    assert all((out / link).is_file() for link in links)


def test_a_journey_that_was_not_run_at_a_location_has_an_empty_cell() -> None:
    runs = [a_run(location="us-east"), a_run(journey="vip_member_discount", location="eu-west")]
    assert [[len(cell) for _, cell in row.cells] for row in context(*runs).matrix] == [[1, 0], [0, 1]]


def test_equal_failures_are_one_group_whatever_their_ids() -> None:
    def failed(number: int, place: str) -> Run:
        error = f"verify_success_page: session cs_test_{number} is unpaid"
        attempt = an_attempt(error=error, error_group="verify_success_page: session {id} is unpaid")
        return a_run(id=f"r{number}", location=place, attempts=(attempt,))

    (group,) = context(failed(1, "us-east"), failed(2, "us-west")).failures
    assert group.count == "2 runs"
    assert [run.name for run in group.runs] == ["ga_purchase at us-east", "ga_purchase at us-west"]


def test_the_sites_failures_come_before_our_own() -> None:
    ours = [a_run(id=f"e{i}", status=Status.ERRORED, error="no browser") for i in range(3)]
    assert [group.tone for group in context(*ours, a_run()).failures] == ["bad", "warn"]


def test_the_page_says_how_old_its_results_are() -> None:
    page = context(a_run(finished_at=A_MOMENT), a_run(finished_at=A_MOMENT + timedelta(minutes=9, seconds=30)))
    assert page.made == "Generated 2026-11-23 16:30:00 UTC from 2 runs; results are 30 s to 10 min old"


def test_the_screenshot_of_a_failure_stands_beside_it(shelf: Shelf, out: Path) -> None:
    index = write_round(a_round((shelf.screenshot(),)), title="Round", evidence=shelf.folder, out=out)
    assert len(parsed(index.read_text(encoding="utf-8")).all("img")) == 1


def test_steps_of_all_locations_stand_side_by_side() -> None:
    ga, vip = context().steps
    assert ga.locations == LOCATIONS
    assert dict(ga.rows)["complete_test_payment"] == ("944 ms", "skipped", "944 ms")
    assert next(name for name, _ in vip.rows) == "navigate_to_register"


def test_repeats_at_one_location_are_told_apart() -> None:
    page = context(a_run(id="1"), a_run(id="2"))
    assert page.steps[0].locations == ("us-west", "us-west (2)")
    assert [run.name for run in page.failures[0].runs] == ["ga_purchase at us-west", "ga_purchase at us-west (2)"]


def test_steps_that_began_nowhere_are_named_and_not_drawn() -> None:
    (journey,) = context(a_run()).steps
    assert journey.unreached == "complete_test_payment and verify_success_page"
    assert "verify_success_page" not in journey.chart
