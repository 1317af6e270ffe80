"""The process that answers for one run: it makes the attempts, keeps their deadlines, kills what is left, and writes the record.

The job comes as JSON on standard input; what happens leaves as JSON lines on standard output, the last of them
`{"event": "run", "run": ...}`. Whatever the attempts do, there is exactly one such line.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from facts import Attempt, Blame, Evidence, Purchase, Run, Status, Step, StepStatus, from_wire, to_wire
from journeys.failure import Failure, Kind
from runner.blame import group_of, judge
from runner.canaries import answers
from runner.evidence import keep
from runner.job import Job, Order
from runner.offspring import adopt_orphans, die_with_parent, kill_offspring
from runner.scrub import Scrubber
from runner.trim import trimmed

Tell = Callable[[str, dict[str, Any]], None]
T = TypeVar("T")

LAUNCH_S = 30.0
"""What starting a browser may take."""
GRACE_S = 10.0
"""What the attempt gets beyond its own deadlines before it is killed."""
EVIDENCE_S = 20.0
"""What taking evidence may take once the journey is over."""

_LOOK_AT_LEAST_EVERY_S = 3600.0

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
_PASSED_ON_PREFIXES = ("LC_", "XDG_", "PLAYWRIGHT_", "SSL_CERT_", "PW")


class Stopped(BaseException):
    """The run was told to stop."""


@dataclass
class Seen:
    """What an attempt has told so far. It is all there is when the attempt does not live to its end."""

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
    files: list[tuple[str, str]] = field(default_factory=list)
    last_words: str = ""


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

    def run(self) -> Run:
        """The one terminal record of the job."""
        started_at = datetime.now(UTC)
        return self._record(started_at, self._attempts())

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
        folder = Path(tempfile.mkdtemp(prefix="sixfb-run-"))
        started_at = datetime.now(UTC)
        try:
            seen, ended = self._watch(number, folder, traced=traced)
            seen.last_words = self.scrubber.mask(_last_line(folder / "stderr.txt"))[0]
            attempt = self._judged(number, seen, ended, started_at)
            self._keep_evidence(seen, attempt, folder)
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
        seen = Seen()
        read_end, write_end = os.pipe()
        order = Order(job=self.job, number=number, traced=traced, folder=str(folder), facts_fd=write_end)
        with open(folder / "stderr.txt", "wb") as errors:  # noqa: PTH123 - a plain descriptor for the child
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "runner.attempt"],
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                pass_fds=(write_end,),
                env=_environment(folder),
                preexec_fn=die_with_parent,
            )
        os.close(write_end)
        try:
            assert child.stdin is not None
            child.stdin.write(json.dumps(to_wire(order)).encode())
            child.stdin.close()
            return seen, self._listen(read_end, seen)
        except BrokenPipeError:
            return seen, "died"
        finally:
            os.close(read_end)
            child.kill()
            child.wait()

    def _listen(self, read_end: int, seen: Seen) -> str:
        started = time.monotonic()
        buffer = b""
        with selectors.DefaultSelector() as selector:
            selector.register(read_end, selectors.EVENT_READ)
            while True:
                left = self._deadline(seen, started) - time.monotonic()
                if left <= 0:
                    return "overstayed"
                if not selector.select(min(left, _LOOK_AT_LEAST_EVERY_S)):
                    continue
                chunk = os.read(read_end, 1 << 16)
                if not chunk:
                    return "ended" if seen.done or seen.unable else "died"
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    self._take(json.loads(line), seen)
                if seen.done or seen.unable:
                    return "ended"

    def _deadline(self, seen: Seen, started: float) -> float:
        """When to kill, on the monotonic clock: by the phase the attempt is in."""
        if self.job.unhurried:
            return float("inf")
        if seen.attempt is not None:
            return seen.step_since + EVIDENCE_S
        if seen.began is None:
            return started + LAUNCH_S
        whole = seen.began + self.deadline_s + seen.waited_s + GRACE_S
        return min(whole, seen.step_since + self.step_s + GRACE_S) if seen.step else whole

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
                seen.notes += self.scrubber.mask_all(line["notes"])[0]
                seen.step_since = now
            case "note":
                seen.notes.append(self.scrubber.mask(line["note"])[0])
            case "evidence":
                seen.files.append((line["kind"], line["file"]))
            case "unable":
                seen.unable, seen.unable_journey = self.scrubber.mask(line["reason"])[0], line["journey"]
            case "done":
                seen.done = True

    def _noun(self, noun: type[T], data: Any) -> T:
        """A noun from the attempt, with every secret in it masked before anybody else sees it."""
        return from_wire(noun, self.scrubber.mask_all(data)[0])

    # -- judging -----------------------------------------------------------------------------------------------------

    def _judged(self, number: int, seen: Seen, ended: str, started_at: datetime) -> Attempt:
        if seen.attempt is not None:
            return self._judge_walk(seen.attempt, seen.failure)
        if seen.unable is not None:
            status = (Status.FAILED, Blame.JOURNEY) if seen.unable_journey else (Status.ERRORED, Blame.RUNNER)
            return self._unmade(number, seen.unable, *status, started_at=started_at)
        if ended == "overstayed" and seen.began is not None:
            return self._overstayed(number, seen, started_at)
        reason = "the browser did not start within 30 s" if ended == "overstayed" else _death(seen.last_words)
        return self._unmade(number, reason, Status.ERRORED, Blame.RUNNER, seen=seen, started_at=started_at)

    def _judge_walk(self, attempt: Attempt, failure: Failure | None) -> Attempt:
        if failure is None:
            return attempt
        http_answers = sum(r.party == "first" and r.status is not None for r in attempt.requests)
        ask = failure.kind is Kind.UNREACHED and not http_answers
        status, blame = judge(
            failure.kind,
            http_answers=http_answers,
            canaries=[answers(canary) for canary in self.job.canaries] if ask else [],
        )
        return replace(attempt, status=status, blame=blame, error_group=group_of(failure.sentence))

    def _overstayed(self, number: int, seen: Seen, started_at: datetime) -> Attempt:
        """Killed in the midst of a step: what a buyer would have called a page that hangs."""
        since = time.monotonic() - seen.step_since
        name = seen.step or (list(seen.steps) or list(self.steps))[-1]
        error = f"{name}: the page did not answer any more; the run was ended {since:.0f} s after the step began"
        seen.steps[name] = Step(name=name, status=StepStatus.TIMED_OUT, duration_ms=since * 1000, error=error)
        return Attempt(
            number=number,
            status=Status.TIMED_OUT,
            blame=Blame.SITE,
            started_at=started_at,
            failed_step=name,
            error=error,
            error_group=group_of(error),
            duration_ms=sum(step.duration_ms or 0 for step in seen.steps.values()),
            waited_ms=seen.waited_s * 1000,
            steps=self._all_steps(seen),
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

    def _keep_evidence(self, seen: Seen, attempt: Attempt, folder: Path) -> None:
        for kind, name in seen.files:
            if kind == "trace" and self.job.trace == "retain-on-failure" and attempt.status is Status.PASSED:
                continue
            try:
                store = Path(self.job.evidence)
                kept = keep(kind, folder / name, attempt=attempt.number, store=store, scrubber=self.scrubber)
            except OSError as error:
                kept = Evidence(
                    kind=kind, sha256=None, path=None, attempt=attempt.number, note=f"not kept: {error.strerror}"
                )
            self.evidence.append(kept)

    def _record(self, started_at: datetime, attempts: list[Attempt]) -> Run:
        counted = _counted(attempts)
        slow_after = None if self.slow_after_s is None else self.slow_after_s * 1000
        passed = counted.status is Status.PASSED
        return trimmed(
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
                finished_at=datetime.now(UTC),
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


def _last_line(file: Path) -> str:
    try:
        lines = file.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][:300] if lines else ""


def _death(last_words: str) -> str:
    return "the attempt's process died" + (f"; its last words: {last_words}" if last_words else "")


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
