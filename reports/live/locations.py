"""Renders the locations on the overview: when each was heard, its waiting results, and its runners' problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from facts import SANDBOX_HINT, SANDBOX_OFF, RunnerState
from reports.live.frame import Ago, ago
from reports.words import count

_CLOCK_IS_OFF_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationRow:
    """Holds one location. `words` are the facts that a person must know, problems first; `tone` is `bad`, `warn` or `mute`.

    `warning` is a security risk in short and the sentence on its remedy; None if there is none.
    """

    name: str
    tone: str
    result: Ago | None
    heard: Ago | None
    words: tuple[str, ...]
    warning: tuple[str, str] | None


def location_rows(
    names: Sequence[str], runners: Sequence[RunnerState], results: Mapping[str, datetime], now: datetime
) -> tuple[LocationRow, ...]:
    """Return a row for each location of the plan. `results` maps each location to the time of its last result."""
    return tuple(_row(name, [r for r in runners if r.location == name], results.get(name), now) for name in names)


def _row(name: str, here: Sequence[RunnerState], result: datetime | None, now: datetime) -> LocationRow:
    newest = max(here, key=lambda r: r.heard_at, default=None)
    troubles = [word for runner in here for word in _troubles(runner)]
    spool = sum(runner.spool for runner in here)
    told = [f"{spool:,} {'result waits' if spool == 1 else 'results wait'} there"] if spool else []
    if newest is None:
        told.append("no runner was heard")
    elif len(here) > 1:
        told.append(count(len(here), "runner"))
    if troubles:
        tone = "bad"
    elif spool or newest is None:
        tone = "warn"
    else:
        tone = "mute"
    return LocationRow(
        name=name,
        tone=tone,
        result=ago(result, now) if result else None,
        heard=ago(newest.heard_at, now) if newest else None,
        words=(*troubles, *told),
        warning=(SANDBOX_OFF, SANDBOX_HINT) if any(runner.sandbox is False for runner in here) else None,
    )


def _troubles(runner: RunnerState) -> list[str]:
    skew = runner.skew_s
    off = (
        f"the clock of {runner.id or 'the runner'} is {skew:+.0f} s off"
        if skew and abs(skew) > _CLOCK_IS_OFF_S
        else None
    )
    refused = f"the hub refused {count(runner.rejected, 'result')} for good" if runner.rejected else None
    return [word for word in (runner.trouble, off, refused) if word]
