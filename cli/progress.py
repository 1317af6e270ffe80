"""Shows a run while it happens, with a line for each step."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from cli.output import line, say
from facts import Run, Status, why_unconfirmed
from runner.budget import was_refused

_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "timed_out": ("✗", "red"), "skipped": ("–", "dim")}
STYLES = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.TIMED_OUT: "red",
    Status.ERRORED: "yellow",
    Status.BLOCKED: "yellow",
}


class Progress:
    """Prints the events of a run. On a terminal the current step is shown, and then replaced by its result."""

    def __init__(self, console: Console) -> None:
        self._console = console
        # Nobody watches a pipe, and turning a wheel for nobody costs as much as a tenth of the run.
        self._status = console.status("starting the browser", refresh_per_second=4) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def _say(self, words: str) -> None:
        if self._status:
            self._status.update(line(words))

    def on_event(self, event: str, data: dict[str, Any]) -> None:
        """Print one event of `runner.attempt.start.make_run`."""
        match event:
            case "attempt_started" if data["number"] > 1:
                self._console.print(line(("  once more, to confirm", "dim")))
            case "step_started":
                self._say(data["name"])
            case "step_ended":
                self._print_step(data["step"])
            case "confirming":
                self._say(f"waiting {data['after_s']:g} s to confirm the failure")

    def _print_step(self, step: dict[str, Any]) -> None:
        took = f"{step['duration_ms'] / 1000:6.2f} s" if step["duration_ms"] is not None else "       –"
        why = f"  {step['error']}" if step["status"] == "skipped" and step["error"] else ""
        row = line("  ", _MARKS[step["status"]], f" {step['name']:<26}{took}", (why, "dim"))
        self._console.print(row, soft_wrap=True)


def print_outcome(run: Run) -> None:
    """Print the result of a run: status, time, and what broke."""
    flags = "".join(f" {flag}" for flag, on in (("slow", run.slow), ("flaky", run.flaky)) if on)
    took = f" in {run.duration_ms / 1000:.2f} s" if run.duration_ms else ""
    status = (run.status.value, f"bold {STYLES.get(run.status, '')}".strip())
    say(status, (flags, "yellow"), f" {run.journey} at {run.location}{took}")
    if run.error:
        say(f"  {run.error}")
    if run.blame:
        say((f"  blame: {run.blame}", "dim"))
    if run.status is Status.ERRORED and was_refused(run):
        say(
            (
                "  request_budget in site.yaml names how many requests the site allows; runs then stop before it refuses them",
                "dim",
            )
        )
    why = why_unconfirmed(run)
    if why:
        say((f"  {why}", "dim"))
    counted = run.counted
    if counted and counted.where and run.blame == "journey":
        say((f"  at {counted.where}", "dim"))
    for purchase in run.purchases:
        say((f"  {purchase.session_id}: {purchase.note}", "dim"))
