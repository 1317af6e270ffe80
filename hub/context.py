"""Bundles the objects that the hub's endpoints need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alerts.policy import Policy
from hub.artifacts import Artifacts
from hub.guard import Guard
from hub.health import Health
from hub.ingest import Ingest
from hub.jobs.job import Job
from hub.watched import Watched
from reports.live.additions import PageAddition
from sla.targets import Targets
from store import Store

if TYPE_CHECKING:
    from hub.pagerduty_webhook import PagerDutyWebhook
    from hub.stripe_webhook import StripeWebhook
    from hub.twilio_webhook import TwilioWebhook


@dataclass(frozen=True, slots=True, kw_only=True)
class HubContext:
    """Holds the objects that the API and the pages share. `notices` are sentences that every page shows.

    `additions` are the pages that another program adds.
    """

    store: Store
    watched: Watched
    targets: Targets
    policy: Policy
    ingest: Ingest
    artifacts: Artifacts
    guard: Guard
    health: Health = field(default_factory=Health)
    jobs: Sequence[Job] = ()
    wake: Callable[[], None] = lambda: None
    wake_jobs: Callable[[], None] = lambda: None
    notices: tuple[str, ...] = ()
    additions: Sequence[PageAddition] = ()
    scale: float = 1.0
    stripe_webhook: StripeWebhook | None = None
    pagerduty_webhook: PagerDutyWebhook | None = None
    twilio_webhook: TwilioWebhook | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
