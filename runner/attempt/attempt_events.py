"""Receives the events of an attempt, masks every secret in them, stores them in an `AttemptObservation`, and passes them on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from facts import Attempt, ConsoleLine, Dialog, Purchase, Request, Step, Vital, from_wire
from journeys.failure import Failure
from redact import Scrubber
from runner.attempt.evidence import enlist, keep
from runner.attempt.hang import StackLocation
from runner.attempt.job import Job
from runner.attempt.observation import AttemptObservation, JourneyLimits

Tell = Callable[[str, dict[str, Any]], None]
T = TypeVar("T")

_MOST_NOTES, _NOTE = 50, 1000
_NOUNS: dict[str, type] = {"requests": Request, "console": ConsoleLine, "dialogs": Dialog, "vitals": Vital}


class AttemptEvents:
    """Receives the events of all attempts of one run.

    The journey's limits and the secrets that one attempt reports also apply to the next.
    """

    def __init__(self, job: Job, tell: Tell) -> None:
        self.scrubber = Scrubber(job.secrets)
        self.course = JourneyLimits()
        self._job, self._tell = job, tell

    def take(self, line: dict[str, Any], observation: AttemptObservation) -> None:
        """Handle one event of an attempt."""
        now = time.monotonic()
        match line.pop("event"):
            case "journey":
                self.course = JourneyLimits(
                    steps=tuple(line["steps"]),
                    title=self.masked(line["title"]),
                    buys=line["buys"],
                    slow_after_s=line["slow_after_s"],
                    deadline_s=line["deadline_s"],
                    step_s=line["step_s"],
                )
            case "launched":
                observation.browser = line["browser"]
            case "step_started":
                observation.began = now if observation.began is None else observation.began
                observation.step, observation.step_since = line["name"], now
                self._tell("step_started", line)
            case "step_ended":
                step = self._noun(Step, line["step"])
                observation.steps[step.name] = step
                observation.step, observation.step_since = None, now
                self._tell("step_ended", {"step": step})
            # Time off the visit's clock, such as waiting for a page to settle, does not count against the step's deadline.
            case "waited":
                observation.waited_s += line["ms"] / 1000
                observation.step_since += line["ms"] / 1000
            case "purchase":
                purchase = self._noun(Purchase, line["purchase"])
                observation.purchases[purchase.session_id] = purchase
            case "walked":
                observation.attempt = self._noun(Attempt, line["attempt"])
                observation.failure = self._noun(Failure, line["failure"]) if line["failure"] else None
                for note in line["notes"]:
                    self.note(observation, note)
                observation.step_since = now
            case "note":
                self.note(observation, line["note"])
            case "asked":
                observation.place = from_wire(StackLocation, line["place"])
                self._take_so_far(line, observation)
            case "secrets":
                self.scrubber = self.scrubber.knowing(line["values"])
            case "evidence":
                self._keep_evidence(
                    observation, line["kind"], line["file"], covered=line.get("covered", 0), step=line.get("step")
                )
                # Nor does the time that the supervisor itself needs to scan the file.
                observation.step_since += time.monotonic() - now
            case "unable":
                observation.unable, observation.unable_journey = self.masked(line["reason"]), line["journey"]
            case "done":
                observation.done = True

    def note(self, observation: AttemptObservation, note: str) -> None:
        """Add a note to the run's record, masked, of at most 1000 characters; at most 50 notes are kept."""
        if len(observation.notes) < _MOST_NOTES:
            observation.notes.append(self.masked(note)[:_NOTE])

    def masked(self, text: str) -> str:
        """Return a text with every secret masked."""
        return self.scrubber.mask(text)[0]

    def _take_so_far(self, line: dict[str, Any], observation: AttemptObservation) -> None:
        told = line.get("seen") or {}
        for kind, noun in _NOUNS.items():
            observation.so_far[kind] = tuple(self._noun(noun, item) for item in told.get(kind, ()))
        observation.so_far["left_out"] = told.get("left_out", {})
        observation.so_far["page_text"] = self.masked(line.get("page_text") or "") or None
        for note in line.get("notes", ()):
            self.note(observation, note)

    def _keep_evidence(
        self, observation: AttemptObservation, kind: str, name: str, *, covered: int, step: str | None = None
    ) -> None:
        """Move a file into the evidence store at once, so that it survives if this process is killed a moment later."""
        if kind == "trace" and self._job.trace == "retain-on-failure" and observation.failure is None:
            return
        store = Path(self._job.evidence)
        file = observation.folder / name
        fact = keep(kind, file, attempt=observation.number, store=store, scrubber=self.scrubber, covered=covered)
        fact = replace(fact, step=step)
        enlist(self._job.run_id, fact, store=store)
        observation.evidence.append(fact)
        self._tell("evidence", {"evidence": fact})

    def _noun(self, noun: type[T], data: Any) -> T:
        """Decode an object from the attempt, with every secret masked before any other code sees it."""
        return from_wire(noun, self.scrubber.mask_all(data)[0])
