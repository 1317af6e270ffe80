"""Splits a time into its phases, as text and as one bar of segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports import charts, words

_NAMES = {
    "queued": "queued",
    "dns": "DNS",
    "connect": "connect",
    "tls": "TLS",
    "wait": "wait",
    "receive": "receive",
    "ttfb": "first byte",
    "load_delay": "before its request",
    "load_duration": "load",
    "render_delay": "until the paint",
    "input_delay": "before the handlers",
    "processing": "handlers",
    "presentation": "until the paint",
}
# Phases of the same nature share a colour, whatever they are part of.
_KINDS = {
    "load_delay": "queued",
    "input_delay": "queued",
    "ttfb": "wait",
    "load_duration": "receive",
    "processing": "work",
    "render_delay": "paint",
    "presentation": "paint",
}
OF_REQUEST = ("queued", "dns", "connect", "tls", "wait", "receive")
_SHORTEST_MS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Holds one phase. `kind` is its colour; `is_longest` marks the one to look at first."""

    name: str
    kind: str
    took: str
    ms: float
    is_longest: bool = False


def spent(phases: Mapping[str, float]) -> tuple[Spent, ...]:
    """Return the phases of a time in order, without those shorter than 1 ms."""
    longest = max(phases, key=lambda name: phases[name], default=None)
    return tuple(
        Spent(
            name=_NAMES.get(name, name),
            kind=kind_of(name),
            took=words.duration(ms),
            ms=ms,
            is_longest=name == longest and len(phases) > 1,
        )
        for name, ms in phases.items()
        if ms >= _SHORTEST_MS
    )


def kind_of(name: str) -> str:
    """Return the colour of a phase; a name that only a newer runner knows is `other`."""
    return _KINDS.get(name, name if name in OF_REQUEST else "other")


def legend(names: Sequence[str]) -> tuple[Spent, ...]:
    """Return names and colours, for a legend above bars without text."""
    return tuple(Spent(name=_NAMES[name], kind=kind_of(name), took="", ms=0) for name in names)


def bar(phases: Mapping[str, float], *, start: float = 0.0, total: float) -> Markup:
    """Draw the segments on a track that is `total` ms long, starting at `start`."""
    return charts.segments([(kind_of(name), ms) for name, ms in phases.items()], start=start, total=total)
