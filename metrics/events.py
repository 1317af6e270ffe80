"""Metrics that are counted out of the site's own events, minute by minute, when an event is saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from facts import Event, Labels, Metric, MetricKind, labels

SOURCE = "events"
OTHER = "other"
"""The value of a label for what has no name of its own: an unknown category or step, or a value over `MOST_SERIES`."""
UNKNOWN = "unknown"
"""The value of a label that the event does not tell."""
MOST_SERIES = 200
"""So many series of one metric are kept apart; what is new then is counted under `other`."""
CATEGORIES: Mapping[str, str] = {
    "stripe_api_errors": "critical",
    "payment_declined": "info",
    "webhook_processing_failed": "critical",
    "invalid_payment_data": "warn",
    "oversold_tickets": "critical",
    "reservation_expired": "info",
    "inventory_sync_failed": "high",
    "concurrent_purchase_conflict": "warn",
    "sms_delivery_failed": "high",
    "email_bounce": "warn",
    "notification_queue_full": "critical",
    "twilio_rate_limited": "high",
    "database_connection_lost": "critical",
    "api_timeout": "high",
    "memory_leak_detected": "critical",
    "disk_space_low": "high",
}
"""The guide's categories of errors, each with the guide's severity."""
_CATEGORY_OF_NAME = {
    "inventory_oversold_detected": "oversold_tickets",
    "critical_inventory_oversell": "oversold_tickets",
    "webhook_signature_invalid": "webhook_processing_failed",
    "stripe_webhook_error": "webhook_processing_failed",
    "critical_inventory_decrement_failed": "inventory_sync_failed",
    "inventory_update_error": "inventory_sync_failed",
}
"""The category of an event that tells none: the guide's names, and those that the ticket shop logs."""
_FUNNEL = ("page_view", "form_start", "ticket_selection", "checkout_start", "payment_complete")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_PAID = ("payment_successful", "payment_succeeded")
_UNPAID = ("payment_processing_failed", "payment_failed")


_SUPPORT = ("support_ticket", "support_ticket_created", "support_ticket_opened")
_FAILED_LOGIN = ("login_failed", "authentication_failed", "auth_failed")
_FRAUD = ("fraud_suspected", "fraud_attempt", "suspected_fraud")
_TIMED_OUT = ("database_query_timeout", "query_timeout")
_BY_NAME = {
    **dict.fromkeys(_TIMED_OUT, "app_database_timeouts"),
    **dict.fromkeys(_SUPPORT, "app_support_tickets"),
    **dict.fromkeys(_FAILED_LOGIN, "app_failed_logins"),
    **dict.fromkeys(_FRAUD, "app_suspected_frauds"),
    "checkout_session_created": "app_checkout_sessions",
}
"""The metrics that count events of one name, or of several."""


def _or(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


class Count(NamedTuple):
    """Holds what one event adds to one series."""

    metric: str
    labels: Labels
    value: float


def _metric(name: str, title: str, unit: str, formula: str, *of: str, guide: str | None = None) -> Metric:
    kind = MetricKind.MONEY if "currency" in of else MetricKind.COUNT
    return Metric(name=name, title=title, unit=unit, kind=kind, labels=of, source=SOURCE, formula=formula, guide=guide)


METRICS = (
    _metric(
        "app_requests",
        "Requests",
        "requests",
        "events with an endpoint and a status",
        "endpoint",
        "method",
        guide='metrics: ["response_time", "throughput", "error_rate"],',
    ),
    _metric(
        "app_5xx_requests",
        "Requests answered by a server error",
        "requests",
        "events with an endpoint and a status of 500 or more",
        "endpoint",
        "method",
        guide='metric: "api_error_rate_5xx",',
    ),
    _metric(
        "app_responses",
        "Responses by status",
        "responses",
        "events with an endpoint and a status, by status; throughput and error rate of each endpoint, method and status",
        "endpoint",
        "method",
        "status",
        guide='dimensions: ["endpoint", "method", "status_code"],',
    ),
    Metric(
        name="app_request_seconds",
        title="Response time of an endpoint, told by the site",
        unit="seconds",
        kind=MetricKind.DURATION,
        labels=("endpoint", "method"),
        source=SOURCE,
        formula="duration_ms of events with an endpoint, kept as sketches of five minutes",
        guide="percentiles: [50, 90, 95, 99]",
    ),
    _metric(
        "app_support_tickets",
        "Support tickets",
        "tickets",
        f"events {_or(_SUPPORT)}",
        guide="- Support ticket spikes",
    ),
    _metric(
        "app_failed_logins",
        "Failed logins",
        "logins",
        f"events {_or(_FAILED_LOGIN)}",
        guide="- Failed authentication attempts",
    ),
    _metric(
        "app_suspected_frauds",
        "Suspected frauds",
        "frauds",
        f"events {_or(_FRAUD)}",
        guide="- Suspected fraud attempts",
    ),
    _metric(
        "app_database_timeouts",
        "Database queries that timed out",
        "timeouts",
        f"events {_or(_TIMED_OUT)}: PostgreSQL counts none itself",
        guide="- Database query timeouts",
    ),
    _metric(
        "app_errors",
        "Errors by category",
        "errors",
        "events with one of the guide's 16 categories, by category; of other events those of level error, as `other`",
        "category",
        guide="const errorCategories = {",
    ),
    _metric(
        "app_events",
        "Events by name",
        "events",
        "events, by level and name",
        "level",
        "name",
        guide="const logLevels = {",
    ),
    _metric(
        "app_funnel_steps",
        "Steps of the funnel",
        "steps",
        "events with a funnel_step, or with the name of one of the guide's five steps; any other step is `other`",
        "step",
        guide="conversion_funnel: {",
    ),
    _metric(
        "app_succeeded_payments",
        "Payments that succeeded",
        "payments",
        "events payment_successful or payment_succeeded",
        guide='metric: "stripe_payment_success_rate",',
    ),
    _metric(
        "app_failed_payments",
        "Payments that failed",
        "payments",
        "events payment_processing_failed or payment_failed, without those that the buyer's bank declined",
        guide='metric: "stripe_payment_success_rate",',
    ),
    _metric(
        "app_declined_payments",
        "Payments that the buyer's bank declined",
        "payments",
        "events with the category or name payment_declined",
        guide='payment_declined: "info",',
    ),
    _metric(
        "app_channel_payments",
        "Payments by marketing channel",
        "payments",
        "payments that succeeded, by channel",
        "channel",
        guide='"marketing_channel_effectiveness",',
    ),
    _metric(
        "app_revenue_minor_units",
        "Revenue",
        "minor units",
        "sum of amount_minor of payments that succeeded, by city; currencies are never added together",
        "city",
        "currency",
        guide='calculation: "GROUP BY city, SUM(amount)",',
    ),
    _metric(
        "app_sold_tickets",
        "Tickets sold",
        "tickets",
        "payments that succeeded, by city, tier and whether the buyer is a member; one ticket each",
        "city",
        "member",
        "tier",
        guide='"sales_by_city_trend",',
    ),
    _metric(
        "app_checkout_sessions",
        "Checkout sessions opened",
        "sessions",
        "events checkout_session_created",
        guide='"checkout_session_created",',
    ),
    _metric(
        "app_sent_messages",
        "Text messages sent",
        "messages",
        "events sms_notification_sent",
        guide='"sms_notification_sent",',
    ),
    _metric(
        "app_undelivered_messages",
        "Text messages that were not delivered",
        "messages",
        "events with the name or category sms_delivery_failed",
        guide="- SMS success rate <95%",
    ),
    _metric(
        "app_scored_answers",
        "Scores that customers gave",
        "answers",
        "events with a score",
        guide='"customer_satisfaction_score"',
    ),
    _metric(
        "app_score_points",
        "Sum of the scores that customers gave",
        "points",
        "sum of score; divided by app_scored_answers it is the mean score",
        guide='"customer_satisfaction_score"',
    ),
)

OPEN_LABELS = frozenset({"endpoint", "name", "city", "tier", "channel", "currency"})
"""The labels whose values the site chooses; beyond `MOST_SERIES` they become `other`."""


def category_of(event: Event) -> str | None:
    """Return the guide's category of an event: its own, that of its name, `other` for any other error, None for the rest."""
    for told in (event.category, event.name, _CATEGORY_OF_NAME.get(event.name)):
        if told in CATEGORIES:
            return told
    return OTHER if event.level == "error" else None


def counts_of(event: Event) -> Iterator[Count]:
    """Yield what an event adds to the metrics, each series once."""
    yield Count("app_events", labels(level=event.level, name=event.name), 1)
    category = category_of(event)
    if category is not None:
        yield Count("app_errors", labels(category=category), 1)
    yield from _of_requests(event)
    step = event.fields.get("funnel_step") or (event.name if event.name in _FUNNEL else None)
    if step:
        yield Count("app_funnel_steps", labels(step=str(step) if step in _FUNNEL else OTHER), 1)
    yield from _of_payments(event, category)
    if (metric := _BY_NAME.get(event.name)) is not None:
        yield Count(metric, (), 1)
    if category == "sms_delivery_failed":
        yield Count("app_undelivered_messages", (), 1)
    elif event.name == "sms_notification_sent":
        yield Count("app_sent_messages", (), 1)
    score = event.fields.get("score")
    if isinstance(score, int | float) and not isinstance(score, bool):
        yield Count("app_scored_answers", (), 1)
        yield Count("app_score_points", (), score)


def durations_of(event: Event) -> Iterator[Count]:
    """Yield the times that an event tells, each with its series, in the metric's unit."""
    took_ms = event.fields.get("duration_ms")
    if event.fields.get("endpoint") and isinstance(took_ms, int | float) and not isinstance(took_ms, bool):
        yield Count("app_request_seconds", _request_labels(event), max(0.0, took_ms / 1000))


def _request_labels(event: Event) -> Labels:
    method = str(event.fields.get("method") or UNKNOWN)
    return labels(endpoint=_text(event, "endpoint"), method=method if method in (*_METHODS, UNKNOWN) else OTHER)


def _of_requests(event: Event) -> Iterator[Count]:
    status = event.fields.get("status")
    if not event.fields.get("endpoint") or not isinstance(status, int):
        return
    its = _request_labels(event)
    yield Count("app_requests", its, 1)
    yield Count("app_responses", tuple(sorted((*its, ("status", str(status))))), 1)
    if status >= 500:
        yield Count("app_5xx_requests", its, 1)


def _of_payments(event: Event, category: str | None) -> Iterator[Count]:
    if category == "payment_declined":
        yield Count("app_declined_payments", (), 1)
    elif event.name in _UNPAID:
        yield Count("app_failed_payments", (), 1)
    elif event.name in _PAID:
        yield Count("app_succeeded_payments", (), 1)
        yield Count("app_channel_payments", labels(channel=_text(event, "channel")), 1)
        city = _text(event, "city")
        is_member = event.fields.get("is_member")
        if is_member is None:
            member = UNKNOWN
        elif is_member:
            member = "yes"
        else:
            member = "no"
        yield Count("app_sold_tickets", labels(city=city, member=member, tier=_text(event, "tier")), 1)
        amount = event.fields.get("amount_minor")
        if isinstance(amount, int):
            yield Count("app_revenue_minor_units", labels(city=city, currency=_text(event, "currency")), amount)


def _text(event: Event, key: str) -> str:
    return str(event.fields.get(key) or UNKNOWN)
