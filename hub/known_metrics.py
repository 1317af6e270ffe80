"""The metrics that the hub can bring to the rules, each with its source and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from facts import Labels, Metric, MetricKind, Series, Stock, labels

REMAINING = Metric(
    name="inventory_remaining_tickets",
    title="Tickets left",
    unit="tickets",
    kind=MetricKind.GAUGE,
    source="inventory",
    formula="what the site's inventory says is left of a tier in a city",
    labels=("city", "tier"),
)
TOTAL = Metric(
    name="inventory_total_tickets",
    title="Tickets there are",
    unit="tickets",
    kind=MetricKind.GAUGE,
    source="inventory",
    formula="how many tickets of a tier the site's inventory says there are in a city, sold ones included",
    labels=("city", "tier"),
)
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in (REMAINING, TOTAL)}


def missing_metrics(*, sells_tickets: bool) -> dict[str, str]:
    """Return why a metric is not brought here, by its name."""
    why = "site.yaml names no cities, so no stock is asked for"
    return {} if sells_tickets else {metric.name: why for metric in METRICS.values() if metric.source == "inventory"}


def series_of(stocks: Sequence[Stock]) -> dict[str, list[Series]]:
    """Return the series of the inventory's metrics. `stocks` come oldest first."""
    remaining: dict[Labels, list[Stock]] = {}
    for stock in stocks:
        remaining.setdefault(labels(city=stock.city, tier=stock.tier), []).append(stock)
    return {
        REMAINING.name: [
            Series(metric=REMAINING.name, labels=of, points=tuple((one.at, float(one.remaining)) for one in found))
            for of, found in remaining.items()
        ],
        TOTAL.name: [
            Series(metric=TOTAL.name, labels=of, points=points)
            for of, found in remaining.items()
            if (points := tuple((one.at, float(one.total)) for one in found if one.total is not None))
        ],
    }
