"""`pings`: a job of the shop has not pinged in time, has failed, or has started and not finished."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from facts import Family, PingKind, Severity, Traits, Verdict, VerdictStatus, WatchedCheck
from sla.durations import words
from sla.index import HistoryIndex
from sla.kind import About, Kind
from sla.ping_times import expected_at
from sla.settings import Rule

_LONGEST_BODY = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Pings(Rule):
    """Each job of `pings` in site.yaml reports its runs in time, and as successes. A check may have a severity of its own."""


class _Finding(NamedTuple):
    """What is said of a job: `since` is when it went wrong, None where it did not."""

    status: VerdictStatus
    said: str
    since: datetime | None = None
    clear: bool = False


def judge(name: str, rule: Pings, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each job that site.yaml names."""
    if not index.history.ping_checks:
        summary = "no jobs are watched: site.yaml has no `pings`"
        return [Verdict(rule=name, verdict=VerdictStatus.OFF, title=rule.title, summary=summary)]
    return [_verdict(name, rule, job, index.now) for job in index.history.ping_checks]


def _verdict(name: str, rule: Pings, job: WatchedCheck, now: datetime) -> Verdict:
    check, state = job.check, job.state
    severity = check.severity or rule.severity
    found = finding(job, now)
    breached = found.status is VerdictStatus.CRITICAL
    status = VerdictStatus.WARNING if breached and severity is not Severity.CRITICAL else found.status
    said = f"{check.name}: {found.said}"
    last = f"; last output: {_first_line(state.body)}" if breached and state.body else ""
    return Verdict(
        rule=name,
        subject=check.name,
        verdict=status,
        title=f"{rule.title}: {check.name}",
        summary=f"{said}{last}",
        summary_past=said if breached else "",
        began_at=found.since,
        severity=severity,
        value=(now - state.result.at).total_seconds() if state.result else None,
        limit=check.period_s + check.grace_s if check.period_s is not None else None,
        unit="s",
        n=state.pings,
        window="since the last result",
        breached=breached,
        clear=found.clear,
        samples=(f"{found.since.isoformat(timespec='seconds')}",) if found.since else (),
        samples_are_runs=False,
        data_at=state.last_at,
        runbook=rule.runbook,
    )


def finding(job: WatchedCheck, now: datetime) -> _Finding:
    """Return what is to be said of a job now, as healthchecks.io decides it: nothing before its first ping; then whether it failed,
    runs for longer than its grace time, or is later than that."""
    check, state = job.check, job.state
    grace = timedelta(seconds=check.grace_s)
    result, started = state.result, state.started_at
    if state.is_new:
        return _Finding(VerdictStatus.NO_DATA, "never pinged; nothing is judged before its first ping")
    shown = _Clock(check.timezone, now)
    if result is not None and result.kind is PingKind.FAIL:
        code = f" with exit code {result.exit_status}" if result.exit_status else ""
        return _Finding(
            VerdictStatus.CRITICAL, f"it failed{code} at {shown(result.at)}, and has not succeeded since", result.at
        )
    if started is not None and now >= started + grace:
        said = f"it started at {shown(started)} and has not finished within {words(check.grace_s)}"
        return _Finding(VerdictStatus.CRITICAL, f"{said}{_last_result(job, shown)}", started + grace)
    if result is None:
        return _Finding(VerdictStatus.INSUFFICIENT, f"it runs for the first time, since {shown(started or now)}")
    expected = expected_at(check, state)
    assert expected is not None
    if now >= expected + grace:
        said = f"no ping since {shown(result.at)}; one was expected at {shown(expected)}, by {shown(expected + grace)}"
        return _Finding(VerdictStatus.CRITICAL, f"{said} at the latest", expected + grace)
    running = f"; it runs since {shown(started)}" if started is not None else ""
    if now >= expected:
        said = f"late: expected at {shown(expected)}, waited for until {shown(expected + grace)}{running}"
        return _Finding(VerdictStatus.OFF_TARGET, said)
    took = f" after {words(result.duration_s)}" if result.duration_s is not None else ""
    said = f"it succeeded at {shown(result.at)}{took}; expected again at {shown(expected)}{running}"
    return _Finding(VerdictStatus.MET, said, clear=True)


def _last_result(job: WatchedCheck, shown: _Clock) -> str:
    result = job.state.result
    return f"; it last succeeded at {shown(result.at)}" if result is not None else "; it has never succeeded"


class _Clock:
    """Shows moments as the job's own clock does; those of another day with their date."""

    def __init__(self, timezone: str, now: datetime) -> None:
        self._zone = ZoneInfo(timezone)
        self._today = now.astimezone(self._zone).date()

    def __call__(self, at: datetime) -> str:
        here = at.astimezone(self._zone)
        return f"{here:%H:%M %Z}" if here.date() == self._today else f"{here:%Y-%m-%d %H:%M %Z}"


def _first_line(body: str) -> str:
    line = next((line for line in (part.strip() for part in body.splitlines()) if line), "")
    return line if len(line) <= _LONGEST_BODY else f"{line[: _LONGEST_BODY - 1]}…"


def needs(_rule: Pings) -> tuple[()]:
    """Return what it looks at: nothing that is loaded for it; the states of the jobs always are."""
    return ()


def traits(_rule: Pings, _subject: str | None) -> Traits:
    """Return what its verdicts are about: the business."""
    return Traits(family=Family.BUSINESS)


def why_closed(about: About, _rule: Pings, index: HistoryIndex) -> str | None:
    """Return why a job is not judged any more."""
    if about.subject in {job.check.name for job in index.history.ping_checks}:
        return None
    return f"site.yaml names no job {about.subject} any more (pings)" if about.subject else None


KIND = Kind(settings=Pings, judge=judge, needs=needs, traits=traits, why_closed=why_closed)
