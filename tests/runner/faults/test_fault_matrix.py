"""Every fault ends in one record that names its cause, is blamed on whose it is, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from facts import Blame, Run, Status, StepStatus
from runner.attempt.start import make_run
from tests.jobs import a_job
from tests.processes import name_of
from tests.runner.faults.pages import a_faulty_site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
JOURNEYS = Path(__file__).with_name("journeys")
SITE, JOURNEY, RUNNER = Blame.SITE, Blame.JOURNEY, Blame.RUNNER


@dataclass(frozen=True)
class Case:
    """A journey that meets a fault, and what its record has to say."""

    journey: str
    status: Status
    blame: Blame | None
    sentence: str
    job: dict[str, Any] = field(default_factory=dict)
    cut: str | None = None
    mute: bool = False
    """It cannot say what it has seen when it is asked."""


PASSED, FAILED, TIMED_OUT, ERRORED = Status.PASSED, Status.FAILED, Status.TIMED_OUT, Status.ERRORED
CASES = (
    Case("script_never_ends_after_a_click", TIMED_OUT, SITE, "look: a script of the page never ended"),
    Case("script_never_ends_while_loading", TIMED_OUT, SITE, "look: a script of the page never ended"),
    Case("script_never_ends_in_evaluate", TIMED_OUT, SITE, "look: a script of the page never ended"),
    Case(
        "script_never_ends_under_a_question", TIMED_OUT, SITE, "never ended, so that the page did not answer any more"
    ),
    Case("promise_never_kept", TIMED_OUT, JOURNEY, "look: the script that the journey gave the page at "),
    Case(
        "call_never_answered",
        TIMED_OUT,
        SITE,
        "look: GET /silent gave no answer while the journey waited for evaluate()",
    ),
    Case("renderer_crashes", FAILED, SITE, "look: the page crashed"),
    Case("page_asks_before_it_is_left", PASSED, None, ""),
    Case("page_alerts_for_ever", TIMED_OUT, SITE, "dialogs, one after the other"),
    Case("address_is_a_download", FAILED, SITE, "look: GET /download answered 200 with a download, which is no page"),
    Case("page_opens_popups", PASSED, None, ""),
    Case("page_asks_for_permissions", PASSED, None, ""),
    Case("page_asks_a_thousand_times", PASSED, None, "", cut="requests"),
    Case("page_eats_memory", FAILED, SITE, "look: the page used more than 900 MB of memory (chrom", {"memory_mb": 900}),
    Case("page_chatters", PASSED, None, "", cut="console"),
    Case("browser_is_frozen", ERRORED, RUNNER, "look: the browser had been stopped from outside (SIGSTOP)"),
    Case("browser_is_killed", ERRORED, RUNNER, "look: the browser went away"),
    Case("driver_is_frozen", ERRORED, RUNNER, "look: its driver had been stopped from outside (SIGSTOP)"),
    Case("driver_is_killed", ERRORED, RUNNER, "look: the browser went away"),
    Case("attempt_is_killed", ERRORED, RUNNER, "look: the attempt's process was killed (SIGKILL)"),
    Case("attempt_is_frozen", ERRORED, RUNNER, "look: the attempt had been stopped from outside (SIGSTOP)"),
    Case("journey_spins", TIMED_OUT, JOURNEY, "look: the journey's own code computed on at "),
    Case("journey_holds_the_interpreter", TIMED_OUT, JOURNEY, "look: the journey's own code never let go", mute=True),
    Case("journey_sleeps", TIMED_OUT, JOURNEY, "look: the journey's own code stood still at "),
    Case("journey_eats_memory", FAILED, JOURNEY, "the journey's own code used more than 900 MB", {"memory_mb": 900}),
    Case("journey_prints_without_end", PASSED, None, ""),
    Case("journey_notes_too_long_a_line", PASSED, None, ""),
    Case(
        "journey_floods_the_supervisor",
        FAILED,
        JOURNEY,
        "the journey's own code said more than 64 MB about itself",
        mute=True,
    ),
)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with a_faulty_site() as url:
        yield url


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place for temporary folders, this test's alone. Its name is short: a socket's path may have 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.journey)
def test_a_fault_ends_in_one_record_that_names_it_and_leaves_nothing(
    site: str, temporary: Path, tmp_path: Path, case: Case
) -> None:
    run = make(tmp_path, site, case.journey, **case.job)
    assert (run.status, run.blame, case.sentence in (run.error or "")) == (case.status, case.blame, True), run.error
    assert case.cut is None or run.cut[case.cut] > 100
    assert_it_is_whole(run, mute=case.mute)


def test_a_page_of_200_megabytes_is_never_laid_on_the_runner(site: str, temporary: Path, tmp_path: Path) -> None:
    run = make(tmp_path, site, "page_is_huge")
    assert (run.status, run.blame) in {(PASSED, None), (TIMED_OUT, SITE), (FAILED, SITE)}, run.error
    assert_it_is_whole(run)


def make(folder: Path, site: str, journey: str, **how: Any) -> Run:
    """Make a run that meets a fault, and see that it leaves no process and no temporary folder."""
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    run = make_run(
        a_job(folder, site, journey, **{"confirm": False, "grace_s": 2.0, "journeys_dir": str(JOURNEYS), **how})
    )
    left = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
    assert [str(p) for p in left if name_of(p)] == []
    assert os.listdir(os.environ["TMPDIR"]) == []  # noqa: PTH208
    return run


def assert_it_is_whole(run: Run, *, mute: bool = False) -> None:
    assert run.finished_at >= run.started_at
    assert [s.name for s in run.steps] == ["open", "look"]
    assert run.steps[0].status is StepStatus.PASSED, "what was told before the fault is kept"
    if run.blame is not Blame.RUNNER and not mute:
        assert any(r.endpoint == "/" or r.step == "open" for r in run.attempts[0].requests), "and what was seen"
