"""Detects flapping: an alert that fires and resolves repeatedly is one incident until it has settled. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from config.bounds import Length, Whole
from config.durations import seconds
from facts import Alert

_STRICT: dict[str, Any] = {"extra": "forbid"}
_Firings = Annotated[
    int, Whole(2, 100, "what fired once is not flapping, and after a hundred pages nobody reads any more")
]
_Within = Annotated[str, Length("1m", "24h", "alerts that are a day apart are not flapping")]
_Settle = Annotated[str, Length("1m", "24h", "an incident stays open for as long as this after its last change")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlappingSettings:
    """`flapping` of alerts.yaml: an alert that fires for the `firings`th time `within` so long is flapping, until it has not
    changed for as long as `settle`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    firings: _Firings = 3
    within: _Within = "1h"
    settle: _Settle = "15m"

    def flapping(self, *, scale: float = 1.0) -> Flapping:
        """Return what the state machine goes by; times are `scale` times shorter."""
        return Flapping(
            firings=self.firings,
            within=timedelta(seconds=seconds(self.within) / scale),
            settle=timedelta(seconds=seconds(self.settle) / scale),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """When an alert is flapping: it fires for the `firings`th time `within` so long; and when it has settled."""

    firings: int = 3
    within: timedelta = timedelta(hours=1)
    settle: timedelta = timedelta(minutes=15)

    def changes(self, fired: Sequence[datetime], now: datetime) -> tuple[int, timedelta] | None:
        """Return how often an alert that fires now has changed, and in how long; None if it is not flapping.

        `fired` are the times at which it fired before; what is older than `within` does not count.
        """
        lately = [at for at in fired if now - self.within <= at < now]
        if len(lately) + 1 < self.firings:
            return None
        return 2 * len(lately) + 1, now - min(lately)

    def has_settled(self, episodes: Sequence[Alert], now: datetime, *, since: datetime) -> bool:
        """Return whether none of an alert's episodes has changed for as long as `settle`; one that was closed does not come back.

        `since` is when it began to flap; it stands for what a clock that was ahead has dated in the future.
        """
        told = [at for one in episodes for at in (one.fired_at, one.resolved_at) if at is not None]
        changes = [at if at <= now else since for at in told]
        newest = max(episodes, key=lambda one: one.episode, default=None)
        return not changes or now - max(changes) >= self.settle or (newest is not None and newest.closed is not None)
