"""Makes the digest: one message that sums up what fired and recovered since the last digest. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

from alerts.hours import BusinessHours
from alerts.message import Link, Message, line_of
from alerts.policy import Digest, Policy
from config.bounds import Length, refuse
from config.durations import seconds
from facts import Alert, AlertState, Notification, NotificationKind, Severity, to_wire

_STRICT: dict[str, Any] = {"extra": "forbid"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Every = Annotated[str, Length("1m", "24h", "it is how long news of less urgent alerts may be gathered")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestSettings:
    """Settings under `digest` in alerts.yaml: which destinations get a digest, how often, and of which severities."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    to: list[str]
    every: _Every = "15m"
    severities: list[Severity] = field(default_factory=lambda: [Severity.HIGH, Severity.MEDIUM])

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        if not self.to:
            yield "to: is empty; name a destination, or leave out digest"

    def digest(self, *, scale: float = 1.0) -> Digest:
        """Return what the cycle goes by; times are `scale` times shorter."""
        every = timedelta(seconds=max(10.0, seconds(self.every) / scale))
        return Digest(to=tuple(self.to), every=every, severities=frozenset(self.severities))


def is_due(digest: Digest, hours: BusinessHours | None, *, since: datetime, now: datetime) -> bool:
    """Return whether a digest is due: business hours are open, and one of its periods ended after `since`, when the last one was made.

    One digest covers all periods that passed, however many they are: closed hours and an outage of the hub are one period.
    """
    return (hours is None or hours.is_open(now)) and now - (now - _EPOCH) % digest.every > since


def digests(alerts: Sequence[Alert], policy: Policy, *, since: datetime, now: datetime) -> tuple[Notification, ...]:
    """Return the digests owed for what fired or ended after `since` and until `now`; none if nothing did."""
    digest = policy.digest
    if digest is None:
        return ()
    news = [alert for alert in alerts if _is_news(alert, digest, since, now)]
    if not news:
        return ()
    key = f"digest-{now:%Y%m%dT%H%M%S}"
    message = to_wire(_message(key, news, policy, since))
    return tuple(
        Notification(
            id=f"{key}.{destination}",
            thread=f"digest.{destination}"[:64],
            alert_id=news[0].id,
            destination=destination,
            kind=NotificationKind.UPDATE,
            severity=min((alert.severity for alert in news), key=lambda s: s.rank),
            order=int((now - _EPOCH).total_seconds() // 10),
            created_at=now,
            due_at=now,
            message=message,
        )
        for destination in digest.to
    )


def _is_news(alert: Alert, digest: Digest, since: datetime, now: datetime) -> bool:
    moments = (alert.fired_at, alert.resolved_at)
    within = any(at is not None and since < at <= now for at in moments)
    # What was covered or silenced from its beginning to its end belongs to no incident.
    told = alert.fired_at is not None and alert.inhibited_by is None and alert.incident is not None
    return within and told and alert.severity in digest.severities


def _message(key: str, news: Sequence[Alert], policy: Policy, since: datetime) -> Message:
    firing = [alert for alert in news if alert.state is AlertState.FIRING]
    over = [alert for alert in news if alert.state is not AlertState.FIRING]
    both = [alert for alert in over if alert.fired_at is not None and alert.fired_at > since]
    counts = [
        (len(firing), "still firing"),
        (len(both), "fired and recovered"),
        (len(over) - len(both), "recovered"),
    ]
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    lines = tuple(line_of(alert) for alert in (*firing, *over))
    links = (Link(name="All alerts", url=f"{policy.base_url.rstrip('/')}/alerts"),) if policy.base_url else ()
    return Message(
        incident=key,
        kind=NotificationKind.UPDATE,
        severity=min((alert.severity for alert in news), key=lambda s: s.rank),
        headline=f"Digest since {since:%a %H:%M} UTC: {told}",
        summary="; ".join(f"{line.title} ({line.state})" for line in lines[:5]),
        lines=lines,
        links=links,
        mark=policy.mark,
    )
