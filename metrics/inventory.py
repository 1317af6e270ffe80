"""Metrics of the site's inventory."""

from __future__ import annotations

from facts import Metric, MetricKind

METRICS = (
    Metric(
        name="inventory_remaining_tickets",
        title="Tickets left",
        unit="tickets",
        kind=MetricKind.GAUGE,
        labels=("city", "tier"),
        source="inventory",
        formula="actualAvailable of GET /api/inventory, or publicAvailable where the site does not tell that; below 0 it is oversold",
        guide="- GA tickets <10 remaining",
    ),
    Metric(
        name="inventory_seats",
        title="Seats",
        unit="tickets",
        kind=MetricKind.GAUGE,
        labels=("city", "tier"),
        source="inventory",
        formula="actualLimits of GET /api/inventory, or publicLimits where the site does not tell that",
    ),
    Metric(
        name="inventory_negative_cities",
        title="Oversold cities",
        unit="cities",
        kind=MetricKind.GAUGE,
        source="inventory",
        formula="the number of cities in which at least one tier has less than 0 tickets left",
        guide='metric: "inventory_negative_count",',
    ),
)
