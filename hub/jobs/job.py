"""What a job is, what it has at hand, and how it says that it failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection

from alerts.policy import Policy, SalesRate
from alerts.report_mail import ReportMail
from alerts.weekly_trial import WeeklyTrial
from facts import HubClock
from hub.artifacts import Artifacts
from hub.jobs.schedule import JobSchedule
from hub.money_at_risk import site_sales_rate
from hub.otlp_settings import OtlpSettings
from hub.watched import Watched
from sla.targets import Targets
from sources import Source
from store import Store


class CatchUp(StrEnum):
    """What becomes of a slot that passed while no hub could run it."""

    RUN_ONCE = "run once, late"
    """The newest of the missed slots is run as soon as a hub can; the others are not."""
    SKIP = "skip"
    """None of them is run; the next one is."""


class JobError(Exception):
    """A job that cannot do its work now, in a sentence that anybody may read.

    `permanent` is true where another try is useless before a setting is changed; `retry_after_s` is the shortest wait before one.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.permanent, self.retry_after_s = permanent, retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long a job waits after failures: `first_s`, doubled with each one in a row, up to `longest_s`; a random half to all of it."""

    first_s: float = 30.0
    longest_s: float = 900.0

    def wait(self, failures: int, *, retry_after_s: float | None, permanent: bool, jitter: float) -> timedelta:
        """Return the wait after so many failures in a row; `jitter` is 0 to 1. What the service asked for is the least."""
        doubled = self.longest_s if permanent else min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return timedelta(seconds=max(doubled * (0.5 + jitter / 2), retry_after_s or 0.0))

    def scaled(self, scale: float) -> Backoff:
        """Return the waits for a clock that runs `scale` times as fast (the demo's), a second each at least."""
        return Backoff(first_s=max(1.0, self.first_s / scale), longest_s=max(1.0, self.longest_s / scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobServices:
    """What jobs may use. `first_watched` is when a hub first watched, `sources` are those that are configured, `scale` is how many
    times faster than usual the hub's clock runs (the demo's). `policy` is what alerts go by, `targets` what is promised. `folder` is
    the hub's own, `report_mail` sends reports by mail, `trial` the weekly test; None where nobody is to get them. `otlp` is how runs
    are exported, None if they are not."""

    store: Store
    watched: Watched
    policy: Policy = field(default_factory=Policy)
    artifacts: Artifacts
    first_watched: datetime
    evidence_bytes: int
    sources: Sequence[Source] = ()
    scale: float = 1.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    hub_clock: Callable[[], HubClock] = HubClock
    targets: Targets | None = None
    folder: Path | None = None
    report_mail: ReportMail | None = None
    trial: WeeklyTrial | None = None
    otlp: OtlpSettings | None = None

    def sales_rate(self, connection: Connection, now: datetime) -> SalesRate | None:
        """Return what the shop usually sells at this time; None where nobody knows."""
        return site_sales_rate(connection, self.watched.site, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """One run of a job: what it has at hand, the moment of its slot, and whether it should go on."""

    services: JobServices
    slot: datetime
    stopped: Callable[[], str | None] = field(default=lambda: None)

    def check(self) -> None:
        """Return where the job may go on; it calls this between pieces of long work.

        Raises:
            JobError: its time is over, the hub ends, or another hub runs the jobs now.
        """
        reason = self.stopped()
        if reason is not None:
            raise JobError(f"stopped in the middle: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Named work of the hub.

    `do` does it and returns what came of it as a sentence; it raises JobError or SourceError where it fails. `deadline_s` is the
    time one try may take: one that hangs longer counts as failed, and the job is not begun again while it hangs. A slot that
    failed is tried again until `give_up_after` has passed since its first try, or the next slot comes. `is_configured` says
    whether there is such work here at all.
    """

    name: str
    purpose: str
    schedule: JobSchedule
    do: Callable[[JobContext], str]
    catch_up: CatchUp = CatchUp.RUN_ONCE
    deadline_s: float = 300.0
    backoff: Backoff = field(default_factory=Backoff)
    give_up_after: timedelta = timedelta(hours=6)
    is_configured: Callable[[JobServices], bool] = field(default=lambda _services: True)

    def scaled(self, scale: float) -> Job:
        """Return the job for a clock that runs `scale` times as fast: it runs, and tries again, so many times sooner.

        Without the second, one failure on the demo's clock would be as long as many of its periods.
        """
        return replace(self, schedule=self.schedule.scaled(scale), backoff=self.backoff.scaled(scale))
