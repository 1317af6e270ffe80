"""Runs as JUnit XML: a suite is a journey at a location, a case is a step."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from facts import Run, Status, Step, StepStatus

# XML 1.0 forbids these in any form: https://www.w3.org/TR/xml/#charsets
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def junit_xml(runs: Sequence[Run]) -> str:
    """The document, times in seconds. A run without a step (it never began) is one case that carries the run's name."""
    root = ET.Element("testsuites")
    for run in runs:
        _add_suite(root, run)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_suite(root: ET.Element, run: Run) -> None:
    suite = ET.SubElement(root, "testsuite", name=f"{run.journey}@{run.location}", time=_seconds(run.duration_ms))
    suite.set("timestamp", run.started_at.strftime("%Y-%m-%dT%H:%M:%S"))
    counts = dict.fromkeys(("failures", "errors", "skipped"), 0)
    own_fault = run.status in (Status.ERRORED, Status.BLOCKED)
    told = False
    for step in run.steps:
        case = ET.SubElement(
            suite, "testcase", classname=run.journey, name=step.name, time=_seconds(step.duration_ms or 0)
        )
        told = _tell(case, step, counts, own_fault=own_fault) or told
    if run.status is not Status.PASSED and not told:
        case = ET.SubElement(suite, "testcase", classname=run.journey, name=run.journey, time="0.000")
        _add_problem(case, "error" if own_fault else "failure", str(run.status), run.error or str(run.status), counts)
    suite.set("tests", str(len(suite)))
    for name, count in counts.items():
        suite.set(name, str(count))


def _tell(case: ET.Element, step: Step, counts: dict[str, int], *, own_fault: bool) -> bool:
    """Add what became of a step; True where it is the one that broke."""
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
    return _FORBIDDEN.sub("", text)


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.3f}"
