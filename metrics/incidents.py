"""Metrics of the incidents that kept buyers from buying: what they cost, and whether the monitor or a buyer met them first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from facts import Labels, Metric, MetricKind, labels
from metrics.points import MetricPoint, MetricSeries, gauge_point, rate_point, start_of, sum_point

SOURCE = "incidents"
LOST = Metric(
    name="incident_lost_minor",
    title="Money at risk of incidents that stopped buyers",
    unit="minor units",
    kind=MetricKind.MONEY,
    labels=("currency",),
    source=SOURCE,
    formula=(
        "of each incident that kept buyers from buying: for each of its hours the part of the hour that it lasted, times the median of "
        "what Stripe charged in that hour of the week in the four weeks before; an estimate, without a point where that is unknown"
    ),
    guide="- **Zero revenue loss** from technical failures",
)
FOUND_FIRST = Metric(
    name="incident_found_first_ratio",
    title="Incidents found before buyers met them",
    unit="ratio",
    kind=MetricKind.RATE,
    labels=(),
    source=SOURCE,
    formula=(
        "incidents whose first alert fired no later than the first failed payment or support ticket of a real buyer, or of which none "
        "came / incidents that kept buyers from buying and of which it is known"
    ),
    guide="- **Proactive issue detection** before user impact",
)
LEAD = Metric(
    name="incident_lead_seconds",
    title="Lead of the first alert over the first buyer who met the incident",
    unit="seconds",
    kind=MetricKind.GAUGE,
    labels=(),
    source=SOURCE,
    formula="first failed payment or support ticket of a real buyer - first alert of the incident; below 0 where the buyer was first",
    guide="- **Proactive issue detection** before user impact",
)
METRICS = (LOST, FOUND_FIRST, LEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentImpact:
    """What an incident that kept buyers from buying did to them.

    `began_at` is when it began. `lost` is what the shop would usually have sold meanwhile, in minor units by currency; None where that
    is not known. `is_watched` is whether anything tells of real buyers; `lead_s` is how many seconds after the first alert the first of
    them met it, below 0 where it was before, and None where none did.
    """

    began_at: datetime
    lost: Mapping[str, int] | None = None
    is_watched: bool = False
    lead_s: float | None = None

    @property
    def is_found_first(self) -> bool:
        """Whether the monitor told of it before a buyer met it; only of one that `is_watched`."""
        return self.lead_s is None or self.lead_s >= 0


def total_lost(impacts: Sequence[IncidentImpact]) -> dict[str, int]:
    """Return what is known to have been lost in incidents, in minor units by currency."""
    sums: Counter[str] = Counter()
    for one in impacts:
        sums.update(one.lost or {})
    return dict(sums)


def found_first(impacts: Sequence[IncidentImpact], start: datetime) -> MetricPoint:
    """Return the share of incidents that were found first, as the point of a stretch that begins at `start`."""
    known = [one for one in impacts if one.is_watched]
    return rate_point(start, sum(one.is_found_first for one in known), len(known), expected=len(impacts))


def series_from_incidents(
    name: str, impacts: Sequence[IncidentImpact], *, since: datetime, step_s: int
) -> list[MetricSeries]:
    """Return the series of an incident metric, a point for each stretch of `step_s` seconds in which an incident began."""
    stretches: dict[datetime, list[IncidentImpact]] = defaultdict(list)
    for one in sorted(impacts, key=lambda one: one.began_at):
        stretches[start_of(one.began_at, step_s, since)].append(one)
    points: dict[Labels, list[MetricPoint]] = defaultdict(list)
    for start, some in stretches.items():
        for its, point in _points(name, some, start):
            points[its].append(point)
    return [MetricSeries(labels=its, points=tuple(told)) for its, told in sorted(points.items())]


def _points(name: str, some: Sequence[IncidentImpact], start: datetime) -> Iterator[tuple[Labels, MetricPoint]]:
    if name == LOST.name:
        amounts: dict[str, list[float]] = defaultdict(list)
        for one in some:
            for currency, minor in (one.lost or {}).items():
                amounts[currency].append(minor)
        for currency, minors in sorted(amounts.items()):
            yield labels(currency=currency), sum_point(start, minors)
    elif name == FOUND_FIRST.name:
        yield (), found_first(some, start)
    else:
        leads = [one.lead_s for one in some if one.is_watched and one.lead_s is not None]
        if leads:
            yield (), gauge_point(start, leads)
