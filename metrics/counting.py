"""Decides what counts as good, as bad, or not at all; no other file decides that."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from facts import Blame, Outcome, Status

_FAILED = (Status.FAILED, Status.TIMED_OUT)
_BAD_BLAME = (Blame.SITE, Blame.THIRD_PARTY, Blame.JOURNEY)


class Class(StrEnum):
    """How one result counts for a rule."""

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


class Rounds(NamedTuple):
    """Holds the schedule of a journey: its period in seconds, and at how many locations it runs."""

    period_s: float
    locations: int


def network_that_counts(failed: Iterable[Outcome], rounds: Rounds) -> Iterator[str]:
    """Yield the ids of the runs whose network failure counts, given one journey's runs that have one.

    It counts where another location had one within a period, and where the plan has no other location that could tell: a shop that
    refuses every connection would never be an outage there.
    """
    if rounds.locations == 1:
        yield from (outcome.run_id for outcome in failed)
        return
    trouble = [(outcome.slot or outcome.started_at, outcome) for outcome in failed]
    yield from _near_another_location(trouble, timedelta(seconds=rounds.period_s))


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


def has_network_failure(outcome: Outcome) -> bool:
    """Return whether the run or its first attempt failed by the network."""
    final = outcome.status in _FAILED and outcome.blame is Blame.NETWORK
    return final or (outcome.first_status in _FAILED and outcome.first_blame is Blame.NETWORK)


def is_static(endpoint: str) -> bool:
    """Return whether an endpoint is a static file: a built asset, or a path whose last part has a file extension."""
    return endpoint.startswith("/_next/") or "." in endpoint.rpartition("/")[2]
