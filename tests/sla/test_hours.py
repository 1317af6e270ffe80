"""Hours are only a way to keep a history: how it is cut changes no verdict."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from facts import Blame, Outcome, Status
from sla.history import History
from sla.hours import Hour, hours_of
from sla.judge import judge
from tests.sla.builders import GA, NOW, PLACES, VIP, a_failure, a_graded, a_history, an_answer, an_outcome, the_targets


def a_mixed_history(seed: int) -> History:
    """Three days in which everything that rules tell apart happens somewhere."""
    chance = random.Random(seed)
    found: list[Outcome] = []
    for n in range(400):
        journey, place = chance.choice([GA, VIP]), chance.choice(PLACES)
        minutes = chance.choice([chance.uniform(1, 90), chance.uniform(1, 4500)])
        vitals = tuple(a_graded(name, chance.uniform(0, 900)) for name in ("LCP", "INP", "CLS"))
        requests = (
            an_answer(ms=chance.uniform(100, 4000)),
            an_answer(chance.choice([200, 503]), party="https://js.stripe.com", method="GET"),
        )
        facts = {"journey": journey, "location": place, "run_id": f"run-{n}"}
        blame = chance.choice([Blame.SITE, Blame.NETWORK, Blame.RUNNER])
        outcome = chance.choice(
            [
                an_outcome(minutes, **facts),
                an_outcome(minutes, slow=True, **facts),
                an_outcome(minutes, status=Status.MISSED, **facts),
                a_failure(minutes, blame=blame, **facts),
                replace(an_outcome(minutes, **facts), first_status=Status.FAILED, first_blame=Blame.SITE, flaky=True),
            ]
        )
        found.append(replace(outcome, vitals=vitals, requests=requests, late=chance.random() < 0.1))
    return a_history(found)


@pytest.mark.parametrize("seed", range(4))
def test_how_a_history_is_cut_changes_no_verdict(seed: int) -> None:
    history, targets = a_mixed_history(seed), the_targets()
    one_by_one = [Hour(o.journey, o.location, (o,)) for o in history.outcomes]
    assert judge(targets, history, NOW) == judge(targets, replace(history, hours=one_by_one), NOW)


def test_hours_that_were_judged_before_are_judged_alike_later() -> None:
    history, targets = a_mixed_history(5), the_targets()
    later = NOW + timedelta(minutes=47)
    judge(targets, history, NOW)
    fresh = replace(history, hours=hours_of(history.outcomes))
    assert judge(targets, history, later) == judge(targets, fresh, later)


def test_an_hour_has_the_slots_of_one_hour_of_utc() -> None:
    at = NOW.replace(minute=0)
    moments = [at - timedelta(microseconds=1), at, at + timedelta(minutes=59, seconds=59), at + timedelta(hours=1)]
    found = hours_of([replace(an_outcome(), run_id=str(n), slot=slot) for n, slot in enumerate(moments)])
    assert [[o.run_id for o in hour.outcomes] for hour in found] == [["0"], ["1", "2"], ["3"]]


@pytest.mark.parametrize(
    ("since", "until", "left"),
    [
        (30, 0, ["a", "b"]),
        (20, 10, ["a"]),
        (10, 5, ["b"]),
        (10, 0, ["b"]),
        (10.1, 5, ["a", "b"]),
        (5, 0, []),
        (40, 20, []),
    ],
)
def test_a_window_has_what_finished_after_its_begin_and_until_its_end(
    since: float, until: float, left: list[str]
) -> None:
    hour = Hour(GA, "us-east", (an_outcome(10, run_id="a"), an_outcome(5, run_id="b")))
    part = hour.finished_within(NOW - timedelta(minutes=since), NOW - timedelta(minutes=until))
    assert [o.run_id for o in (part.outcomes if part else ())] == left


def test_what_is_derived_from_an_hour_is_derived_once() -> None:
    asked: list[int] = []

    def count(outcomes: tuple[Outcome, ...]) -> int:
        asked.append(len(outcomes))
        return len(outcomes)

    hour = Hour(GA, "us-east", (an_outcome(),))
    assert [hour.once(count), hour.once(count)] == [1, 1]
    assert asked == [1]
