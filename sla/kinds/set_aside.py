"""`set_aside`: the hub refuses what a location measured."""

from __future__ import annotations

from dataclasses import dataclass

from facts import Family, Traits, Verdict, VerdictStatus
from sla.index import HistoryIndex
from sla.kind import Kind
from sla.settings import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside(Rule):
    """The hub refuses what a location measured."""


def judge(name: str, rule: SetAside, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each location, of the records that the hub refused and its runners set aside."""
    return [_set_aside(name, rule, index, place) for place in index.all_locations()]


def _set_aside(name: str, rule: SetAside, index: HistoryIndex, place: str) -> Verdict:
    alive = index.answering(place)
    count = sum(runner.rejected for runner in alive)
    why = next((f"; the last one: {runner.refusal}" for runner in alive if runner.rejected and runner.refusal), "")
    were = "record was refused by the hub and is" if count == 1 else "records were refused by the hub and are"
    said = (
        f"{count} {were} kept at the runner{why}"
        if count
        else "no record was refused"
        if alive
        else "no runner is heard"
    )
    return Verdict(
        rule=name,
        subject=place,
        verdict=VerdictStatus.NO_DATA if not alive else VerdictStatus.WARNING if count else VerdictStatus.MET,
        title=f"{rule.title}: {place}",
        summary=f"{place}: {said} (limit 1)",
        severity=rule.severity,
        value=float(count) if alive else None,
        limit=1.0,
        unit="records",
        n=len(alive),
        window="now",
        breached=count > 0,
        clear=bool(alive) and not count,
        counted=(place,) if alive else (),
        data_at=max((runner.heard_at for runner in alive), default=None),
        runbook=rule.runbook,
    )


def needs(_rule: SetAside) -> tuple[()]:
    """Return what it looks at: nothing that is loaded for it; the runners tell of their refused records in each message."""
    return ()


def traits(_rule: SetAside, subject: str | None) -> Traits:
    """Return what its verdicts are about: one location."""
    return Traits(family=Family.MONITOR, location_bound=subject)


KIND = Kind(settings=SetAside, judge=judge, needs=needs, traits=traits)
