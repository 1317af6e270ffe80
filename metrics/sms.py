"""Metrics of the shop's SMS, by the minute in which they were sent; messages younger than five minutes are in none."""

from __future__ import annotations

from facts import Metric, MetricKind

METRICS = (
    Metric(
        name="sms_delivered",
        title="SMS that were delivered",
        unit="messages",
        kind=MetricKind.COUNT,
        source="sms",
        formula="messages with status delivered",
        guide="- SMS success rate <95%",
    ),
    Metric(
        name="sms_failed",
        title="SMS that failed",
        unit="messages",
        kind=MetricKind.COUNT,
        source="sms",
        formula="messages with status failed or undelivered",
        guide="- SMS success rate <95%",
    ),
    Metric(
        name="sms_no_receipt",
        title="SMS without a receipt",
        unit="messages",
        kind=MetricKind.COUNT,
        source="sms",
        formula="messages with any other status, five minutes after they were sent",
    ),
    Metric(
        name="sms_rate_limited",
        title="SMS that Twilio held up for its limits",
        unit="messages",
        kind=MetricKind.COUNT,
        source="sms",
        formula="messages with error_code 20429 or 30001",
        guide="- Rate limiting from Twilio",
    ),
    Metric(
        name="sms_segments",
        title="SMS segments",
        unit="segments",
        kind=MetricKind.COUNT,
        source="sms",
        formula="sum of num_segments",
    ),
    Metric(
        name="sms_priced_messages",
        title="SMS whose price is known",
        unit="messages",
        kind=MetricKind.COUNT,
        labels=("currency",),
        source="sms",
        formula="messages with a price; sms_cost_minor divided by it is the cost of a message",
        guide="- High delivery costs detected",
    ),
    Metric(
        name="sms_cost_minor",
        title="Cost of SMS",
        unit="minor units",
        kind=MetricKind.MONEY,
        labels=("currency",),
        source="sms",
        formula="sum of price, where Twilio has told it yet; parts of a cent count",
        guide="- High delivery costs detected",
    ),
)
