"""Defines the outcome of a run: the small part of it that rules evaluate, and when the hub received it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from facts.run import Blame, Run, Status, StepStatus, is_unconfirmed

# A page that is left cancels its remaining requests, which is not a failure.
_NO_FAULT = (None, "pending", "net::ERR_ABORTED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Holds one request of the first attempt, reduced to what rules evaluate. `party` is `first` or a third party's origin.

    `failed` is true if no HTTP response came or its status was 400 or more; `status` is None if none came.
    """

    endpoint: str
    method: str
    status: int | None
    duration_ms: float | None
    party: str
    step: str | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """Holds one web vital of one page of the first attempt; `value` is in the unit of `facts.Vital`, None if it did not happen."""

    page: str
    name: str
    value: float | None
    navigation: str
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Holds the outcome of one slot at one location.

    `status`, `blame`, `failed_step` and `error` are those of the final result (which decides about pages), and those
    with `first_` are the first attempt's (which SLIs count). `late` marks a result that reached the hub too late to
    send a page. `steps` are the first attempt's step durations in ms, by name; `skipped` are the steps that a passed
    run skipped on purpose. `duration_ms` is the whole journey's. `reason` says why a slot was missed. `unconfirmed`
    marks a failure without a second attempt.
    """

    run_id: str
    journey: str
    location: str
    slot: datetime | None
    status: Status
    started_at: datetime
    finished_at: datetime
    received_at: datetime
    blame: Blame | None = None
    failed_step: str | None = None
    error: str | None = None
    first_status: Status | None = None
    first_blame: Blame | None = None
    first_failed_step: str | None = None
    duration_ms: float = 0.0
    slow: bool = False
    flaky: bool = False
    late: bool = False
    steps: dict[str, float] = field(default_factory=dict)
    requests: tuple[Answer, ...] = ()
    vitals: tuple[Graded, ...] = ()
    skipped: tuple[str, ...] = ()
    unconfirmed: bool = False

    @property
    def reason(self) -> str | None:
        """The reason why a slot has no result; None if it has one."""
        return self.error if self.status in (Status.MISSED, Status.SKIPPED) else None


def has_failed(failure: str | None, status: int | None) -> bool:
    """Return whether a request failed, by the browser's report and by its status."""
    return failure not in _NO_FAULT or (status or 0) >= 400


def outcome_of(run: Run, *, received_at: datetime, late: bool = False, brief: bool = False) -> Outcome:
    """Return the outcome of a run.

    Requests, steps and vitals are the first attempt's, because the confirming one is traced, which lengthens times.
    `brief` leaves out the requests and the vitals.
    """
    first = run.attempts[0] if run.attempts else None
    return Outcome(
        run_id=run.id,
        journey=run.journey,
        location=run.location,
        slot=run.slot,
        status=run.status,
        blame=run.blame,
        failed_step=run.failed_step,
        error=run.error,
        first_status=first.status if first else run.status,
        first_blame=first.blame if first else run.blame,
        first_failed_step=first.failed_step if first else run.failed_step,
        started_at=run.started_at,
        finished_at=run.finished_at,
        received_at=received_at,
        duration_ms=run.duration_ms,
        slow=run.slow,
        flaky=run.flaky,
        late=late,
        steps={step.name: step.duration_ms for step in first.steps if step.duration_ms is not None} if first else {},
        requests=tuple(
            Answer(
                endpoint=request.endpoint,
                method=request.method,
                status=request.status,
                duration_ms=request.duration_ms,
                party=request.party,
                step=request.step,
                failed=has_failed(request.failure, request.status),
            )
            for request in (first.requests if first and not brief else ())
        ),
        vitals=tuple(
            Graded(page=v.page, name=v.name, value=v.value, navigation=v.navigation, cut=v.cut)
            for v in (first.vitals if first and not brief else ())
        ),
        skipped=tuple(s.name for s in run.steps if s.status is StepStatus.SKIPPED)
        if run.status is Status.PASSED
        else (),
        unconfirmed=is_unconfirmed(run),
    )


def reclassified(outcome: Outcome, blame: Blame) -> Outcome:
    """Return the outcome after a person changed its blame."""
    first = status_after(outcome.first_status, blame)
    return replace(
        outcome,
        status=status_after(outcome.status, blame) or outcome.status,
        blame=blame,
        first_status=first,
        first_blame=blame if outcome.first_blame else None,
    )


def status_after(status: Status | None, blame: Blame) -> Status | None:
    """Return the status after a person changed the blame."""
    if status not in (Status.FAILED, Status.TIMED_OUT, Status.ERRORED):
        return status
    if blame is Blame.RUNNER:
        return Status.ERRORED
    return Status.FAILED if status is Status.ERRORED else status
