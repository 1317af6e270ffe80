"""Shows silences on the alerts page: what each is about, until when, by whom, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.silences import silence_of, words
from facts import Alert, AlertState, Silence, SilenceState
from reports.live.frame import Ago, ago


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceRow:
    """Holds one silence in the form shown on pages; `counted` is how many alerts it holds back now."""

    id: str
    about: str
    state: str
    begins: Ago | None
    ends: str
    by: str
    reason: str
    counted: int
    ended_by: str | None
    can_end: bool


def silence_rows(silences: Sequence[Silence], alerts: Sequence[Alert], now: datetime) -> tuple[SilenceRow, ...]:
    """Return the rows: those that hold first, then those to come, then those that are over."""
    order = list(SilenceState)
    order = [SilenceState.ACTIVE, *(state for state in order if state is not SilenceState.ACTIVE)]
    held = [silence_of(alert, silences, now) for alert in alerts if alert.state is AlertState.FIRING]
    return tuple(
        SilenceRow(
            id=one.id,
            about=words(one),
            state=one.state(now).value,
            begins=ago(one.starts_at, now),
            ends=f"{one.ends_at:%Y-%m-%d %H:%M} UTC",
            by=one.by,
            reason=one.reason,
            counted=sum(silence is not None and silence.id == one.id for silence in held),
            ended_by=one.ended_by,
            can_end=one.state(now) is not SilenceState.ENDED,
        )
        for one in sorted(silences, key=lambda one: (order.index(one.state(now)), one.ends_at))
    )


def silenced_words(alert: Alert, silences: Sequence[Silence], now: datetime) -> str | None:
    """Return by whom and until when an alert is silenced; None if it is not."""
    silence = silence_of(alert, silences, now)
    return f"silenced by {silence.by} until {silence.ends_at:%Y-%m-%d %H:%M} UTC" if silence is not None else None
