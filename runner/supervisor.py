"""The process that answers for one run: it makes the attempts, keeps their deadlines, kills what is left, and writes the record.

The job comes as JSON on standard input; what happens leaves as JSON lines on standard output, the last of them
`{"event": "run", "run": ...}`. Whatever the attempts do, there is exactly one such line.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from facts import (
    Attempt,
    Blame,
    ConsoleLine,
    Dialog,
    Evidence,
    Purchase,
    Request,
    Run,
    Status,
    Step,
    StepStatus,
    Vital,
    from_wire,
    to_wire,
)
from journeys.failure import Failure
from runner.blame import Surroundings, group_of, judge, wants_a_look
from runner.canaries import door_opens, look
from runner.caps import Finding
from runner.evidence import enlist, keep
from runner.job import Job, Order
from runner.listening import Ears
from runner.machine import short_of
from runner.offspring import adopt_orphans, die_with_parent, kill_offspring
from runner.remains import make_folder, temporary
from runner.scrub import Scrubber
from runner.stuck import Place, clearer, why
from runner.trim import trimmed
from runner.watch import Watch
from runner.witness import ASK

Tell = Callable[[str, dict[str, Any]], None]
T = TypeVar("T")

LAUNCH_S = 30.0
"""What starting a browser may take."""
EVIDENCE_S = 20.0
"""What taking evidence may take once the journey is over."""

_LOOK_EVERY_S = 0.5
_ANSWERS_WITHIN_S = 2.0
_DIES_WITHIN_S = 1.0
_MOST_NOTES, _NOTE = 50, 1000

# What the browser's process tree may see of our environment; secrets are not among it.
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "VIRTUAL_ENV",
    "NODE_EXTRA_CA_CERTS",
)
_CALLS = ("document", "fetch", "xhr", "script")
_NOUNS: dict[str, type] = {"requests": Request, "console": ConsoleLine, "dialogs": Dialog, "vitals": Vital}
_PASSED_ON_PREFIXES = ("LC_", "XDG_", "PLAYWRIGHT_", "SSL_CERT_", "PW")


class Stopped(BaseException):
    """The run was told to stop."""


@dataclass
class Seen:
    """What an attempt has told so far. It is all there is when the attempt does not live to its end."""

    number: int = 1
    folder: Path = field(default_factory=Path)
    attempt: Attempt | None = None
    failure: Failure | None = None
    browser: str = "no browser"
    unable: str | None = None
    unable_journey: bool = False
    done: bool = False
    step: str | None = None
    step_since: float = 0.0
    began: float | None = None
    waited_s: float = 0.0
    steps: dict[str, Step] = field(default_factory=dict)
    purchases: dict[str, Purchase] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    last_words: str = ""
    finding: Finding | None = None
    place: Place | None = None
    so_far: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    page_never_rested: bool = False


class Supervisor:
    """Makes one run."""

    def __init__(self, job: Job, tell: Tell) -> None:
        self.job = job
        self.tell = tell
        self.scrubber = Scrubber(job.secrets)
        self.steps: tuple[str, ...] = ()
        self.slow_after_s: float | None = None
        self.deadline_s = self.step_s = 0.0
        self.evidence: list[Evidence] = []
        self.purchases: dict[str, Purchase] = {}
        self.notes: list[str] = []
        self.browser = "no browser"
        self._parent = os.getppid()

    def run(self) -> Run:
        """The one terminal record of the job."""
        started_at, began = datetime.now(UTC), time.monotonic()
        attempts = self._attempts()
        # A clock that was set back meanwhile makes no run end before it began.
        return self._record(started_at, started_at + timedelta(seconds=time.monotonic() - began), attempts)

    def _attempts(self) -> list[Attempt]:
        first = self._attempt(1, traced=self.job.trace == "on")
        if first.status not in (Status.FAILED, Status.TIMED_OUT) or not self.job.confirm:
            return [first]
        self.tell("confirming", {"after_s": self.job.confirm_after_s, "error": first.error})
        time.sleep(self.job.confirm_after_s)
        return [first, self._attempt(2, traced=self.job.trace != "off")]

    # -- one attempt -------------------------------------------------------------------------------------------------

    def _attempt(self, number: int, *, traced: bool) -> Attempt:
        self.tell("attempt_started", {"number": number})
        started_at = datetime.now(UTC)
        try:
            folder = make_folder(Path(self.job.scratch or temporary()))
        except OSError as error:
            reason = f"no temporary folder could be made for the browser: {error.strerror or error}"
            return self._unmade(number, reason, Status.ERRORED, Blame.RUNNER, started_at=started_at)
        try:
            seen, ended = self._watch(number, folder, traced=traced)
            seen.last_words = self.scrubber.mask(seen.last_words)[0]
            attempt = self._judged(number, seen, ended, started_at, folder)
        finally:
            kill_offspring()
            shutil.rmtree(folder, ignore_errors=True)
        self.browser = seen.browser if seen.browser != "no browser" else self.browser
        self.purchases.update(seen.purchases)
        self.notes += [note for note in seen.notes if note not in self.notes]
        self.tell("attempt_ended", {"number": number, "status": attempt.status, "error": attempt.error})
        return attempt

    def _watch(self, number: int, folder: Path, *, traced: bool) -> tuple[Seen, str]:
        """Start the attempt and listen until it is done, dies, or has overstayed; how it ended stands in the second part."""
        seen = Seen(number=number, folder=folder)
        (facts, told_to), (errors, printed_to) = os.pipe(), os.pipe()
        order = Order(job=self.job, number=number, traced=traced, folder=str(folder), facts_fd=told_to)
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "runner.attempt"],
            stdin=subprocess.PIPE,
            stdout=printed_to,
            stderr=printed_to,
            pass_fds=(told_to,),
            env=_environment(folder),
            preexec_fn=die_with_parent,
        )
        os.close(told_to)
        os.close(printed_to)
        ears = Ears(facts, errors)
        try:
            assert child.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(json.dumps(to_wire(order)).encode() + b"\n")
                child.stdin.flush()
            return seen, self._listen(ears, seen, Watch(child.pid, folder, memory_mb=self.job.memory_mb), child)
        finally:
            self._end(child, ears, seen)

    def _end(self, child: subprocess.Popen[bytes], ears: Ears, seen: Seen) -> None:
        """Make sure that the attempt's own process is gone, and keep how it went and its last words."""
        if ears.deaf:
            with contextlib.suppress(subprocess.TimeoutExpired):
                seen.exit_code = child.wait(_DIES_WITHIN_S)
        child.kill()
        child.wait()
        ears.drain()
        ears.close()
        seen.last_words = ears.last_words
        if ears.left_out:
            self._note(
                seen, f"{ears.left_out} things that the attempt told were too long or garbled, and were left out"
            )
        with contextlib.suppress(BrokenPipeError):
            assert child.stdin is not None
            child.stdin.close()

    def _listen(self, ears: Ears, seen: Seen, watch: Watch, child: subprocess.Popen[bytes]) -> str:
        started = looked = time.monotonic()
        while True:
            now = time.monotonic()
            left = self._deadline(seen, started) - now
            if left <= 0:
                self._ask(ears, seen, child)
                if seen.attempt is None:
                    seen.finding = why(watch.last_look(seen.place, self._pending(seen)))
                else:  # it came to the end of its walk while it was asked
                    seen.page_never_rested = watch.page_never_rested()
                return "overstayed"
            walking = seen.attempt is None
            for line in ears.listen(min(left, _LOOK_EVERY_S)):
                self._take(line, seen)
            if walking and seen.attempt is not None:
                seen.page_never_rested = watch.page_never_rested()
            if seen.done or seen.unable:
                return "ended"
            if ears.deaf:
                return "died"
            if now - looked >= _LOOK_EVERY_S:
                looked = now
                self._check_parent()
                seen.finding = watch.look(flooded=ears.flooded)
                if seen.finding:
                    self._ask(ears, seen, child)
                    return "exceeded"

    def _ask(self, ears: Ears, seen: Seen, child: subprocess.Popen[bytes]) -> None:
        """Ask an attempt that is about to be ended where it is and what it has seen, and give it a moment to answer."""
        assert child.stdin is not None
        try:
            child.stdin.write(ASK)
            child.stdin.flush()
        except OSError:
            return
        ends = time.monotonic() + _ANSWERS_WITHIN_S
        while seen.place is None and not ears.deaf and (left := ends - time.monotonic()) > 0:
            for line in ears.listen(left):
                self._take(line, seen)

    def _check_parent(self) -> None:
        """Nobody is left to take the record where whoever started this run is gone; systems that signal that do it sooner."""
        if os.getppid() != self._parent:
            raise Stopped

    def _pending(self, seen: Seen) -> Request | None:
        """The oldest call of the step that never got an answer."""
        return next(
            (
                r
                for r in seen.so_far.get("requests", ())
                if r.step == seen.step and r.status is None and r.failure == "pending" and r.kind in _CALLS
            ),
            None,
        )

    def _deadline(self, seen: Seen, started: float) -> float:
        """When to kill, on the monotonic clock: by the phase the attempt is in."""
        if self.job.unhurried:
            return float("inf")
        if seen.attempt is not None:
            return seen.step_since + EVIDENCE_S
        if seen.began is None:
            return started + LAUNCH_S
        grace = self.job.grace_s
        whole = seen.began + self.deadline_s + seen.waited_s + grace
        return min(whole, seen.step_since + self.step_s + grace) if seen.step else whole

    def _take(self, line: dict[str, Any], seen: Seen) -> None:
        now = time.monotonic()
        match line.pop("event"):
            case "journey":
                self.steps = tuple(line["steps"])
                self.slow_after_s = line["slow_after_s"]
                self.deadline_s, self.step_s = line["deadline_s"], line["step_s"]
            case "launched":
                seen.browser = line["browser"]
            case "step_started":
                seen.began = now if seen.began is None else seen.began
                seen.step, seen.step_since = line["name"], now
                self.tell("step_started", line)
            case "step_ended":
                step = self._noun(Step, line["step"])
                seen.steps[step.name] = step
                seen.step, seen.step_since = None, now
                self.tell("step_ended", {"step": step})
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
                    self._note(seen, note)
                seen.step_since = now
            case "note":
                self._note(seen, line["note"])
            case "asked":
                seen.place = from_wire(Place, line["place"])
                self._take_so_far(line, seen)
            case "secrets":
                self.scrubber = self.scrubber.knowing(line["values"])
            case "evidence":
                self._keep_evidence(seen, line["kind"], line["file"])
                seen.step_since += time.monotonic() - now
            case "unable":
                seen.unable, seen.unable_journey = self.scrubber.mask(line["reason"])[0], line["journey"]
            case "done":
                seen.done = True

    def _take_so_far(self, line: dict[str, Any], seen: Seen) -> None:
        told = line.get("seen") or {}
        for kind, noun in _NOUNS.items():
            seen.so_far[kind] = tuple(self._noun(noun, item) for item in told.get(kind, ()))
        seen.so_far["left_out"] = told.get("left_out", {})
        seen.so_far["page_text"] = self.scrubber.mask(line.get("page_text") or "")[0] or None
        for note in line.get("notes", ()):
            self._note(seen, note)

    def _note(self, seen: Seen, note: str) -> None:
        if len(seen.notes) < _MOST_NOTES:
            seen.notes.append(self.scrubber.mask(note)[0][:_NOTE])

    def _noun(self, noun: type[T], data: Any) -> T:
        """A noun from the attempt, with every secret in it masked before anybody else sees it."""
        return from_wire(noun, self.scrubber.mask_all(data)[0])

    # -- judging -----------------------------------------------------------------------------------------------------

    def _judged(self, number: int, seen: Seen, ended: str, started_at: datetime, folder: Path) -> Attempt:
        if seen.attempt is not None:
            walked = self._judge_walk(seen.attempt, seen.failure, folder)
            return clearer(walked, page_never_rested=seen.page_never_rested)
        if seen.unable is not None:
            status = (Status.FAILED, Blame.JOURNEY) if seen.unable_journey else (Status.ERRORED, Blame.RUNNER)
            return self._unmade(number, seen.unable, *status, started_at=started_at)
        if ended in ("overstayed", "exceeded") and seen.finding is not None:
            return self._ended(number, seen, seen.finding, started_at)
        return self._unmade(number, _death(seen), Status.ERRORED, Blame.RUNNER, seen=seen, started_at=started_at)

    def _judge_walk(self, attempt: Attempt, failure: Failure | None, folder: Path) -> Attempt:
        if failure is None:
            return attempt
        answered = any(r.party == "first" and r.status is not None for r in attempt.requests)
        looks = wants_a_look(failure.kind, site_answered=answered)
        around = Surroundings(
            canaries=look(self.job.canaries) if looks else (),
            door_opens=door_opens(self.job.site.base_url) if looks else None,
            short_of=short_of(folder),
        )
        judged = judge(failure.kind, site_answered=answered, late=failure.late, around=around)
        error = f"{attempt.error}; {judged.because}" if judged.because else attempt.error
        group = group_of(failure.sentence)
        return replace(attempt, status=judged.status, blame=judged.blame, error=error, error_group=group)

    def _ended(self, number: int, seen: Seen, finding: Finding, started_at: datetime) -> Attempt:
        """Killed in the midst of a step, or before the first: what it had told by then is kept."""
        if seen.began is None and finding.blame in (Blame.RUNNER, Blame.SITE):
            reason = f"the browser did not start within {LAUNCH_S:g} s"
            reason = f"{reason}: {finding.cause}" if finding.blame is Blame.RUNNER else reason
            return self._unmade(number, reason, Status.ERRORED, Blame.RUNNER, seen=seen, started_at=started_at)
        name = seen.step or (list(seen.steps) or list(self.steps) or [self.job.journey])[-1]
        since = time.monotonic() - seen.step_since if seen.step else 0.0
        error = f"{name}: {finding.cause}"
        if seen.step:
            error += f"; the run was ended {since:.0f} s after the step began"
            timed_out = finding.status is Status.TIMED_OUT
            status = StepStatus.TIMED_OUT if timed_out else StepStatus.FAILED
            seen.steps[name] = Step(name=name, status=status, duration_ms=since * 1000, error=error)
        return Attempt(
            number=number,
            status=finding.status,
            blame=finding.blame,
            started_at=started_at,
            failed_step=name,
            error=error,
            error_group=group_of(error),
            where=finding.where,
            duration_ms=sum(step.duration_ms or 0 for step in seen.steps.values()),
            waited_ms=seen.waited_s * 1000,
            steps=self._all_steps(seen),
            **seen.so_far,
        )

    def _unmade(
        self,
        number: int,
        reason: str,
        status: Status,
        blame: Blame,
        *,
        seen: Seen | None = None,
        started_at: datetime | None = None,
    ) -> Attempt:
        """An attempt that could not be made, or whose end nobody saw."""
        return Attempt(
            number=number,
            status=status,
            blame=blame,
            started_at=started_at or datetime.now(UTC),
            failed_step=seen.step if seen else None,
            error=reason,
            error_group=group_of(reason),
            steps=self._all_steps(seen or Seen()),
        )

    def _all_steps(self, seen: Seen) -> tuple[Step, ...]:
        return tuple(seen.steps.get(name, Step(name=name, status=StepStatus.SKIPPED)) for name in self.steps)

    # -- the record --------------------------------------------------------------------------------------------------

    def _keep_evidence(self, seen: Seen, kind: str, name: str) -> None:
        """At once: what is in the store is there also when this process is killed the next moment."""
        if kind == "trace" and self.job.trace == "retain-on-failure" and seen.failure is None:
            return
        store = Path(self.job.evidence)
        fact = keep(kind, seen.folder / name, attempt=seen.number, store=store, scrubber=self.scrubber)
        enlist(self.job.run_id, fact, store=store)
        self.evidence.append(fact)
        self.tell("evidence", {"evidence": fact})

    def _record(self, started_at: datetime, finished_at: datetime, attempts: list[Attempt]) -> Run:
        counted = _counted(attempts)
        slow_after = None if self.slow_after_s is None else self.slow_after_s * 1000
        passed = counted.status is Status.PASSED
        return self._clean(
            Run(
                id=self.job.run_id,
                journey=self.job.journey,
                location=self.job.location,
                slot=self.job.slot,
                status=counted.status,
                blame=counted.blame,
                slow=passed and slow_after is not None and counted.duration_ms > slow_after,
                flaky=passed and counted.number > 1,
                failed_step=counted.failed_step,
                error=counted.error,
                duration_ms=counted.duration_ms,
                slow_after_ms=slow_after,
                started_at=started_at,
                finished_at=finished_at,
                site=self.job.site.base_url,
                browser=self.browser,
                plan=self.job.plan_hash,
                counts=counted.number,
                attempts=tuple(attempts),
                steps=counted.steps,
                vitals=counted.vitals,
                purchases=tuple(self.purchases.values()),
                evidence=tuple(self.evidence),
                notes=tuple(self._all_notes(counted)),
            )
        )

    def _clean(self, run: Run) -> Run:
        """The record without a secret in it, whoever wrote it there, and no larger than the hub takes."""
        return trimmed(from_wire(Run, self.scrubber.mask_all(to_wire(run))[0]))

    def _all_notes(self, counted: Attempt) -> list[str]:
        notes = list(self.notes)
        if counted.traced:
            notes.append("the attempt that counts was traced, which stretches its step times")
        if not self.job.sandbox:
            notes.append("the browser's sandbox was off")
        return notes


def _counted(attempts: list[Attempt]) -> Attempt:
    """The last attempt, unless our own fault kept it from confirming or refuting the first."""
    last = attempts[-1]
    return attempts[0] if last.status in (Status.ERRORED, Status.BLOCKED) else last


def _death(seen: Seen) -> str:
    code = seen.exit_code
    if seen.done:
        how = "told nothing that could be read of its walk"
    elif code is None:
        how = "closed its door to the supervisor"
    elif code < 0:
        how = f"was killed ({signal.Signals(-code).name})"
    else:
        how = f"ended by itself with {code}"
    where = f"{seen.step}: " if seen.step else ""
    words = f"; its last words: {seen.last_words}" if seen.last_words else ""
    return f"{where}the attempt's process {how}{words}"


def _environment(folder: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in _PASSED_ON or k.startswith(_PASSED_ON_PREFIXES)}
    return {**kept, "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stopped


def main() -> None:
    """Read the job, make the run, print the record."""
    adopt_orphans()
    die_with_parent(signal.SIGTERM)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    out = sys.stdout

    def tell(event: str, data: dict[str, Any]) -> None:
        out.write(json.dumps({"event": event, **{k: to_wire(v) for k, v in data.items()}}) + "\n")
        out.flush()

    try:
        job = from_wire(Job, json.load(sys.stdin.buffer))
        tell("run", {"run": Supervisor(job, tell).run()})
    except (Stopped, BrokenPipeError):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kill_offspring()
        os._exit(143)


if __name__ == "__main__":
    main()
