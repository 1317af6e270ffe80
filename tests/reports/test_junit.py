"""JUnit XML that a CI server understands."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

from facts import Blame, Run, Status, StepStatus
from reports.junit import junit_xml
from tests.builders import a_run, a_step, an_attempt
from tests.cli.hostile import ACTS, obeyed


def suite_of(run: Run) -> ET.Element:
    suite = ET.fromstring(junit_xml([run])).find("testsuite")
    assert suite is not None
    return suite


def a_broken(status: Status = Status.FAILED, step: StepStatus = StepStatus.FAILED, error: str = "it broke") -> Run:
    steps = (
        a_step(name="one"),
        a_step(name="two", status=step, error=error),
        a_step(name="three", status=StepStatus.SKIPPED, error=None),
    )
    return a_run(journey="ga_purchase", location="us-east", status=status, blame=Blame.SITE, error=error, steps=steps)


def test_a_suite_is_a_journey_at_a_location_and_a_case_is_a_step() -> None:
    suite = suite_of(a_broken())
    assert suite.get("name") == "ga_purchase@us-east"
    assert [case.get("name") for case in suite.findall("testcase")] == ["one", "two", "three"]
    assert [suite.get(k) for k in ("tests", "failures", "errors", "skipped")] == ["3", "1", "0", "1"]


def test_a_failure_carries_its_sentence() -> None:
    failure = suite_of(a_broken()).find("testcase[@name='two']/failure")
    assert failure is not None
    assert failure.get("message") == "it broke"


def test_a_time_out_is_a_failure_of_that_type() -> None:
    failure = suite_of(a_broken(Status.TIMED_OUT, StepStatus.TIMED_OUT)).find(".//failure")
    assert failure is not None
    assert failure.get("type") == "timeout"


def test_our_own_fault_is_an_error() -> None:
    suite = suite_of(a_broken(Status.ERRORED))
    assert (suite.get("failures"), suite.get("errors")) == ("0", "1")


def test_a_run_that_never_began_is_still_a_case() -> None:
    suite = suite_of(a_run(status=Status.ERRORED, steps=(), error="no browser"))
    assert [case.get("name") for case in suite.findall("testcase")] == [
        suite_of(a_run()).get("name", "").partition("@")[0]
    ]
    assert suite.find("testcase/error") is not None


def test_characters_that_xml_forbids_are_shown() -> None:
    failure = suite_of(a_broken(error="bad \x00\x1b\ufffe\ud800 & <end>")).find(".//failure")
    assert failure is not None
    assert failure.get("message") == "bad \\x00\\x1b\\ufffe\\ud800 & <end>"


def test_texts_from_outside_hold_nothing_that_a_terminal_obeys() -> None:
    run = replace(a_broken(error=f"error{ACTS}"), id=f"run{ACTS}", journey=f"ga{ACTS}", location=f"us{ACTS}")
    document = junit_xml([replace(run, steps=(a_step(name=f"step{ACTS}"), *run.steps)), run])
    assert obeyed(document) <= {"\t"}
    assert ET.fromstring(document).find(".//failure") is not None


def test_repeated_runs_have_names_of_their_own() -> None:
    runs = [replace(a_broken(), id=f"run-{number}") for number in range(3)]
    other = replace(a_broken(), location="eu-west")
    document = ET.fromstring(junit_xml([*runs, other]))
    names = [suite.get("name") for suite in document.findall("testsuite")]
    cases = [(case.get("classname"), case.get("name")) for suite in document for case in suite.findall("testcase")]
    assert names == [
        "ga_purchase@us-east #1",
        "ga_purchase@us-east #2",
        "ga_purchase@us-east #3",
        "ga_purchase@eu-west",
    ]
    assert len(set(cases[:9])) == 9


def test_a_suite_says_which_repetition_and_attempt_it_is() -> None:
    passed = a_run(status=Status.PASSED, id="first")
    flaky = a_run(
        status=Status.PASSED, id="second", attempts=(an_attempt(), an_attempt(number=2)), counts=2, flaky=True
    )
    told = [
        {p.get("name"): p.get("value") for p in suite.iter("property")}
        for suite in ET.fromstring(junit_xml([passed, flaky])).findall("testsuite")
    ]
    kept = ("run_id", "repetition", "repetitions", "attempt", "attempts", "flaky")
    assert [[one[name] for name in kept] for one in told] == [
        ["first", "1", "2", "1", "1", "false"],
        ["second", "2", "2", "2", "2", "true"],
    ]
