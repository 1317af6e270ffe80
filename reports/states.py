"""Defines the states of what a page shows, and the overall state in the header of every page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from facts import Alert, Severity, Verdict, VerdictStatus, urgency
from reports.words import count

_TOLD = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)


class WidgetState(StrEnum):
    """The state of a widget, the worst first. Only `ok` is ever green."""

    CRITICAL = "critical"
    WARNING = "warning"
    NO_DATA = "no data"
    OFF_TARGET = "off target"
    UNPROVEN = "unproven"
    OK = "ok"
    OFF = "off"

    @property
    def says_nothing(self) -> bool:
        """Whether there is no number to show."""
        return self in (WidgetState.NO_DATA, WidgetState.OFF)


STATE_OF_VERDICT = {
    VerdictStatus.MET: WidgetState.OK,
    VerdictStatus.OFF_TARGET: WidgetState.OFF_TARGET,
    VerdictStatus.WARNING: WidgetState.WARNING,
    VerdictStatus.CRITICAL: WidgetState.CRITICAL,
    VerdictStatus.ERROR: WidgetState.NO_DATA,
    VerdictStatus.NO_DATA: WidgetState.NO_DATA,
    VerdictStatus.UNPROVEN: WidgetState.UNPROVEN,
    VerdictStatus.INSUFFICIENT: WidgetState.UNPROVEN,
    VerdictStatus.OFF: WidgetState.OFF,
}


def worst_state(verdicts: Iterable[Verdict]) -> WidgetState | None:
    """Return the worst state of some verdicts; None if there is none."""
    found = [STATE_OF_VERDICT[verdict.verdict] for verdict in verdicts]
    return min(found, key=list(WidgetState).index, default=None)


def told_alerts(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Return the firing alerts of which people are notified, most urgent first; an alert explained by another is left out."""
    told = [alert for alert in alerts if alert.inhibited_by is None and alert.severity in _TOLD]
    return sorted(told, key=lambda alert: urgency(alert, now))


def blocks_buyers(alert: Alert) -> bool:
    """Return whether an alert says that buyers cannot buy."""
    return alert.severity is Severity.CRITICAL and alert.traits is not None and alert.traits.journey_fails


def overall_state(firing: Sequence[Alert], verdicts: Iterable[Verdict], now: datetime) -> tuple[WidgetState, str]:
    """Return the overall state of the shop, and the same in words. `firing` are all firing alerts, not only those on the page."""
    told = told_alerts(firing, now)
    judged = [v for v in verdicts if v.traits and v.traits.journey_fails and not v.traits.of_payment]
    worst = worst_state(judged) or WidgetState.UNPROVEN
    if any(blocks_buyers(alert) for alert in told):
        state, words = WidgetState.CRITICAL, "Buyers cannot buy"
    elif worst.says_nothing or worst is WidgetState.UNPROVEN:
        state, words = WidgetState.UNPROVEN, "It is not known whether buyers can buy"
    else:
        state, words = WidgetState.OK, "Buyers can buy"
    if not told:
        return state, words
    lead = told[0].severity
    same = [alert for alert in told if alert.severity is lead]
    counted = count(len(same), f"{lead.value} alert") + (", acknowledged" if all(a.acked_at for a in same) else "")
    if state is WidgetState.OK:
        state = WidgetState.CRITICAL if lead is Severity.CRITICAL else WidgetState.WARNING
    return state, f"{words} · {counted}"
