"""Decides why an attempt did not end in time, from the state of its processes and its own report."""

from __future__ import annotations

from dataclasses import dataclass, replace

from facts import Attempt, Blame, Request, Status
from runner.attempt.blame import group_of
from runner.attempt.limits import Finding

ASK = b"where\n"
"""The line that the supervisor writes to an attempt to ask for its location."""

BUSY = 0.6
"""The share of a second that a thread must compute or wait for a core to count as busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackLocation:
    """Holds the location of the walk, as the attempt reports it.

    `running` tells whose code was computing or sleeping in Python: `journey`, `ours`, or None if it waited for the
    browser. `at` is `file:line` of the journey's code. `call` is the Playwright method that it waited for, like
    `evaluate` or `title`.
    """

    running: str | None = None
    at: str | None = None
    call: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HangSnapshot:
    """Holds the state of an attempt that has passed its deadline.

    `stopped` and `gone` name which of `the browser`, `its driver` and `the attempt` were stopped or have ended. `place`
    is None if the attempt did not answer. `attempt_busy` and `page_busy` are true if their first thread never rested.
    `pending` is a request of the step that got no response.
    """

    stopped: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    place: StackLocation | None = None
    attempt_busy: bool = False
    page_busy: bool = False
    pending: Request | None = None


def explain_hang(snapshot: HangSnapshot) -> Finding:
    """Return the status, blame and cause of a hang.

    Problems of the runner are checked first, then those of the journey; the site is blamed for the rest.
    """
    ours = _ours(snapshot)
    if ours:
        return Finding(
            status=Status.ERRORED, blame=Blame.RUNNER, cause=ours, where=snapshot.place.at if snapshot.place else None
        )
    # The sampler thread answers unless code in the same process never releases the interpreter.
    if snapshot.place is None:
        cause = "the journey's own code never let go: the attempt's process computed on and did not answer"
        return Finding(status=Status.TIMED_OUT, blame=Blame.JOURNEY, cause=cause)
    at = snapshot.place.at
    spot = f" at {at}" if at else ""
    if snapshot.place.running == "journey":
        doing = "computed on" if snapshot.attempt_busy else "stood still"
        cause = f"the journey's own code {doing}{spot}, and asked nothing of the page"
        return Finding(status=Status.TIMED_OUT, blame=Blame.JOURNEY, cause=cause, where=at)
    call = f" while the journey waited for {snapshot.place.call}(){spot}" if snapshot.place.call else ""
    if snapshot.page_busy:
        cause = f"a script of the page never ended, so that the page did not answer any more{call}"
        return Finding(status=Status.TIMED_OUT, blame=Blame.SITE, cause=cause, where=at)
    if snapshot.pending is not None:
        return _unanswered(snapshot.pending, call, at)
    # The page is idle and no request is pending, so only the journey's own script can be unfinished.
    if snapshot.place.call and snapshot.place.call.startswith("evaluate"):
        cause = f"the script that the journey gave the page{spot} never finished, though the page was idle and had nothing under way"
        return Finding(status=Status.TIMED_OUT, blame=Blame.JOURNEY, cause=cause, where=at)
    cause = f"the page did not answer any more{call}"
    return Finding(status=Status.TIMED_OUT, blame=Blame.SITE, cause=cause, where=at)


_DIALOGS = 20


def with_hang_cause(attempt: Attempt, *, page_never_rested: bool) -> Attempt:
    """Return a failed attempt with the cause that its processes and dialogs show, if the walk only saw that no response came."""
    if attempt.blame not in (Blame.SITE, Blame.JOURNEY):
        return attempt
    dialogs = sum(d.step == attempt.failed_step for d in attempt.dialogs) + attempt.left_out.get("dialogs", 0)
    if page_never_rested and not attempt.page_text:
        cause = "a script of the page never ended, so that the page did not answer any more"
    elif dialogs >= _DIALOGS:
        cause = f"the page opened {dialogs} dialogs, one after the other"
    else:
        return attempt
    # The step's name comes before the first colon; the cause is inserted after it.
    head, _, tail = (attempt.error or "").partition(": ")
    return replace(
        attempt, blame=Blame.SITE, error=f"{head}: {cause}; {tail}", error_group=group_of(f"{head}: {cause}")
    )


def _ours(snapshot: HangSnapshot) -> str | None:
    if snapshot.stopped:
        return f"{_listed(snapshot.stopped)} had been stopped from outside (SIGSTOP), so nothing could go on"
    if snapshot.place is None and not snapshot.attempt_busy:
        return "the attempt's process was idle and did not answer"
    if snapshot.place and snapshot.place.running == "ours":
        return "the buyer's own machinery was caught in a loop"
    if snapshot.gone:
        return f"{_listed(snapshot.gone)} went away"
    return None


def _unanswered(request: Request, call: str, at: str | None) -> Finding:
    first = request.party == "first"
    place = request.endpoint if first else request.party + request.endpoint
    cause = f"{request.method} {place} gave no answer{call}"
    return Finding(status=Status.TIMED_OUT, blame=Blame.SITE if first else Blame.THIRD_PARTY, cause=cause, where=at)


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(names)
