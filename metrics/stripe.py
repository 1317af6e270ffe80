"""Metrics of the shop's payments, as Stripe's events tell them. The synthetic buyer's orders are in none of them."""

from __future__ import annotations

from facts import Metric, MetricKind

_OF_AN_ORDER = ("city", "member", "tier")

METRICS = (
    Metric(
        name="stripe_payments_succeeded",
        title="Payments that succeeded",
        unit="payments",
        kind=MetricKind.COUNT,
        source="stripe",
        formula="events charge.succeeded",
        guide='metric: "stripe_payment_success_rate",',
    ),
    Metric(
        name="stripe_payments_declined",
        title="Payments that the card or its bank declined",
        unit="payments",
        kind=MetricKind.COUNT,
        source="stripe",
        formula="events charge.failed whose outcome is issuer_declined, and payment_intent.payment_failed that had no charge and is "
        "an error of the card or its authentication",
        guide='payment_declined: "info",',
    ),
    Metric(
        name="stripe_payments_failed",
        title="Payments that failed for another reason",
        unit="payments",
        kind=MetricKind.COUNT,
        source="stripe",
        formula="all other events charge.failed, and payment_intent.payment_failed without a charge",
        guide='metric: "stripe_payment_success_rate",',
    ),
    Metric(
        name="stripe_charged_minor",
        title="Charged, gross",
        unit="minor units",
        kind=MetricKind.MONEY,
        labels=("currency",),
        source="stripe",
        formula="sum of amount of the events charge.succeeded",
        guide='calculation: "SUM(stripe_payments.amount) WHERE date = today",',
    ),
    Metric(
        name="stripe_sessions_completed",
        title="Checkout sessions that were completed",
        unit="sessions",
        kind=MetricKind.COUNT,
        labels=_OF_AN_ORDER,
        source="stripe",
        formula="events checkout.session.completed, by the metadata cityId, ticketType and isSixFBMember of the session",
        guide="conversionRate: {",
    ),
    Metric(
        name="stripe_sessions_expired",
        title="Checkout sessions that expired",
        unit="sessions",
        kind=MetricKind.COUNT,
        labels=_OF_AN_ORDER,
        source="stripe",
        formula="events checkout.session.expired, likewise; a session is counted when it expires, up to 24 h after it was opened",
        guide="checkoutAbandonmentRate: {",
    ),
    Metric(
        name="stripe_orders_minor",
        title="Sold by checkout, gross",
        unit="minor units",
        kind=MetricKind.MONEY,
        labels=("city", "currency", "member", "tier"),
        source="stripe",
        formula="sum of amount_total of the paid sessions, at checkout.session.completed or async_payment_succeeded",
        guide='calculation: "GROUP BY city, SUM(amount)",',
    ),
    Metric(
        name="stripe_refunds",
        title="Refunds",
        unit="refunds",
        kind=MetricKind.COUNT,
        source="stripe",
        formula="events charge.refunded; each part of a partial refund is one",
        guide="- Unusual refund patterns",
    ),
    Metric(
        name="stripe_refunded_minor",
        title="Refunded",
        unit="minor units",
        kind=MetricKind.MONEY,
        labels=("currency",),
        source="stripe",
        formula="what each event charge.refunded added to the charge's amount_refunded",
        guide="- Unusual refund patterns",
    ),
    Metric(
        name="stripe_disputes",
        title="Disputes",
        unit="disputes",
        kind=MetricKind.COUNT,
        source="stripe",
        formula="events charge.dispute.created",
        guide="- Suspected fraud attempts",
    ),
    Metric(
        name="stripe_disputed_minor",
        title="Disputed",
        unit="minor units",
        kind=MetricKind.MONEY,
        labels=("currency",),
        source="stripe",
        formula="sum of amount of the events charge.dispute.created",
        guide="- Suspected fraud attempts",
    ),
    Metric(
        name="stripe_webhooks_pending",
        title="Events that a webhook has not taken",
        unit="events",
        kind=MetricKind.GAUGE,
        source="stripe",
        formula="events with pending_webhooks above 0, among the newest 80 that are an hour old at most or waited at the last reading",
    ),
    Metric(
        name="stripe_webhooks_oldest_pending_seconds",
        title="Age of the oldest event that a webhook has not taken",
        unit="seconds",
        kind=MetricKind.GAUGE,
        source="stripe",
        formula="now - created of the oldest of them; 0 where none waits",
    ),
    Metric(
        name="stripe_source_reads",
        title="Reads of this source in 30 days",
        unit="reads",
        kind=MetricKind.GAUGE,
        source="stripe",
        formula="requests that the source has sent to Stripe in the last 30 days; Stripe allows the whole account 500 for each "
        "transaction, at least 10,000 a month",
    ),
)

PER_ORDER = ("stripe_payments_succeeded", "stripe_sessions_completed", "stripe_charges", "app_succeeded_payments")
"""The metrics of which one comes with each order."""
