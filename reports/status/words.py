"""The sentences of the status page."""

from __future__ import annotations

from reports.status.summary import ComponentState, PublicIncident, PublicMaintenance, StatusSummary
from reports.words import listed, span


def headline(summary: StatusSummary) -> str:
    """Return the state of everything in one sentence."""
    by_state = {state: [c.name for c in summary.components if c.state is state] for state in ComponentState}
    if by_state[ComponentState.OUTAGE]:
        return f"Outage: {listed(by_state[ComponentState.OUTAGE])}"
    if by_state[ComponentState.DEGRADED]:
        return f"Degraded: {listed(by_state[ComponentState.DEGRADED])}"
    if by_state[ComponentState.MAINTENANCE]:
        return f"Under maintenance: {listed(by_state[ComponentState.MAINTENANCE])}"
    unknown = by_state[ComponentState.UNKNOWN]
    if unknown or not summary.components:
        return f"Not known at the moment: {listed(unknown)}" if unknown else "Nothing is watched yet"
    return "Everything works"


def sentence(incident: PublicIncident) -> str:
    """Return what happened, from when to when."""
    what = f"{incident.name}: {incident.state.words.lower()}"
    begins = f"{incident.began_at:%-d %b %Y %H:%M}"
    if incident.ended_at is None:
        return f"{what} since {begins} UTC."
    same_day = incident.began_at.date() == incident.ended_at.date()
    ends = f"{incident.ended_at:%H:%M}" if same_day else f"{incident.ended_at:%-d %b %Y %H:%M}"
    lasted = span(incident.ended_at - incident.began_at)
    return f"{what} from {begins} to {ends} UTC ({lasted})."


def announcement(one: PublicMaintenance) -> str:
    """Return a sentence on when and why something is under maintenance."""
    same_day = one.starts_at.date() == one.ends_at.date()
    ends = f"{one.ends_at:%H:%M}" if same_day else f"{one.ends_at:%-d %b %Y %H:%M}"
    return f"{listed(list(one.names))}: {one.starts_at:%-d %b %Y %H:%M} to {ends} UTC, {one.reason}."
