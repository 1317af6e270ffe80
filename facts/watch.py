"""Defines how the hub itself has watched: since when without interruption, and how long each location has been silent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationSilence:
    """Holds one location's silence.

    `results` is how many results it has ever sent; `silent_s` is for how many seconds the hub has listened since the
    last one. `renewed` is true if an interruption of the watch has already restarted the count. That happens once per
    silence, because otherwise a hub that is restarted repeatedly would never report the silence.
    """

    results: int
    silent_s: float = 0.0
    renewed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchBreak:
    """Holds the last interruption of judging, or the last time the clock was set: when it was noticed, and what happened."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """Holds the watch state as of the last tick of any hub. `since` is the end of the last interruption."""

    tick_at: datetime
    since: datetime
    silences: dict[str, LocationSilence] = field(default_factory=dict)
    last_break: WatchBreak | None = None
