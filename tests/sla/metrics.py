"""Samples of metrics, and targets with rules of one's own: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from config import Document
from facts import FeedState, Series, Verdict, labels
from sla.history import History
from sla.judge import judge
from sla.targets import Targets, targets_from
from tests.sla.builders import NOW, a_history

Samples = Sequence[tuple[float, float]]
"""How many minutes ago, and the value; oldest first."""


def a_series(metric: str, *samples: tuple[float, float], **of: str) -> Series:
    """A series of a metric under some labels."""
    points = tuple((NOW - timedelta(minutes=minutes), value) for minutes, value in samples)
    return Series(metric=metric, labels=labels(**of), points=points)


def with_series(*found: Series, age: float | None = 0.5, source: str = "shop", **facts: Any) -> History:
    """A history of these series; their source brought its last sample so many minutes ago (None: never yet)."""
    series: dict[str, list[Series]] = {}
    for one in found:
        series.setdefault(one.metric, []).append(one)
    good = NOW - timedelta(minutes=age) if age is not None else None
    feed = FeedState(source=source, configured=True, last_good_at=good)
    sources = dict.fromkeys((*series, *facts.pop("metrics", ())), source)
    return a_history(**{"series": series, "metric_sources": sources, "feeds": {source: feed}, **facts})


def own_rule(name: str = "OWN", **settings: Any) -> Targets:
    """Targets of one rule."""
    return targets_from(Document("sla.yaml", {name: settings}))


def the_verdict(history: History, key: str = "OWN", **settings: Any) -> Verdict:
    """The verdict of that key of a rule with these settings."""
    name = key.partition("/")[0]
    found = {one.key: one for one in judge(own_rule(name, **settings), history, NOW)}
    assert key in found, f"{key} is none of {sorted(found)}"
    return found[key]
