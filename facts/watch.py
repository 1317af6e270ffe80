"""How the hub itself has watched: since when without a break, and for how long it has listened to each location in vain."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One location's. `results` is how many it has ever sent; `silent_s` for how many seconds the hub has listened since the last.

    `renewed` is true where a break of the watch has begun the count anew already: it does so once in one silence, or a hub that
    is restarted again and again would never say that it is blind.
    """

    results: int
    silent_s: float = 0.0
    renewed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchBreak:
    """The last time when nobody judged for a while, or the clock was set: when it was noticed, and what happened, as a sentence."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """As of the last tick, of whichever hub. `since` is since when there was no break."""

    tick_at: datetime
    since: datetime
    silences: dict[str, Silence] = field(default_factory=dict)
    last_break: WatchBreak | None = None
