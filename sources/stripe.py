"""Reads Stripe's events, one list for each reading: payments, checkout sessions, refunds, disputes, and webhooks that wait.

https://docs.stripe.com/api/events/list
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx

from config import Secret
from facts import Event, Sample
from process.bounded_http import AnswerTooLargeError, bounded_client, retry_after_s
from redact.plain_text import plain
from sources.source import Collected, Past, SourceError, SourceSettings
from sources.stripe_events import OLDEST, SOURCE, TYPES, StripeEventError, count_events, read_event

API = "https://api.stripe.com"
PATH = "/v1/events"
PAGE = 100
"""The most that Stripe lists at once."""
MOST_PAGES = 10
FIRST_LOOK = timedelta(days=1)
"""How far back the first reading of all goes."""
OVERLAP, RECENT, PENDING = 80, timedelta(hours=1), timedelta(days=3)
"""What is read again each time, in the same page: events are listed late at times, and whether a webhook waits still changes. Stripe
gives a webhook up after three days."""
LISTED_FOR = timedelta(days=30)
"""How long Stripe lists an event."""
BUDGET_DAYS = 30
_LARGEST_PAGE = 30_000_000
_WITHIN_S = 10.0
_LIMITED_WAIT_S = 60.0
_BUDGET_WAIT_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """Holds the parts of a listed event that decide where the next reading continues."""

    id: str
    at: datetime
    pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    """`after` is the event behind which the next reading begins, `since` the time where there is none.

    `reads` are counted by day; `past_reads` are those among them that read the past.
    """

    after: str | None
    since: int
    reads: Mapping[str, int]
    past_reads: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Any, now: datetime) -> _Cursor:
        if not isinstance(told, dict):
            return cls(after=None, since=int((now - FIRST_LOOK).timestamp()), reads={})
        oldest = (now - timedelta(days=BUDGET_DAYS)).date().isoformat()
        reads, past_reads = (
            {day: n for day, n in told.get(key, {}).items() if day >= oldest} for key in ("reads", "past_reads")
        )
        since = max(told["since"], int((now - OLDEST).timestamp()))
        return cls(after=told["after"], since=since, reads=reads, past_reads=past_reads)

    def counted(self, reads: int, now: datetime, *, of_the_past: bool = False) -> _Cursor:
        day = now.astimezone(UTC).date().isoformat()
        after = replace(self, reads={**self.reads, day: self.reads.get(day, 0) + reads})
        if not of_the_past:
            return after
        return replace(after, past_reads={**self.past_reads, day: self.past_reads.get(day, 0) + reads})

    @property
    def used(self) -> int:
        return sum(self.reads.values())

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"after": self.after, "since": self.since, "reads": dict(self.reads)}
        return {**told, "past_reads": dict(self.past_reads)} if self.past_reads else told


@dataclass(slots=True, kw_only=True)
class _Reading:
    """Holds the events read so far, oldest first once the reading is complete."""

    begins: _Cursor
    listed: list[_Listed] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    more: bool = True


class StripeSource:
    """Reads the events of a Stripe account. Its counts are made of the stored events, so that an event counts once however it came."""

    name: ClassVar[str] = SOURCE
    site_requests: ClassVar[int] = 0
    past: ClassVar[timedelta] = LISTED_FOR

    def __init__(self, settings: SourceSettings, client: httpx.Client | None = None) -> None:
        self._key = settings.stripe_key or Secret("")
        self._url = (settings.stripe_base or API).rstrip("/") + PATH
        self._allowed = settings.stripe_reads
        self._counted = settings.stripe_events
        self._client = client or bounded_client(timeout_s=_WITHIN_S, most_bytes=_LARGEST_PAGE)
        self._reads = 0
        self.every_s = settings.stripe_every_s

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Return None if there is a key for reading, else why there is none."""
        return None if settings.stripe_key else "STRIPE_SOURCE_KEY is not set"

    def collect(self, cursor: Any, now: datetime) -> Collected:
        """Read the events since the last reading, and the newest before it once more.

        What waits for delivery is told as of `now`; counts come from the events. A reading that could not reach the newest event is
        `incomplete`: its events are kept, and the next one goes on behind them.

        Raises:
            SourceError: no answer, a refusal, or the read budget is used up.
        """
        before = _Cursor.of(cursor, now)
        self._keep_to_budget(before)
        reading = self._read(before)
        after = _next(reading.begins, reading.listed, now).counted(self._reads, now)
        self._reads = 0
        incomplete = _what_is_missing(reading)
        samples = [] if incomplete else [*_waiting(reading.listed, now), _used(after, now)]
        events = [event for event in reading.events if event.at >= now - OLDEST]
        return Collected(samples=samples, events=events, cursor=after.to_json(), incomplete=incomplete)

    def read_past(self, cursor: Any, since: datetime, now: datetime) -> Past:
        """Read the events from `since` on, newest first, with what the read budget leaves beside the usual readings of 30 days.

        Counts of events that are too old to be stored are made of the list alone, which has every event of a second.

        A read that fails ends it, and is told in `missing`.

        Raises:
            SourceError: no read is left for it.
        """
        room = self._room(_Cursor.of(cursor, now))
        reading = _Reading(begins=_Cursor(after=None, since=int(since.timestamp()), reads={}))
        missing: str | None = None
        reads, place = 0, dict[str, str]()
        while reading.more and missing is None:
            if reads >= room:
                missing = f"no more than {room:,} reads of Stripe's allowance are left for the past (stripe_reads in site.yaml)"
                break
            reads += 1
            try:
                page, reading.more = self._page({"created[gte]": str(reading.begins.since), **place})
                self._take(reading, page)
            except SourceError as error:
                missing = str(error)
                continue
            if page:
                place = {"starting_after": reading.listed[-1].id}
        self._reads = 0
        if missing is not None:
            # Of the second in which the list was left only a part is known.
            since = reading.listed[-1].at + timedelta(seconds=1) if reading.listed else now
        elif reading.unreadable:
            missing = _unreadable(reading)
        old = [event for event in reading.events if since <= event.at < now - OLDEST]
        young = [event for event in reading.events if event.at >= max(since, now - OLDEST)]
        return Past(since=since, samples=count_events(old), events=young, reads=reads, missing=missing)

    def count_reads(self, cursor: Any, reads: int, now: datetime) -> Any:
        """Return the cursor with the reads of the past counted."""
        return _Cursor.of(cursor, now).counted(reads, now, of_the_past=True).to_json()

    def _room(self, cursor: _Cursor) -> int:
        """Return how many reads the past may cost: the usual readings of 30 days have theirs first. Raises SourceError for none."""
        usual = math.ceil(timedelta(days=BUDGET_DAYS).total_seconds() / self.every_s)
        room = self._allowed - max(cursor.used, usual + sum(cursor.past_reads.values()))
        if room < 1:
            raise SourceError(
                f"no read is left for the past: {self._allowed:,} are allowed in {BUDGET_DAYS} days, the usual readings need "
                f"{usual:,}, and {cursor.used:,} were made; read less often, or write orders_a_day (stripe_reads in site.yaml)"
            )
        return room

    def _keep_to_budget(self, cursor: _Cursor) -> None:
        used = cursor.used + self._reads
        if used >= self._allowed:
            raise SourceError(
                f"{used:,} reads in {BUDGET_DAYS} days are all that stripe_reads allows ({self._allowed:,}); "
                "read less often (stripe_reads.every in site.yaml)",
                retry_after_s=_BUDGET_WAIT_S,
            )

    def _read(self, cursor: _Cursor) -> _Reading:
        if cursor.after is not None:
            try:
                return self._forward(cursor, cursor.after)
            except _UnknownCursorError:  # events are listed for 30 days
                cursor = replace(cursor, after=None)
        return self._backward(cursor)

    def _forward(self, cursor: _Cursor, after: str) -> _Reading:
        """Read from an event on towards the newest."""
        reading = _Reading(begins=cursor)
        for _ in range(MOST_PAGES):
            page, reading.more = self._page({"ending_before": after})
            self._take(reading, page[::-1])
            if not reading.more:
                break
            after = reading.listed[-1].id
        return reading

    def _backward(self, cursor: _Cursor) -> _Reading:
        """Read from the newest event back to a moment."""
        reading, place = _Reading(begins=cursor), dict[str, str]()
        for _ in range(MOST_PAGES):
            page, reading.more = self._page({"created[gte]": str(cursor.since), **place})
            self._take(reading, page)
            if not reading.more:
                break
            place = {"starting_after": reading.listed[-1].id}
        reading.listed.reverse()
        return reading

    def _take(self, reading: _Reading, page: Sequence[Any]) -> None:
        for told in page:
            try:
                event = read_event(told, self._counted)
            except StripeEventError as error:
                reading.unreadable.append(str(error))
                event = None
            if event is not None:
                reading.events.append(event)
            reading.listed.append(_listed(told))

    def _page(self, place: Mapping[str, str]) -> tuple[list[Any], bool]:
        params: list[tuple[str, str | int | float | bool | None]] = [
            *(("types[]", kind) for kind in TYPES),
            ("limit", str(PAGE)),
            *place.items(),
        ]
        headers = {"Authorization": f"Bearer {self._key.reveal()}", "Accept": "application/json"}
        self._reads += 1
        try:
            answer = self._client.get(self._url, params=params, headers=headers)
        except AnswerTooLargeError as error:
            raise SourceError(f"GET {PATH}: the answer has {error}") from None
        except httpx.HTTPError as error:
            raise SourceError(f"GET {PATH}: no answer ({type(error).__name__}: {self._masked(str(error))})") from None
        if answer.status_code != 200:
            raise self._refused(answer)
        body = _json(answer)
        page, more = body.get("data"), body.get("has_more")
        if not isinstance(page, list) or not isinstance(more, bool) or (more and not page):
            raise SourceError(f"GET {PATH}: the answer is no list of events: {answer.text[:80]!r}")
        return page, more

    def _refused(self, answer: httpx.Response) -> Exception:
        status, told = answer.status_code, _json(answer, lenient=True).get("error")
        error = told if isinstance(told, dict) else {}
        if status in (400, 404) and error.get("code") == "resource_missing":
            return _UnknownCursorError(f"GET {PATH}: {status}")
        said = self._masked(plain(str(error.get("message") or "")))[:300]
        what = {
            401: "Stripe does not know this key (STRIPE_SOURCE_KEY)",
            403: "the key may not read events; give STRIPE_SOURCE_KEY the right to read Events and what they tell of",
            429: "Stripe limits this account's reads",
        }.get(status, "")
        wait_s = retry_after_s(answer.headers)
        return SourceError(
            f"GET {PATH}: {status}" + "".join(f": {one}" for one in (what, said) if one),
            permanent=400 <= status < 500 and status not in (408, 409, 425, 429),
            retry_after_s=_LIMITED_WAIT_S if status == 429 and wait_s is None else wait_s,
        )

    def _masked(self, text: str) -> str:
        key = self._key.reveal()
        return text.replace(key, "***") if key else text

    def close(self) -> None:
        """Release the connections."""
        self._client.close()


def _what_is_missing(reading: _Reading) -> str | None:
    if reading.unreadable:
        return _unreadable(reading)
    if not reading.more:
        return None
    n, since = len(reading.listed), reading.listed[0].at
    if reading.begins.after is None:
        return f"only the newest {n:,} events were read: nothing before {since:%Y-%m-%d %H:%M} UTC is counted"
    return f"{n:,} events were read and there are more: the next reading goes on behind them"


def _unreadable(reading: _Reading) -> str:
    return f"{len(reading.unreadable)} events could not be read and are not counted: {reading.unreadable[0]}"


class _UnknownCursorError(SourceError):
    """Stripe no longer lists the event after which the reading should begin."""


def _listed(told: Any) -> _Listed:
    try:
        pending = told.get("pending_webhooks") or 0
        return _Listed(id=str(told["id"]), at=datetime.fromtimestamp(told["created"], UTC), pending=int(pending))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, OSError):
        raise SourceError(f"GET {PATH}: the list has what is no event: {str(told)[:80]!a}") from None


def _next(before: _Cursor, listed: Sequence[_Listed], now: datetime) -> _Cursor:
    """Return where the next reading begins: before what is recent or waits for its webhook, at most `OVERLAP` events back."""
    first_again = next((i for i, one in enumerate(listed) if _is_read_again(one, now)), len(listed))
    begin = max(first_again, len(listed) - OVERLAP)
    return replace(before, after=listed[begin - 1].id) if begin > 0 else before


def _is_read_again(one: _Listed, now: datetime) -> bool:
    return one.at > now - RECENT or (one.pending > 0 and one.at > now - PENDING)


def _waiting(listed: Sequence[_Listed], now: datetime) -> list[Sample]:
    waiting = [one for one in listed if one.pending > 0]
    oldest = max(((now - one.at).total_seconds() for one in waiting), default=0.0)
    return [
        Sample(metric="stripe_webhooks_pending", at=now, value=float(len(waiting))),
        Sample(metric="stripe_webhooks_oldest_pending_seconds", at=now, value=max(0.0, oldest)),
    ]


def _used(cursor: _Cursor, now: datetime) -> Sample:
    return Sample(metric="stripe_source_reads", at=now, value=float(cursor.used))


def _json(answer: httpx.Response, *, lenient: bool = False) -> dict[str, Any]:
    try:
        body = answer.json()
    except (ValueError, RecursionError):  # the second: it is nested too deeply
        body = None
    if not isinstance(body, dict):
        if lenient:
            return {}
        raise SourceError(f"GET {PATH}: the answer is no JSON object: {answer.text[:80]!r}")
    return body
