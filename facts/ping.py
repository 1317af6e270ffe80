"""Defines the dead-man checks of other people's jobs: what is expected, the received pings, and the resulting state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from facts.verdict import Severity


class PingKind(StrEnum):
    """What a ping says; the words of healthchecks.io."""

    SUCCESS = "success"
    START = "start"
    FAIL = "fail"
    LOG = "log"
    """Keeps a text, and says nothing of how the job went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PingCheck:
    """Holds what is expected of one job.

    It pings once every `period_s` seconds, or at the times of `cron` (five fields, in the IANA zone `timezone`), and `grace_s`
    seconds later at the latest. `severity` is that of its alert, None for the rule's.
    """

    name: str
    uuid: str
    grace_s: float
    period_s: float | None = None
    cron: str | None = None
    timezone: str = "UTC"
    tags: tuple[str, ...] = ()
    severity: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Holds one ping. `exit_status` is the job's exit code and `run_id` the id of its run, where it told them.

    `duration_s` is how long the run took, where its start is known. `body` is masked, and cut to 10 KiB.
    """

    at: datetime
    kind: PingKind
    exit_status: int | None = None
    run_id: str | None = None
    duration_s: float | None = None
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PingState:
    """Holds what the pings of a check add up to.

    `pings` counts all of them. `result` is the last success or failure, `started_at` is when the run began that is not over yet,
    and `body` is the last text that came. What was expected up to `excused_until` may have come while nobody listened.
    """

    pings: int = 0
    last_at: datetime | None = None
    result: Ping | None = None
    started_at: datetime | None = None
    started_run_id: str | None = None
    excused_until: datetime | None = None
    body: str = ""

    @property
    def is_new(self) -> bool:
        """Whether the job has not reported any run yet."""
        return self.result is None and self.started_at is None

    def after(self, ping: Ping) -> tuple[PingState, Ping]:
        """Return the state after a ping, and the ping with the duration of its run.

        A result ends the run that it names; one that names none, and every failure, ends whatever runs. The result of an older
        run leaves the current one running.
        """
        seen = replace(self, pings=self.pings + 1, last_at=ping.at, body=ping.body or self.body)
        if ping.kind is PingKind.LOG:
            return seen, ping
        if ping.kind is PingKind.START:
            return replace(seen, started_at=ping.at, started_run_id=ping.run_id), ping
        if self.started_at is not None and ping.run_id == self.started_run_id:
            ping = replace(ping, duration_s=max(0.0, (ping.at - self.started_at).total_seconds()))
        still_runs = ping.kind is PingKind.SUCCESS and ping.run_id is not None and ping.run_id != self.started_run_id
        started = (self.started_at, self.started_run_id) if still_runs else (None, None)
        # A result's own text replaces that of the run before, also where it is empty.
        kept = replace(ping, body="")
        return replace(seen, result=kept, started_at=started[0], started_run_id=started[1], body=ping.body), ping


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedCheck:
    """Holds a check with what its pings add up to."""

    check: PingCheck
    state: PingState


@dataclass(frozen=True, slots=True, kw_only=True)
class PingCheckShown:
    """Holds a check as it is listed. `state` is `new`, `up`, `started`, `late` or `down`, and `why` says it in a sentence.

    `schedule` is in words. `expected_at` is when the next result is expected, `alert_at` when its absence is told.
    """

    name: str
    state: str
    why: str
    schedule: str
    cron: str | None
    timezone: str
    grace_s: float
    tags: tuple[str, ...]
    severity: Severity | None
    pings: int
    last_ping_at: datetime | None
    last_success_at: datetime | None
    last_duration_s: float | None
    started_at: datetime | None
    expected_at: datetime | None
    alert_at: datetime | None
    last_body: str
