"""`sixfb run --repeat N`: what it prints, writes and exits with, whatever stops it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.repeat import Repetitions, make_runs
from cli.run import exit_code, write_files
from facts import Attempt, Run, Status
from journeys.site import RequestBudget, Site
from runner.attempt.job import Job
from tests.builders import a_request, a_run, an_attempt

NOTHING = {"requests_left": None, "requests_limit": None, "requests_reset_at": None}
REFUSED: dict[str, Any] = {"requests": (a_request(party="first", status=429),), **NOTHING}


def a_job(tmp_path: Path, budget: RequestBudget | None) -> Job:
    site = Site(base_url="http://shop.test", cities={"Dallas": "dallas"}, request_budget=budget)
    return Job(run_id="r1", journey="bookshop", location="local", site=site, evidence=str(tmp_path))


class Runs:
    """Makes runs of these statuses, one after the other, each of `cost` requests; `jobs` are those it was asked for."""

    def __init__(self, *statuses: Status, cost: int = 85, **attempt: Any) -> None:
        self.statuses, self.cost, self.attempt = list(statuses), cost, attempt
        self.jobs: list[Job] = []

    def __call__(self, job: Job, _on_event: object) -> Run:
        """One run."""
        status = self.statuses[len(self.jobs)]
        self.jobs.append(job)
        now = datetime.now(UTC)
        run = a_run(
            id=f"r{len(self.jobs)}",
            journey="bookshop",
            location="local",
            status=status,
            started_at=now,
            finished_at=now,
        )
        return replace(run, attempts=(self._attempt(status),), counts=1)

    def _attempt(self, status: Status) -> Attempt:
        return an_attempt(**{"status": status, "requests_counted": self.cost, **NOTHING, **self.attempt})


def repeated(tmp_path: Path, runs: Runs, *, wanted: int = 5, budget: RequestBudget | None = None) -> Repetitions:
    repetitions = Repetitions(wanted)
    make_runs(a_job(tmp_path, budget), repetitions, make=runs)
    return repetitions


def written(tmp_path: Path, repetitions: Repetitions) -> tuple[Any, ET.Element]:
    """The JSON, and the root of the JUnit document."""
    files = tmp_path / "runs.json", tmp_path / "junit.xml"
    write_files(repetitions, json_file=files[0], junit=files[1], report=None, evidence=tmp_path)
    return json.loads(files[0].read_text()), ET.fromstring(files[1].read_text())


def properties(suite: ET.Element) -> dict[str | None, str | None]:
    return {one.get("name"): one.get("value") for one in suite.iter("property")}


PASSED = Status.PASSED
NAMED = RequestBudget(requests=100, window_s=900)


def test_five_costly_runs_are_made_where_nobody_names_a_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repetitions = repeated(tmp_path, Runs(*[PASSED] * 5))
    assert (len(repetitions.runs), exit_code(repetitions)) == (5, 0)
    assert "5 of 5 passed; flake rate 0%" in capsys.readouterr().out


@pytest.mark.parametrize("made", [1, 2])
def test_runs_that_the_budget_does_not_hold_are_not_made_and_everything_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], made: int
) -> None:
    runs = Runs(*[PASSED] * 5, cost=85 if made == 1 else 40)
    repetitions = repeated(tmp_path, runs, budget=NAMED)
    said = " ".join(capsys.readouterr().out.split())
    assert f"stopped after {made} of 5 runs: the request budget: " in said
    assert "raise request_budget.requests in site.yaml" in said
    assert f"{made} of 5 runs were made, {made} passed; no rate is given" in said
    assert "%" not in said
    assert exit_code(repetitions) == 3
    told, junit = written(tmp_path, repetitions)
    assert [run["id"] for run in told] == [f"r{n + 1}" for n in range(made)], "a list, of one run too"
    suites = junit.findall("testsuite")
    assert [suite.get("name") for suite in suites] == [f"bookshop@local #{n + 1}" for n in range(made + 1)]
    assert {properties(suite)["repetitions"] for suite in suites} == {"5"}
    error = suites[-1].find("testcase/error")
    assert error is not None
    assert f"stopped after {made} of 5 runs: the request budget" in (error.get("message") or "")
    assert (suites[-1].get("errors"), suites[0].get("errors")) == ("1", "0")


def test_what_is_written_of_all_runs_has_the_same_shape(tmp_path: Path) -> None:
    told, junit = written(tmp_path, repeated(tmp_path, Runs(*[PASSED] * 3), wanted=3))
    assert [run["id"] for run in told] == ["r1", "r2", "r3"]
    assert [suite.get("name") for suite in junit] == [f"bookshop@local #{n}" for n in (1, 2, 3)]
    assert junit.find(".//error") is None


def test_one_run_alone_is_no_list(tmp_path: Path) -> None:
    told, junit = written(tmp_path, repeated(tmp_path, Runs(PASSED), wanted=1))
    assert told["id"] == "r1"
    assert [suite.get("name") for suite in junit] == ["bookshop@local"]


def test_a_run_that_failed_before_it_stopped_is_still_a_failure(tmp_path: Path) -> None:
    assert exit_code(repeated(tmp_path, Runs(Status.FAILED, PASSED), budget=NAMED)) == 1


def test_a_site_that_tells_a_limit_of_its_own_stops_the_runs_and_no_key_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = datetime.now(UTC) + timedelta(minutes=5)
    runs = Runs(*[PASSED] * 5, requests_left=15, requests_limit=100, requests_reset_at=ends)
    repetitions = repeated(tmp_path, runs)
    said = " ".join(capsys.readouterr().out.split())
    assert (len(repetitions.runs), exit_code(repetitions)) == (1, 3)
    assert "15 of 100 requests are left" in said
    assert "the site's own limit" in said


def test_a_429_that_tells_nothing_stops_the_runs_and_says_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repetitions = repeated(tmp_path, Runs(PASSED, Status.ERRORED, **REFUSED))
    # The first run passed although the site answered 429 to some call of it: that stops nothing.
    assert (len(repetitions.runs), exit_code(repetitions)) == (2, 3)
    assert "write its limit into site.yaml as request_budget" in " ".join(capsys.readouterr().out.split())


def test_runs_that_measured_nothing_are_left_out_of_the_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repeated(tmp_path, Runs(PASSED, Status.ERRORED, Status.FAILED, PASSED, Status.BLOCKED))
    said = capsys.readouterr().out
    assert "2 of 5 passed; flake rate 33%" in said
    assert "2 errored or blocked, which measured nothing and are left out" in said


def test_there_is_no_rate_where_no_run_measured_the_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repeated(tmp_path, Runs(Status.ERRORED, Status.ERRORED), wanted=2)
    said = capsys.readouterr().out
    assert "0 of 2 passed; no rate is given" in said
    assert "%" not in said


def test_a_failure_is_not_confirmed_by_an_attempt_that_the_budget_does_not_hold(tmp_path: Path) -> None:
    runs = Runs(PASSED, cost=10)
    repeated(tmp_path, runs, wanted=1, budget=NAMED)
    reserve = runs.jobs[0].reserve
    assert reserve is not None
    failed = an_attempt(status=Status.FAILED, requests_counted=60, **NOTHING)
    assert reserve.why_not_confirm(failed) is not None
    assert reserve.why_not_confirm(replace(failed, requests_counted=40)) is None


def test_an_interrupt_loses_none_of_the_runs_that_were_made(tmp_path: Path) -> None:
    class Interrupted(Runs):
        def __call__(self, job: Job, on_event: object) -> Run:
            if len(self.jobs) == 2:
                raise KeyboardInterrupt
            return super().__call__(job, on_event)

    repetitions = Repetitions(5)
    with pytest.raises(KeyboardInterrupt):
        make_runs(a_job(tmp_path, None), repetitions, make=Interrupted(*[PASSED] * 5))
    told, junit = written(tmp_path, repetitions)
    assert [run["id"] for run in told] == ["r1", "r2"]
    error = junit.find(".//error")
    assert error is not None
    assert "stopped after 2 of 5 runs: the command was interrupted" in (error.get("message") or "")
