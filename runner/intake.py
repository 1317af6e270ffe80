"""Takes in what an attempt tells: masks every secret in it, keeps it as `Seen`, and passes the news on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from facts import Attempt, ConsoleLine, Dialog, Purchase, Request, Step, Vital, from_wire
from journeys.failure import Failure
from journeys.redact import Scrubber
from runner.evidence import enlist, keep
from runner.job import Job
from runner.seen import Course, Seen
from runner.stuck import Place

Tell = Callable[[str, dict[str, Any]], None]
T = TypeVar("T")

_MOST_NOTES, _NOTE = 50, 1000
_NOUNS: dict[str, type] = {"requests": Request, "console": ConsoleLine, "dialogs": Dialog, "vitals": Vital}


class Intake:
    """Hears all attempts of one run: what one has told of the journey and of secrets holds for the next as well."""

    def __init__(self, job: Job, tell: Tell) -> None:
        self.scrubber = Scrubber(job.secrets)
        self.course = Course()
        self._job, self._tell = job, tell

    def take(self, line: dict[str, Any], seen: Seen) -> None:
        """One thing that was told."""
        now = time.monotonic()
        match line.pop("event"):
            case "journey":
                self.course = Course(
                    steps=tuple(line["steps"]),
                    title=self.masked(line["title"]),
                    buys=line["buys"],
                    slow_after_s=line["slow_after_s"],
                    deadline_s=line["deadline_s"],
                    step_s=line["step_s"],
                )
            case "launched":
                seen.browser = line["browser"]
            case "step_started":
                seen.began = now if seen.began is None else seen.began
                seen.step, seen.step_since = line["name"], now
                self._tell("step_started", line)
            case "step_ended":
                step = self._noun(Step, line["step"])
                seen.steps[step.name] = step
                seen.step, seen.step_since = None, now
                self._tell("step_ended", {"step": step})
            case "waited":
                seen.waited_s += line["ms"] / 1000
                seen.step_since += line["ms"] / 1000
            case "purchase":
                purchase = self._noun(Purchase, line["purchase"])
                seen.purchases[purchase.session_id] = purchase
            case "walked":
                seen.attempt = self._noun(Attempt, line["attempt"])
                seen.failure = self._noun(Failure, line["failure"]) if line["failure"] else None
                for note in line["notes"]:
                    self.note(seen, note)
                seen.step_since = now
            case "note":
                self.note(seen, line["note"])
            case "asked":
                seen.place = from_wire(Place, line["place"])
                self._take_so_far(line, seen)
            case "secrets":
                self.scrubber = self.scrubber.knowing(line["values"])
            case "evidence":
                self._keep_evidence(seen, line["kind"], line["file"], covered=line.get("covered", 0))
                seen.step_since += time.monotonic() - now
            case "unable":
                seen.unable, seen.unable_journey = self.masked(line["reason"]), line["journey"]
            case "done":
                seen.done = True

    def note(self, seen: Seen, note: str) -> None:
        """Something the reader of the run must know."""
        if len(seen.notes) < _MOST_NOTES:
            seen.notes.append(self.masked(note)[:_NOTE])

    def masked(self, text: str) -> str:
        """A text without a secret."""
        return self.scrubber.mask(text)[0]

    def _take_so_far(self, line: dict[str, Any], seen: Seen) -> None:
        told = line.get("seen") or {}
        for kind, noun in _NOUNS.items():
            seen.so_far[kind] = tuple(self._noun(noun, item) for item in told.get(kind, ()))
        seen.so_far["left_out"] = told.get("left_out", {})
        seen.so_far["page_text"] = self.masked(line.get("page_text") or "") or None
        for note in line.get("notes", ()):
            self.note(seen, note)

    def _keep_evidence(self, seen: Seen, kind: str, name: str, *, covered: int) -> None:
        """At once: what is in the store is there also when this process is killed the next moment."""
        if kind == "trace" and self._job.trace == "retain-on-failure" and seen.failure is None:
            return
        store = Path(self._job.evidence)
        file = seen.folder / name
        fact = keep(kind, file, attempt=seen.number, store=store, scrubber=self.scrubber, covered=covered)
        enlist(self._job.run_id, fact, store=store)
        seen.evidence.append(fact)
        self._tell("evidence", {"evidence": fact})

    def _noun(self, noun: type[T], data: Any) -> T:
        """A noun from the attempt, with every secret in it masked before anybody else sees it."""
        return from_wire(noun, self.scrubber.mask_all(data)[0])
