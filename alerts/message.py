"""Defines the content of a message: the same facts for every channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum
from typing import Any

from alerts.policy import Policy
from alerts.states import last_known
from facts import (
    NO_TRAITS,
    Alert,
    AlertState,
    Family,
    Incident,
    NotificationKind,
    Severity,
    after_deploy,
    deploy_before,
)
from journeys.money import minor_money
from redact.plain_text import plain


class _PlainTexts:
    """Strips every text of a message as it is made, so that no channel, stored message or new field can forget to: titles and
    summaries quote what a monitored page said."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            if (stripped := _plain(value)) is not value:
                object.__setattr__(self, one.name, stripped)


def _plain(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Enum):
        return plain(value)
    return tuple(_plain(one) for one in value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(_PlainTexts):
    """One alert of the incident in a message."""

    alert: str
    rule: str
    severity: Severity
    title: str
    summary: str
    state: str
    since: datetime
    journey: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(_PlainTexts):
    """A link in a message."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(_PlainTexts):
    """One message. `headline` is the line that must do: what broke, where, since when. `summary` is its sentence.

    `since` is the first bad run. When it is over, `ended_at` is the first good one and `lasted_s` the time between them; `closed` says
    why where it was ended by other than recovery. `by` is who acknowledged it. `mark` says that it is a demo's or a test's.

    `title` is what broke in a few words. `cause` is the newest failure in the words of its run, where runs failed. `note` is what this
    message is sent for beside the alert itself: an escalation tier, an acknowledgement that is too old. `acknowledge` is where, or by
    which command, it is acknowledged, while that is missing. `at_risk` is the money at risk, or `unknown`; "" where the alert is not
    about selling. `deploy` says that the first bad run came within 30 minutes after a deploy, and after which; "" where it did not.
    """

    incident: str
    kind: NotificationKind
    severity: Severity
    headline: str
    summary: str
    lines: tuple[Line, ...] = ()
    fired_at: datetime | None = None
    since: datetime | None = None
    ended_at: datetime | None = None
    resolved_at: datetime | None = None
    lasted_s: float | None = None
    counted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    runbook: str | None = None
    by: str | None = None
    mark: str | None = None
    closed: str | None = None
    title: str = ""
    cause: str = ""
    note: str = ""
    acknowledge: str = ""
    at_risk: str = ""
    deploy: str = ""


def message_of(
    kind: NotificationKind,
    incident: Incident,
    lead: Alert,
    alerts: Sequence[Alert],
    policy: Policy,
    *,
    news: Sequence[Alert] = (),
    collapsed: bool = False,
    by: str | None = None,
    why: str = "",
    now: datetime,
) -> Message:
    """Return the message of an incident as of `now`.

    `news` are the alerts that an update is about; `collapsed` is one that fired and recovered before anybody was told. `why` begins the
    headline of a message that escalation owes.
    """
    over, waits = kind is NotificationKind.RESOLVED, _asks(kind, lead, alerts)
    resolved = max((a.resolved_at for a in alerts if a.resolved_at), default=None) if over else None
    ended = (lead.over_at or resolved) if over else None
    about = news[0] if news else lead
    lasted_s = max(0.0, (ended - lead.began_at).total_seconds()) if ended else None
    if news:
        headline = _more_of(incident, news)
    elif why and not over:
        headline = f"{why}: {lead.title or lead.key} (since {lead.began_at:%H:%M:%S} UTC)"
    else:
        headline = _headline(kind, incident, lead, ended, collapsed=collapsed, by=by) + (f"; {why}" if why else "")
    return Message(
        incident=incident.id,
        kind=kind,
        severity=incident.severity,
        headline=headline,
        summary=news[0].summary if news else _summary(lead),
        lines=tuple(line_of(alert) for alert in alerts),
        fired_at=lead.fired_at or lead.pending_since,
        since=lead.began_at,
        ended_at=ended,
        resolved_at=resolved,
        lasted_s=lasted_s,
        counted=lead.counted,
        left_out=lead.left_out,
        links=_links(incident, lead, policy, now, waits=waits),
        runbook=lead.runbook,
        by=by,
        mark=policy.mark,
        closed=lead.closed if over else None,
        title=(about.title_past if over else "") or about.title or about.key,
        cause=about.cause,
        note=why,
        acknowledge=_acknowledge(lead, policy) if waits else "",
        at_risk=_at_risk(kind, alerts, policy, lasted_s=lasted_s, so_far_s=(now - lead.began_at).total_seconds()),
        deploy=_deploy(lead, policy),
    )


def _deploy(lead: Alert, policy: Policy) -> str:
    deploy = deploy_before(policy.deploys, lead.began_at)
    return after_deploy(deploy, lead.began_at) if deploy is not None else ""


def _is_about_selling(alert: Alert) -> bool:
    traits = alert.traits or NO_TRAITS
    is_urgent = alert.severity is Severity.CRITICAL and traits.family is not Family.MONITOR
    return traits.journey_fails or traits.of_payment or is_urgent


def _at_risk(
    kind: NotificationKind, alerts: Sequence[Alert], policy: Policy, *, lasted_s: float | None, so_far_s: float
) -> str:
    """Return the money at risk: what is usually sold at this time, for as long as the incident lasts."""
    if kind is NotificationKind.ACKNOWLEDGED or not any(_is_about_selling(alert) for alert in alerts):
        return ""
    sales = policy.sales
    if sales is None:
        return "unknown"
    rate = minor_money(round(sales.minor_per_minute), sales.currency)
    minutes = max(0.0, so_far_s if lasted_s is None else lasted_s) / 60
    total = minor_money(round(sales.minor_per_minute * minutes), sales.currency)
    return f"about {total} ({rate} a minute)" if lasted_s is not None else f"about {rate} a minute, {total} so far"


def _asks(kind: NotificationKind, lead: Alert, alerts: Sequence[Alert]) -> bool:
    """Return whether a message asks for an acknowledgement: its incident fires unacknowledged, or waits for review."""
    firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
    is_open = kind in (NotificationKind.FIRING, NotificationKind.UPDATE)
    return lead.needs_review or (is_open and any(alert.acked_at is None for alert in firing or [lead]))


def _acknowledge(lead: Alert, policy: Policy) -> str:
    return f"{policy.base_url.rstrip('/')}/alerts#{lead.id}" if policy.base_url else f"sixfb alerts ack {lead.id}"


def _more_of(incident: Incident, news: Sequence[Alert]) -> str:
    more = f" and {len(news) - 1} more" if len(news) > 1 else ""
    return f"More of {incident.id}: {news[0].title or news[0].key}{more}"


def _headline(
    kind: NotificationKind,
    incident: Incident,
    lead: Alert,
    ended: datetime | None,
    *,
    collapsed: bool,
    by: str | None,
) -> str:
    title = lead.title or lead.key
    since = f"since {lead.began_at:%H:%M:%S} UTC"
    match kind:
        case NotificationKind.RESOLVED:
            if lead.closed:
                how = "Closed"
            elif collapsed:
                how = "Fired and resolved"
            else:
                how = "Resolved"
            return f"{how}: {lead.title_past or title}{_span(lead.began_at, ended)}"
        case NotificationKind.ACKNOWLEDGED:
            return f"Acknowledged by {by}: {title} ({since})"
        case NotificationKind.UPDATE:
            return f"Now {incident.severity}, {incident.id}: {title} ({since})"
        case NotificationKind.FIRING:
            return f"{lead.severity.capitalize()}: {title} ({since})"


def _span(began: datetime, ended: datetime | None) -> str:
    if ended is None:
        return ""
    lasted = max(0.0, (ended - began).total_seconds())
    return f", lasted {duration(lasted)} ({began:%H:%M:%S} to {ended:%H:%M:%S} UTC)"


def duration(seconds: float) -> str:
    """Return a duration as a person writes it: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _summary(alert: Alert) -> str:
    """Return the alert's summary; if it was closed without recovery, the reason comes first."""
    return (
        f"{alert.closed}. It did not recover; last known: {last_known(alert.summary)}"
        if alert.closed
        else alert.summary
    )


def line_of(alert: Alert) -> Line:
    """Return the line of one alert in a message."""
    return Line(
        alert=alert.id,
        rule=alert.rule,
        severity=alert.severity,
        title=(alert.title_past if alert.resolved_at else "") or alert.title or alert.key,
        summary=_summary(alert),
        state="closed" if alert.closed else alert.state.value,
        since=alert.began_at,
        journey=alert.journey,
        subject=alert.subject,
    )


def _links(incident: Incident, lead: Alert, policy: Policy, now: datetime, *, waits: bool) -> tuple[Link, ...]:
    """Return where to go: to the run that proves it, to the alert, which is to be acknowledged while it waits for that, and to the
    page of the incident."""
    if not policy.base_url:
        return ()
    base = policy.base_url.rstrip("/")
    run = (Link(name="The run that proves it", url=f"{base}/runs/{lead.runs[-1]}"),) if lead.runs else ()
    alert = Link(name="Acknowledge" if waits else "The alert", url=f"{base}/alerts#{lead.id}")
    if waits and policy.action_link is not None:
        alert = replace(alert, url=policy.action_link(lead.id, now))
    return (*run, alert, Link(name="The incident", url=f"{base}/incidents/{incident.id}"))
