"""What counts: good, bad, left out. The one place that says so."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from facts import Blame, Outcome, Status

_FAILED = (Status.FAILED, Status.TIMED_OUT)
_BAD_BLAME = (Blame.SITE, Blame.THIRD_PARTY, Blame.JOURNEY)


class Class(StrEnum):
    """What one result is to a rule."""

    GOOD = "good"
    BAD = "bad"
    LEFT_OUT = "left_out"
    """It says nothing of the shop, and lowers coverage."""
    SKIPPED = "skipped"
    """Nobody wanted it: it is in no denominator."""


def class_of(status: Status, blame: Blame | None, *, network_counts: bool = False) -> Class:
    """Return the class of a result. A network failure is bad only where several locations have it, or where
    the plan has one location (`network_counts`)."""
    if status is Status.PASSED:
        return Class.GOOD
    if status is Status.SKIPPED:
        return Class.SKIPPED
    bad = blame in _BAD_BLAME or (blame is Blame.NETWORK and network_counts)
    return Class.BAD if status in _FAILED and bad else Class.LEFT_OUT


def network_at_several(outcomes: Iterable[Outcome], periods_s: Mapping[str, float]) -> frozenset[str]:
    """Return the ids of the runs with a network failure that another location had too, within one period of the journey."""
    by_journey: dict[str, list[tuple[datetime, Outcome]]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.slot is not None and _has_network_failure(outcome):
            by_journey[outcome.journey].append((outcome.slot, outcome))
    return frozenset(
        run_id
        for journey, trouble in by_journey.items()
        for run_id in _near_another_location(trouble, timedelta(seconds=periods_s.get(journey, 0.0)))
    )


def _near_another_location(trouble: list[tuple[datetime, Outcome]], period: timedelta) -> Iterator[str]:
    trouble.sort(key=lambda pair: pair[0])
    near: deque[tuple[datetime, Outcome]] = deque()
    for slot, outcome in trouble:
        while near and slot - near[0][0] >= period:
            near.popleft()
        for _, other in near:
            if other.location != outcome.location:
                yield from (other.run_id, outcome.run_id)
        near.append((slot, outcome))


def _has_network_failure(outcome: Outcome) -> bool:
    final = outcome.status in _FAILED and outcome.blame is Blame.NETWORK
    return final or (outcome.first_status in _FAILED and outcome.first_blame is Blame.NETWORK)
