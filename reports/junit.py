"""Writes runs as JUnit XML: a suite is a journey at a location, a case is a step.

Consumers merge suites and cases with equal names, so a repeated run has its number in both.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence

from facts import Run, Status, Step, StepStatus
from process.visible import visible


def junit_xml(runs: Sequence[Run], *, wanted: int = 1, why_fewer: str | None = None) -> str:
    """Return the document, with times in seconds. A run without steps (it never began) is one case with the run's name.

    `wanted` is the requested number of runs of one journey. If there are fewer, and at least one, `why_fewer` says why,
    and an additional suite reports it as an error.
    """
    root = ET.Element("testsuites")
    of_this_name = Counter(_name(run) for run in runs)
    number: Counter[str] = Counter()
    for run in runs:
        name = _name(run)
        number[name] += 1
        _add_suite(root, run, repetition=number[name], of=max(wanted, of_this_name[name]))
    if why_fewer:
        _add_missing(root, runs[-1], made=len(runs), wanted=wanted, why=why_fewer)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _name(run: Run) -> str:
    return _clean(f"{run.journey}@{run.location}")


def _add_suite(root: ET.Element, run: Run, *, repetition: int, of: int) -> None:
    """Add a run as a suite. `repetition` counts the `of` runs of one journey at one location."""
    is_repeated = of > 1
    name = f"{_name(run)} #{repetition}" if is_repeated else _name(run)
    class_name = _clean(f"{run.journey}.{repetition}" if is_repeated else run.journey)
    suite = ET.SubElement(root, "testsuite", name=name, time=_seconds(run.duration_ms))
    suite.set("timestamp", run.started_at.strftime("%Y-%m-%dT%H:%M:%S"))
    _add_properties(suite, _properties_of(run, repetition=repetition, of=of))
    counts = dict.fromkeys(("failures", "errors", "skipped"), 0)
    # In JUnit, an error is a problem of the test itself, a failure one of the tested site.
    own_fault = run.status in (Status.ERRORED, Status.BLOCKED)
    told = False
    for step in run.steps:
        case = ET.SubElement(
            suite, "testcase", classname=class_name, name=_clean(step.name), time=_seconds(step.duration_ms or 0)
        )
        told = _tell(case, step, counts, own_fault=own_fault) or told
    if run.status is not Status.PASSED and not told:
        case = ET.SubElement(suite, "testcase", classname=class_name, name=_clean(run.journey), time="0.000")
        _add_problem(case, "error" if own_fault else "failure", str(run.status), run.error or str(run.status), counts)
    suite.set("tests", str(len(suite.findall("testcase"))))
    for name, count in counts.items():
        suite.set(name, str(count))


def _add_missing(root: ET.Element, last: Run, *, made: int, wanted: int, why: str) -> None:
    """Add one suite for the runs that were not made."""
    number = made + 1
    suite = ET.SubElement(root, "testsuite", name=f"{_name(last)} #{number}", time="0.000", tests="1")
    _add_properties(suite, {"location": last.location, "repetition": number, "repetitions": wanted, "status": "missed"})
    counts = dict.fromkeys(("failures", "errors", "skipped"), 0)
    class_name = _clean(f"{last.journey}.{number}")
    case = ET.SubElement(suite, "testcase", classname=class_name, name=_clean(last.journey), time="0.000")
    _add_problem(case, "error", "missed", f"stopped after {made} of {wanted} runs: {why}", counts)
    for name, count in counts.items():
        suite.set(name, str(count))


def _properties_of(run: Run, *, repetition: int, of: int) -> dict[str, object]:
    """Return what distinguishes two runs; `attempt` is the number of the attempt whose steps are listed."""
    return {
        "run_id": run.id,
        "location": run.location,
        "repetition": repetition,
        "repetitions": of,
        "attempt": run.counts,
        "attempts": len(run.attempts),
        "status": run.status.value,
        "blame": run.blame or "",
        "flaky": str(run.flaky).lower(),
    }


def _add_properties(suite: ET.Element, found: Mapping[str, object]) -> None:
    properties = ET.SubElement(suite, "properties")
    for name, value in found.items():
        ET.SubElement(properties, "property", name=name, value=_clean(str(value)))


def _tell(case: ET.Element, step: Step, counts: dict[str, int], *, own_fault: bool) -> bool:
    """Add the result of a step; return True if this step failed."""
    if step.status is StepStatus.SKIPPED:
        counts["skipped"] += 1
        ET.SubElement(case, "skipped", message=_clean(step.error or "an earlier step failed"))
        return False
    if step.status is StepStatus.PASSED:
        return False
    kind = "timeout" if step.status is StepStatus.TIMED_OUT else "failure"
    _add_problem(case, "error" if own_fault else "failure", kind, step.error or "failed", counts)
    return True


def _add_problem(case: ET.Element, tag: str, kind: str, message: str, counts: dict[str, int]) -> None:
    counts["errors" if tag == "error" else "failures"] += 1
    ET.SubElement(case, tag, type=kind, message=_clean(message)).text = _clean(message)


def _clean(text: str) -> str:
    # XML 1.0 forbids some characters in any form, and they are among those written out: https://www.w3.org/TR/xml/#charsets
    return visible(text, keep="\n\t")


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.3f}"
