"""Makes the past runs of the journeys: every slot of the last week, and the hours around two outages weeks ago.

Thousands of runs are alike but for their slot, so each kind is made once, and its stored form is put at every slot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from demo.traffic.outages import REFUSED
from facts import Attempt, Blame, Grid, Request, Run, Status, Step, StepStatus, Vital, to_wire
from journeys.journey import Journey
from store import runs
from store.rows import Arrival, RunRow, row_of

WEEK = timedelta(days=7)
"""The time before now in which every slot has its run; of earlier days only counts are saved."""
MADE_UP = "This run is made up: it belongs to the history that the demo starts with."
_DETAILED = timedelta(hours=12)
"""The time before now in which runs have requests and web vitals; an older run that passed has only its steps."""
_AROUND = timedelta(hours=1)
_ONE_IN = 2003
"""One slot of so many fails at its first attempt; a prime, so that it comes at another hour each time."""
_AT_ONCE = 4000
_ID, _SLOT = "ID-OF-THE-RUN", datetime(2001, 1, 1, tzinfo=UTC)
_SPREAD = (0.86, 0.92, 0.96, 0.99, 1.0, 1.03, 1.07, 1.12, 1.2)
_USUAL_MS = {"ga_purchase": 5200.0, "vip_member_discount": 3900.0}
_PAYMENT = ("proceed_to_stripe", "proceed_to_checkout")
_VITALS = {"LCP": 640.0, "INP": 40.0, "FID": 5.0, "CLS": 0.02, "FCP": 320.0, "TTFB": 45.0}
_PAGES = ("/", "/pricing", "/register")
_REQUESTS = (("GET", "/", 41.0), ("GET", "/pricing", 38.0), ("GET", "/register", 44.0), ("GET", "/api/inventory", 21.0))


class _Kind(NamedTuple):
    """What kind of run a slot has; `spread` is which of `_SPREAD` its times are stretched by."""

    journey: str
    location: str
    result: str
    spread: int
    is_detailed: bool


@dataclass(frozen=True, slots=True)
class _Shape:
    """A run of a kind with its stored form, to be put at any slot."""

    row: RunRow
    finished: timedelta

    def at(self, slot: datetime, run_id: str) -> RunRow:
        ended = slot + self.finished
        record = self.row.record.replace(_ID, run_id)
        record = record.replace(to_wire(_SLOT + self.finished), to_wire(ended)).replace(to_wire(_SLOT), to_wire(slot))
        run = replace(self.row.run, id=run_id, slot=slot, started_at=slot, finished_at=ended)
        of = self.row.outcome
        outcome = replace(
            of, run_id=run_id, slot=slot, started_at=slot, finished_at=ended, received_at=ended + timedelta(seconds=1)
        )
        return RunRow(run, outcome, record, self.row.details)


def save_runs(
    connection: Connection,
    journeys: Mapping[str, Journey],
    places: Mapping[str, Sequence[str]],
    *,
    until: datetime,
    period_s: float,
    outages: Sequence[tuple[datetime, datetime]],
    site: str,
) -> int:
    """Save the runs of each slot of the last week up to `until`, and of the hours around outages; return how many.

    `places` are the locations of each journey, which runs every `period_s` seconds. `outages` are the beginning and the end of each:
    every run of a slot in between failed at the payment. In the last week one slot of two thousand fails, at a single location, and
    half of these pass at the second attempt. `site` is the address that the runs name.
    """
    shapes: dict[_Kind, _Shape] = {}
    waiting: list[RunRow] = []
    n = 0
    for slot, kind in past_slots(places, until, round(period_s), outages):
        shape = shapes.get(kind)
        if shape is None:
            shape = shapes[kind] = _made(journeys[kind.journey], kind, site)
        waiting.append(shape.at(slot, f"{slot:%Y%m%dT%H%M%S}-{kind.journey}-{kind.location}"))
        if len(waiting) == _AT_ONCE:
            n += len(runs.save_all(connection, waiting))
            waiting = []
    return n + len(runs.save_all(connection, waiting))


def past_slots(
    places: Mapping[str, Sequence[str]], until: datetime, period_s: int, outages: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, _Kind]]:
    """Yield each slot that has a run, and the kind of the run: the last week's by journey and location, then those around outages."""
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    grids = [
        (journey, place, Grid.of(period_s, index=i, n=len(of_journey)))
        for journey, of_journey in places.items()
        for i, place in enumerate(of_journey)
    ]
    for number, (journey, place, grid) in enumerate(grids):
        for i, slot in enumerate(grid.between(midnight - WEEK, until - timedelta(seconds=60))):
            bad = (i + number * _ONE_IN // len(grids)) % (2 * _ONE_IN)
            result = {_ONE_IN // 2: "failed", _ONE_IN + _ONE_IN // 2: "flaky"}.get(bad, "passed")
            yield slot, _Kind(journey, place, result, i * 7 % len(_SPREAD), slot > until - _DETAILED)
    for begins, ends in outages:
        for journey, place, grid in grids:
            for i, slot in enumerate(grid.between(begins - _AROUND, ends + _AROUND)):
                result = "failed" if begins < slot <= ends else "passed"
                yield slot, _Kind(journey, place, result, i * 7 % len(_SPREAD), is_detailed=False)


def _made(journey: Journey, kind: _Kind, site: str) -> _Shape:
    by = _SPREAD[kind.spread]
    usual_ms = by * _USUAL_MS.get(journey.name, 5000.0)
    good = _attempt(journey, 1, usual_ms, by, fails=False, is_detailed=kind.is_detailed)
    bad = _attempt(journey, 1, usual_ms, by, fails=True, is_detailed=kind.is_detailed)
    attempts = {
        "passed": (good,),
        "flaky": (bad, replace(good, number=2)),
        "failed": (bad, replace(bad, number=2)),
    }[kind.result]
    last = attempts[-1]
    finished = timedelta(
        milliseconds=round(sum(one.duration_ms for one in attempts) + 400 + 5000 * (len(attempts) - 1))
    )
    run = Run(
        id=_ID,
        journey=journey.name,
        location=kind.location,
        slot=_SLOT,
        status=last.status,
        started_at=_SLOT,
        finished_at=_SLOT + finished,
        site=site,
        browser="Chromium",
        plan="history",
        blame=last.blame,
        flaky=kind.result == "flaky",
        failed_step=last.failed_step,
        error=last.error,
        duration_ms=last.duration_ms,
        slow_after_ms=journey.slow_after_s * 1000,
        counts=last.number,
        steps=last.steps,
        vitals=last.vitals,
        attempts=attempts,
        notes=(MADE_UP,),
        buys=journey.buys,
        title=journey.title,
    )
    row = row_of(Arrival(run), received_at=_SLOT + finished)
    if not kind.is_detailed and kind.result == "passed":
        # There are tens of thousands of these: the same steps are not kept twice.
        short = replace(run, attempts=tuple(replace(one, steps=()) for one in attempts))
        row = replace(row, record=json.dumps(to_wire(short), separators=(",", ":")))
    return _Shape(row, finished)


def _attempt(journey: Journey, number: int, took_ms: float, by: float, *, fails: bool, is_detailed: bool) -> Attempt:
    at = next((step for step in journey.steps if step in _PAYMENT), journey.steps[-1])
    steps = tuple(_steps(journey.steps, took_ms / len(journey.steps), failed=at if fails else None))
    error = f"{at}: {REFUSED}" if fails else None
    return Attempt(
        number=number,
        status=Status.FAILED if fails else Status.PASSED,
        started_at=_SLOT,
        blame=Blame.SITE if fails else None,
        failed_step=at if fails else None,
        error=error,
        error_group=error,
        duration_ms=round(sum(step.duration_ms or 0.0 for step in steps), 1),
        steps=steps,
        vitals=tuple(_vitals(by)) if is_detailed else (),
        requests=tuple(_requests(journey.steps[0], at, by, refused=fails)) if is_detailed else (),
    )


def _steps(names: Sequence[str], each_ms: float, *, failed: str | None) -> Iterator[Step]:
    is_over = False
    for n, name in enumerate(names):
        if is_over:
            yield Step(name=name, status=StepStatus.SKIPPED, error="a step before it failed")
            continue
        is_over = name == failed
        yield Step(
            name=name,
            status=StepStatus.FAILED if is_over else StepStatus.PASSED,
            started_ms=round(n * each_ms, 1),
            duration_ms=round(each_ms, 1),
            error=REFUSED if is_over else None,
        )


def _vitals(by: float) -> Iterator[Vital]:
    for page in _PAGES:
        for name, value in _VITALS.items():
            unit = "score" if name == "CLS" else "ms"
            yield Vital(page=page, name=name, value=round(value * by, 4), unit=unit, navigation="hard")


def _requests(first: str, payment: str, by: float, *, refused: bool) -> Iterator[Request]:
    for method, path, took_ms in _REQUESTS:
        yield Request(
            step=first, method=method, endpoint=path, status=200, duration_ms=round(took_ms * by, 1), party="first"
        )
    yield Request(
        step=payment,
        method="POST",
        endpoint="/api/create-checkout-session",
        status=500 if refused else 200,
        duration_ms=round(95.0 * by, 1),
        party="first",
        kind="fetch",
    )
