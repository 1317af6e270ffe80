"""Shows silences on the alerts page: what each is about, until when, by whom, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from facts import Silence, SilenceState
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


def silence_rows(silences: Sequence[Silence], silenced: Mapping[str, Silence], now: datetime) -> tuple[SilenceRow, ...]:
    """Return the rows: those that hold first, then those to come, then those that are over.

    `silenced` is the silence that holds each firing alert back, by the alert's id.
    """
    order = [SilenceState.ACTIVE, SilenceState.PENDING, SilenceState.ENDED]
    held = Counter(silence.id for silence in silenced.values())
    return tuple(
        SilenceRow(
            id=one.id,
            about=one.about,
            state=one.state(now).value,
            begins=ago(one.starts_at, now),
            ends=f"{one.ends_at:%Y-%m-%d %H:%M} UTC",
            by=one.by,
            reason=one.reason,
            counted=held[one.id],
            ended_by=one.ended_by,
            can_end=one.state(now) is not SilenceState.ENDED,
        )
        for one in sorted(silences, key=lambda one: (order.index(one.state(now)), one.ends_at))
    )


def silenced_words(silence: Silence | None) -> str | None:
    """Return by whom and until when an alert is silenced; None where it is not."""
    return f"silenced by {silence.by} until {silence.ends_at:%Y-%m-%d %H:%M} UTC" if silence is not None else None
