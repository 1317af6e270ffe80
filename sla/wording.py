"""The words of findings: titles, locations, ids, and what failed in the words of the run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from facts import Outcome

_LONGEST_ERROR = 200
TITLES = {"ga_purchase": "GA purchase", "vip_member_discount": "VIP purchase with member discount"}


def journey_title(journey: str) -> str:
    """A journey's name for people."""
    return TITLES.get(journey, journey.replace("_", " "))


def what_failed(outcomes: Sequence[Outcome]) -> str:
    """The newest failure's own sentence; it names its step."""
    last = max(outcomes, key=lambda o: (o.error is not None, o.finished_at))
    error = " ".join((last.error or "the second attempt passed").split())
    error = error if len(error) <= _LONGEST_ERROR else error[: _LONGEST_ERROR - 1] + "…"
    step = last.failed_step
    return error if step is None or error.startswith(step) else f"{step}: {error}"


def number(value: float) -> str:
    """Return a number as it is, without a fraction where it has none: `3`, `0.25`, `1234567`."""
    return f"{value:.12g}"


def plural(number: int, noun: str) -> str:
    """Return a number with its noun: `1 location`, `3 locations`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def places(outcomes: Sequence[Outcome]) -> str:
    """The locations, each once, in order."""
    return ", ".join(sorted({outcome.location for outcome in outcomes}))


def ids(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """The run ids, newest last."""
    return tuple(o.run_id for o in sorted(outcomes, key=lambda o: (o.finished_at, o.run_id)))


def newest(outcomes: Sequence[Outcome]) -> datetime | None:
    """When the newest of them finished."""
    return max((o.finished_at for o in outcomes), default=None)
