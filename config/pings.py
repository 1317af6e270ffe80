"""The section `pings` of `site.yaml`: which jobs of the shop are expected to ping the hub, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.bounds import Form, Length, refuse
from config.durations import seconds
from facts import PingCheck, Severity

MOST_CHECKS = 500
_CRON_FIELDS = 5
_MOST_TAGS = 20
JobName = Annotated[
    str,
    Form(r"[a-z0-9][a-z0-9_-]{0,49}", "is no name of a job; write small letters, digits, - and _, like nightly-backup"),
]
_Uuid = Annotated[
    str,
    Form(
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "is no UUID; make one with `python3 -c 'import uuid; print(uuid.uuid4())'`",
    ),
]
_Tag = Annotated[str, Form(r"[^\s,\x00-\x1f\x7f]{1,50}", "is no tag; write one word, like backup")]
_Zone = Annotated[str, Form(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", "is no time zone; write it like America/Chicago")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPing:
    """What is expected of one job: a ping once in a `period`, or at the times of `cron`, and `grace` later at the latest.

    `cron` has five fields and is read in `timezone`, or in that of `business` where none is named.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    uuid: _Uuid
    period: (
        Annotated[str, Length("1m", "365d", "a job that runs more often is better watched by what it does")] | None
    ) = None
    cron: str | None = None
    timezone: _Zone | None = None
    grace: Annotated[
        str, Length("1m", "365d", "it is how late a job may be, and how long it may run after it said that it started")
    ] = "1h"
    tags: list[_Tag] = field(default_factory=list)
    severity: Severity | None = None

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        if self.period is None and self.cron is None:
            yield "period: is missing; write how often the job runs, like 1h, or when (cron), like 0 3 * * *"
        elif self.period is not None and self.cron is not None:
            yield "cron: a job has a period or a cron expression; leave one of them out"
        if self.timezone is not None and self.cron is None:
            yield "timezone: says nothing without a cron expression"
        elif self.timezone is not None and not _is_zone(self.timezone):
            yield f"timezone: {self.timezone} is no time zone that is known; write it like America/Chicago"
        if self.cron is not None and (why := _wrong_cron(self.cron)):
            yield f"cron: {self.cron!r:.80} {why}"
        if len(self.tags) > _MOST_TAGS:
            yield f"tags: {len(self.tags)} are too many; {_MOST_TAGS} at most"

    def check(self, name: str, *, timezone: str) -> PingCheck:
        """Return the check under a name; `timezone` is that of the business."""
        return PingCheck(
            name=name,
            uuid=self.uuid.lower(),
            grace_s=seconds(self.grace),
            period_s=seconds(self.period) if self.period is not None else None,
            cron=self.cron,
            timezone=self.timezone or timezone,
            tags=tuple(self.tags),
            severity=self.severity,
        )


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _wrong_cron(text: str) -> str | None:
    """Return what is wrong with a cron expression; None where it has a next time."""
    from cronsim import CronSim, CronSimError  # most files name no job

    if len(text.split()) != _CRON_FIELDS:
        return "has not the five fields of cron: minute, hour, day, month, weekday; write it like 0 3 * * *"
    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, ValueError) as error:  # the second: a number of thousands of digits
        return f"is no cron expression ({str(error) or 'not readable':.60}); write it like 0 3 * * *"
    except StopIteration:
        return "names a day that never comes"
    return None
