"""Runs in one shared browser, at about two thirds of the CPU of `make_run`, which starts processes and a browser for each run.

The journey, what is recorded of it, how it is judged and the record are the product's own. What is left out is what `make_run` is
tested for elsewhere: a process that is watched, killed at its deadline and leaves nothing behind. A page that never lets go of its
scripts, a browser with options of its own and whatever a supervisor says therefore want `make_run`.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Playwright

from facts import Attempt, Run, to_wire
from journeys.browser import find_browser, launch_options, sandbox_wanted
from journeys.registry import JourneyError
from runner.attempt.attempt_events import AttemptEvents
from runner.attempt.job import Job, Order
from runner.attempt.judgement import judged
from runner.attempt.observation import AttemptObservation
from runner.attempt.record import record
from runner.attempt.start import make_run
from runner.attempt.walk import load, walk
from runner.ledger.ledger_writer import LedgerWriter

Make = Callable[[Job], Run]


@contextmanager
def a_browser(playwright: Playwright) -> Iterator[Browser]:
    """The browser that the product would choose, as it would start it."""
    found = find_browser(playwright.chromium.executable_path)
    browser = playwright.chromium.launch(**{**launch_options(sandbox=sandbox_wanted()), **found.launch})
    yield browser
    browser.close()


def warm_runs(browser: Browser) -> Make:
    """What makes a run of a job in a new context of `browser`. A job that wants a browser of its own gets it by `make_run`."""

    def make(job: Job) -> Run:
        if job.chromium or job.proxies:
            return make_run(job)
        intake, started, began = AttemptEvents(job, _silence), datetime.now(UTC), time.monotonic()
        seen: list[AttemptObservation] = []
        attempts = [_attempt(job, browser, intake, seen)]
        if job.confirm and attempts[0].error:
            time.sleep(job.confirm_after_s)
            attempts.append(_attempt(job, browser, intake, seen))
        return record(
            job,
            attempts,
            seen,
            course=intake.course,
            scrubber=intake.scrubber,
            started_at=started,
            finished_at=started + timedelta(seconds=time.monotonic() - began),
        )

    return make


def _attempt(job: Job, browser: Browser, intake: AttemptEvents, earlier: list[AttemptObservation]) -> Attempt:
    seen = AttemptObservation(number=len(earlier) + 1)
    earlier.append(seen)

    def tell(event: str, data: dict[str, Any]) -> None:
        told = {"event": event, **{key: to_wire(value) for key, value in data.items()}}
        intake.take(json.loads(json.dumps(told)), seen)

    with tempfile.TemporaryDirectory() as folder:
        seen.folder = Path(folder)
        traced = job.trace == "on" or (job.trace != "off" and seen.number > 1)
        order = Order(job=job, number=seen.number, traced=traced, folder=folder, facts_fd=-1)
        try:
            journey = load(job, tell)
            tell("launched", {"browser": f"Chromium {browser.version} (warm, headless)"})
            walk(order, journey, browser, LedgerWriter(tell, job, seen.number, journey=journey), tell)
        except JourneyError as error:
            tell("unable", {"reason": str(error), "journey": True})
        finally:
            for context in browser.contexts:
                context.close()
        return judged(seen, job, intake.course.steps)


def _silence(_event: str, _data: dict[str, Any]) -> None:
    pass
