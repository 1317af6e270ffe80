"""Makes the verdicts of an example outage for the preview of messages: by the rules themselves, from runs that nobody made. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.preview import Sample
from facts import Blame, Outcome, Severity, Status, Verdict, VerdictStatus
from sla.history import History, Schedule
from sla.hours import hours_of, slot_of
from sla.index import HistoryIndex
from sla.judge import judge_by
from sla.targets import Targets

_BAD_FOR = timedelta(minutes=65)
"""How long the example outage lasts: long enough for the rules that count over an hour."""
_GOOD_FOR = timedelta(minutes=65)
_RUN = timedelta(seconds=20)
_PAYING = "proceed_to_stripe"
_ERROR = {_PAYING: "POST /api/create-checkout-session answered 500"}
_OTHER_ERROR = "GET / answered 500"
_NO_EXAMPLE = "example: the value that was measured stands here, beside its limit"


def sample_of(
    targets: Targets,
    rule: str,
    *,
    schedules: Mapping[str, Schedule],
    steps: Mapping[str, Sequence[str]],
    now: datetime,
    severity: Severity | None = None,
) -> Sample:
    """Return the verdicts of an outage by which a rule fires.

    A rule about journeys is judged over runs that fail at two locations and then pass; any other rule gets a sentence that stands for
    its numbers. `schedules` are those of the journeys, `steps` their steps by the journey's name. `severity` takes the place of the
    rule's own. Raises KeyError for a rule that there is not.
    """
    settings = targets.rules()[rule]
    alone = Targets({rule: replace(settings, enabled=True)})
    wanted = getattr(settings, "steps", None)
    bad = list(_runs(schedules, steps, wanted, now - _BAD_FOR, now, passed=False))
    good = list(_runs(schedules, steps, wanted, now, now + _GOOD_FOR, passed=True))
    breaches = [verdict for verdict in _judged(alone, schedules, bad, now) if verdict.breached]
    if not breaches:
        breach = _invented(targets, rule)
        over = replace(breach, verdict=VerdictStatus.MET, breached=False, summary="example: all is well")
        return Sample(breaches=(_as(breach, severity),), recoveries=(over,))
    # One more is enough to show what is said when another alert joins.
    breaches = [breaches[0], *[one for one in breaches[1:] if one.journey != breaches[0].journey][:1]]
    recovered = {verdict.key: verdict for verdict in _judged(alone, schedules, [*bad, *good], now + _GOOD_FOR)}
    return Sample(
        breaches=tuple(_as(breach, severity) for breach in breaches),
        recoveries=tuple(recovered.get(breach.key, breach) for breach in breaches),
    )


def _as(verdict: Verdict, severity: Severity | None) -> Verdict:
    return replace(verdict, severity=severity or verdict.severity)


def _judged(
    targets: Targets, schedules: Mapping[str, Schedule], runs: Sequence[Outcome], now: datetime
) -> list[Verdict]:
    heard = {run.location: run.received_at for run in sorted(runs, key=lambda run: run.received_at)}
    history = History(
        hours=hours_of(sorted(runs, key=lambda run: (slot_of(run), run.run_id))),
        schedules=schedules,
        watching_since=now - timedelta(days=40),
        last_received=heard,
    )
    return judge_by(targets, HistoryIndex(history, now))


def _runs(
    schedules: Mapping[str, Schedule],
    steps: Mapping[str, Sequence[str]],
    wanted: Sequence[str] | None,
    since: datetime,
    until: datetime,
    *,
    passed: bool,
) -> Iterator[Outcome]:
    """Yield a run of each journey at each location and slot of a period; all pass, or those of the first two locations fail."""
    for journey, schedule in schedules.items():
        period = timedelta(seconds=schedule.period_s)
        named = _failing_step(wanted or steps.get(journey) or ())
        for number, place in enumerate(schedule.grids):
            at = until - _RUN - timedelta(seconds=10)
            while at > since:
                fails = not passed and number < 2
                yield _run(f"example-{journey}-{place}-{at:%H%M%S}", journey, place, at, named if fails else None)
                at -= period


def _failing_step(steps: Sequence[str]) -> str:
    return _PAYING if _PAYING in steps else next(iter(steps), "open_page")


def _run(run_id: str, journey: str, location: str, at: datetime, failed_step: str | None) -> Outcome:
    status = Status.FAILED if failed_step else Status.PASSED
    blame = Blame.SITE if failed_step else None
    return Outcome(
        run_id=run_id,
        journey=journey,
        location=location,
        slot=at,
        status=status,
        first_status=status,
        blame=blame,
        first_blame=blame,
        failed_step=failed_step,
        first_failed_step=failed_step,
        error=f"{failed_step}: {_ERROR.get(failed_step, _OTHER_ERROR)}" if failed_step else None,
        started_at=at,
        finished_at=at + _RUN,
        received_at=at + _RUN,
        duration_ms=_RUN.total_seconds() * 1000,
    )


def _invented(targets: Targets, rule: str) -> Verdict:
    settings = targets.rules()[rule]
    return Verdict(
        rule=rule,
        verdict=VerdictStatus.CRITICAL,
        breached=True,
        severity=settings.severity,
        title=settings.title,
        title_past=settings.title_past,
        summary=f"{settings.title} ({_NO_EXAMPLE})",
        summary_past=f"{settings.title_past or settings.title} ({_NO_EXAMPLE})",
        runbook=settings.runbook,
        traits=targets.traits_of(rule),
    )
