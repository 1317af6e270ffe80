"""Defines the interface of a source: how it is switched on, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, runtime_checkable

from config import Secret
from facts import Event, Sample
from sources.stripe_events import EventFilter


class SourceError(Exception):
    """The source could not be read; the message names it, its response, and what to do.

    `permanent` is true where asking again without a change of settings is useless. `retry_after_s` is what the service asked for.
    `absent` is true where the service says that it has no such thing at all.
    """

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after_s: float | None = None, absent: bool = False
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.absent = absent


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """Holds the settings of the site for its sources. `user_agent` is how they name themselves to it.

    `sells_tickets` is whether it is the ticket shop. `endpoints` are the paths that are checked with what each answers (`html`,
    `json` or `any`), every `endpoints_every_s` seconds; None where none are to be checked.

    `stripe_key` reads Stripe's events every `stripe_every_s` seconds, `stripe_reads` times in 30 days at most, and `stripe_events` are
    those that count; without a key they are not read. `stripe_base` is the address of a stand-in for Stripe.

    `sms_account` and `sms_token` read the messages that Twilio sent from the numbers `sms_from` (none: from all), every `sms_every_s`
    seconds; None where they are not to be read. `sms_base` is the address of a stand-in.

    `log_files` are the paths of the site's log files on this machine. `database_url` is the address of the site's PostgreSQL, with a
    role that may only read its statistics; None where it is not to be read.
    """

    base_url: str
    user_agent: str = "sixfb"
    sells_tickets: bool = False
    endpoints: Mapping[str, str] | None = None
    endpoints_every_s: float = 300.0
    stripe_key: Secret | None = None
    stripe_base: str | None = None
    stripe_every_s: float = 300.0
    stripe_reads: int = 10_000
    stripe_events: EventFilter = field(default_factory=EventFilter)
    sms_account: Secret | None = None
    sms_token: Secret | None = None
    sms_base: str | None = None
    sms_every_s: float | None = None
    sms_from: Sequence[str] = ()
    log_files: Sequence[str] = ()
    database_url: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """Holds the result of one reading.

    `cursor` is a JSON value that says where the next reading goes on; it is saved together with the samples and events, so that
    nothing is read twice or left out. A source without one leaves it None.

    `incomplete` says what is missing where a reading had to end early: what it brought is saved and the next one goes on behind it, but
    it counts as no good reading of the source, so that nobody takes a part for the whole.
    """

    samples: Sequence[Sample] = ()
    events: Sequence[Event] = ()
    cursor: Any = None
    incomplete: str | None = None


class Source(Protocol):
    """A service that brings numbers. Made with `SourceSettings`, one is read every `every_s` seconds until it is closed.

    A reading sends `site_requests` requests to the watched site, which may limit them; 0 where it asks another service.

    The same reading twice must bring the same samples and events: those of a moment that is the service's own have its moment and id.
    """

    name: ClassVar[str]

    @property
    def every_s(self) -> float:
        """The seconds between two readings."""
        ...

    @property
    def site_requests(self) -> int:
        """The number of requests that a reading sends to the watched site."""
        ...

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Return None where the source is configured, else why it is not, as half a sentence."""
        ...

    def collect(self, cursor: Any, now: datetime) -> Collected:
        """Read once, from where `cursor` says (None: never before). Raises SourceError."""
        ...

    def close(self) -> None:
        """Release its connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a source still knows of its past: its samples and events from `since` on, all of them.

    `events` are those that are young enough to be stored; of older ones `samples` has the counts alone. `reads` is the number of
    requests that were made. `missing` says why nothing before `since` was read, or which records could not be; None where
    nothing is missing.
    """

    since: datetime
    samples: Sequence[Sample] = ()
    events: Sequence[Event] = ()
    reads: int = 0
    missing: str | None = None


@runtime_checkable
class PastSource(Source, Protocol):
    """A source whose service can be asked for what happened before the hub read it; `past` is how far back."""

    past: ClassVar[timedelta]

    def read_past(self, cursor: Any, since: datetime, now: datetime) -> Past:
        """Read what happened from `since` to `now`, newest first; the same twice brings the same. `cursor` is that of its readings.

        A request that fails ends it, and is told in `missing` with what was read until then.

        Raises:
            SourceError: no request may be made.
        """
        ...

    def count_reads(self, cursor: Any, reads: int, now: datetime) -> Any:
        """Return the cursor with the requests of `read_past` counted; where the next reading goes on stays as it is."""
        ...
