"""Metrics of the endpoint checks that the hub makes."""

from __future__ import annotations

from facts import Metric, MetricKind

METRICS = (
    Metric(
        name="endpoint_up",
        title="Endpoint availability",
        unit="ratio",
        kind=MetricKind.RATE,
        labels=("endpoint", "location"),
        source="endpoints",
        formula="checks that got the status and the kind of body they want within the time limit / all checks",
        guide="| Inventory System | 99.9% | <99.5% | <99% |",
    ),
    Metric(
        name="endpoint_response_seconds",
        title="Endpoint response time, seen by the hub",
        unit="seconds",
        kind=MetricKind.DURATION,
        labels=("endpoint", "location"),
        source="endpoints",
        formula="from the beginning of the request to the end of the answer, of each check that got an answer",
        guide="- Response times >5 seconds (P95)",
    ),
    Metric(
        name="tls_days_left",
        title="Days until the TLS certificate ends",
        unit="days",
        kind=MetricKind.GAUGE,
        labels=("host",),
        source="endpoints",
        formula="end of the certificate that the host presents - now; 0 once it has ended",
    ),
)
