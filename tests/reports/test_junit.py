"""JUnit XML that a CI server understands."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from facts import Blame, Run, Status, StepStatus
from reports.junit import junit_xml
from tests.builders import a_run, a_step


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
    assert [case.get("name") for case in suite] == ["one", "two", "three"]
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
    assert [case.get("name") for case in suite] == [suite_of(a_run()).get("name", "").partition("@")[0]]
    assert suite.find("testcase/error") is not None


def test_characters_that_xml_forbids_are_left_out() -> None:
    failure = suite_of(a_broken(error="bad \x00\x1b\ufffe & <end>")).find(".//failure")
    assert failure is not None
    assert failure.get("message") == "bad  & <end>"
