"""Computes one alert's next state from one verdict: pending → firing → resolved. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from facts import Alert, AlertState, Severity, Verdict, VerdictStatus, digest_of

_UNKNOWN = (
    VerdictStatus.NO_DATA,
    VerdictStatus.ERROR,
    VerdictStatus.INSUFFICIENT,
    VerdictStatus.OFF,
    VerdictStatus.UNPROVEN,
)
_LAST_KNOWN = "No data now; last known: "
_DISTINCT_SAMPLES = 2
_SAMPLES_KEPT = 20
_UNSAFE = re.compile(r"[^A-Za-z0-9._:~-]")


def begun(verdict: Verdict, *, episode: int, now: datetime) -> Alert:
    """Return a new episode: firing at once if the breach need not last, else pending."""
    alert = Alert(
        id=f"{_in_a_path(verdict.key)}.{episode}",
        key=verdict.key,
        rule=verdict.rule,
        journey=verdict.journey,
        subject=verdict.subject,
        severity=verdict.severity or Severity.HIGH,
        state=AlertState.PENDING,
        episode=episode,
        pending_since=now,
        summary=verdict.summary,
        title=verdict.title,
        runbook=verdict.runbook,
        since=verdict.began_at,
        traits=verdict.traits,
    )
    return observed(alert, verdict, now)


def _in_a_path(key: str) -> str:
    """Return the key as a part of an address. One that holds more than letters, digits and ``._:~-`` is told apart by its digest."""
    dotted = key.replace("/", ".")
    safe = _UNSAFE.sub("-", dotted)
    return safe if safe == dotted else f"{safe}~{digest_of(key)}"


def observed(alert: Alert, verdict: Verdict, now: datetime) -> Alert:
    """Return the alert after one more verdict. No data never resolves it, and ends no pending one's wait for nothing."""
    if verdict.breached:
        return _breached(_telling(alert, verdict), verdict, now)
    if _says_nothing(verdict):
        return _unknown(alert)
    if alert.state is AlertState.PENDING:
        return replace(alert, state=AlertState.DROPPED, resolved_at=now)
    return _clearing(replace(alert, last_known=False, breaching=False), verdict, now)


def _says_nothing(verdict: Verdict) -> bool:
    """Return whether a verdict has nothing by which an alert could recover.

    What is unproven has been measured; and of samples that are too few, a rule may say that they are all good.
    """
    if verdict.n > 0 and (
        verdict.verdict is VerdictStatus.UNPROVEN or (verdict.verdict is VerdictStatus.INSUFFICIENT and verdict.clear)
    ):
        return False
    return verdict.verdict in _UNKNOWN


def _telling(alert: Alert, verdict: Verdict) -> Alert:
    """Return the alert with the values of the newest breach. Its severity rises with it and never falls while it fires."""
    severity = min(alert.severity, verdict.severity or alert.severity, key=lambda s: s.rank)
    seen = dict.fromkeys((*alert.samples, *verdict.samples))
    return replace(
        alert,
        severity=severity,
        summary=verdict.summary,
        title=verdict.title,
        counted=verdict.counted,
        left_out=verdict.left_out,
        samples=tuple(seen)[-_SAMPLES_KEPT:],
        runs=(verdict.samples if verdict.samples_are_runs else ()) or alert.runs,
        last_known=False,
        clear_since=None,
        breaching=True,
        # A window that moves on forgets the first bad run; the alert does not.
        since=min((at for at in (alert.since, verdict.began_at) if at), default=None),
        title_past=verdict.title_past,
        summary_past=verdict.summary_past,
        traits=verdict.traits or alert.traits,
        cause=verdict.cause,
    )


def _breached(alert: Alert, verdict: Verdict, now: datetime) -> Alert:
    if alert.state is not AlertState.PENDING:
        return alert
    held = now - alert.pending_since >= timedelta(seconds=verdict.for_s)
    distinct = verdict.for_s == 0 or len(alert.samples) >= _DISTINCT_SAMPLES
    return replace(alert, state=AlertState.FIRING, fired_at=now) if held and distinct else alert


def _unknown(alert: Alert) -> Alert:
    if alert.state is not AlertState.FIRING or alert.last_known:
        return replace(alert, clear_since=None)
    summary = alert.summary if alert.summary.startswith(_LAST_KNOWN) else _LAST_KNOWN + alert.summary
    return replace(alert, last_known=True, clear_since=None, summary=summary)


def last_known(summary: str) -> str:
    """Return the last summary of an alert, without the note that there is no data now."""
    return summary.removeprefix(_LAST_KNOWN)


def _clearing(alert: Alert, verdict: Verdict, now: datetime) -> Alert:
    if not verdict.clear:
        return replace(alert, clear_since=None)
    since = alert.clear_since or now
    if now - since < timedelta(seconds=verdict.clear_for_s):
        return replace(alert, clear_since=since)
    return replace(
        alert,
        state=AlertState.RESOLVED,
        resolved_at=now,
        ended_at=verdict.ended_at,
        clear_since=since,
        summary=_in_the_past(alert, verdict),
    )


def _in_the_past(alert: Alert, verdict: Verdict) -> str:
    """Return a summary of the past breach and of the present state."""
    was = alert.summary_past or f"Was: {last_known(alert.summary)}"
    return f"{was}. Now: {verdict.summary}" if verdict.summary else was


def after_a_clock_step(alert: Alert, now: datetime) -> Alert:
    """Return the alert after an interrupted watch: its durations start again, and no time lies in the future."""
    pending = now if alert.state is AlertState.PENDING else min(alert.pending_since, now)
    return replace(
        alert,
        pending_since=pending,
        clear_since=None,
        since=alert.since and min(alert.since, now),
        fired_at=alert.fired_at and min(alert.fired_at, now),
        acked_at=alert.acked_at and min(alert.acked_at, now),
    )


def closed(alert: Alert, now: datetime, why: str) -> Alert:
    """Return the closed alert of something that is no longer watched; `why` is sent to everybody instead of a recovery."""
    if alert.state is AlertState.PENDING:
        return replace(alert, state=AlertState.DROPPED, resolved_at=now, closed=why)
    return replace(alert, state=AlertState.RESOLVED, resolved_at=now, closed=why)
