"""Accepts the site's own events: each record is accepted, a duplicate, or rejected with the reason; accepted events are on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any, Literal, NamedTuple

from facts import Event, Failpoint, go_on
from hub.clock_witness import ClockWitness, sentence_of
from hub.decoding import json_in
from hub.errors import HubError
from hub.event_store import save_events
from process.group_commit import GroupCommit
from process.logs import get_logger
from sources.events import EVENTS, EventError, dropped_keys, read_events, read_records, split_batch
from sources.otlp import log_records
from store import Store

LARGEST_BATCH = 4 * 1024 * 1024
MOST_EVENTS = 5_000
_TOO_MANY = f"a batch may hold {MOST_EVENTS:,} events, and this one has more; send fewer at once"
_LONGEST_REASON = 500
_LONGEST_SOURCE = 32
_COME_BACK_S = 20
_log = get_logger("sixfb.hub")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTaken:
    """Holds the result for one record: `accepted`, `duplicate` or `rejected`; `reason` explains the last.

    `id` is the event's, or its place in the batch, like `events[3]`, where it has none that can be read. `dropped_keys` is how
    many of its keys were not kept.
    """

    id: str
    result: Literal["accepted", "duplicate", "rejected"]
    reason: str | None = None
    dropped_keys: int = 0


class _Read(NamedTuple):
    id: str
    event: Event | None
    reason: str | None


class _Batch(NamedTuple):
    source: str
    records: list[_Read]
    now: datetime
    size: int


class EventIngest:
    """Stores the events that the site sends; concurrent batches share a transaction.

    `witness` judges the hub's own clock: while that is wrong, no event is accepted or finally rejected.
    """

    def __init__(self, store: Store, *, witness: ClockWitness | None = None, at: Failpoint = go_on) -> None:
        self._store, self._at = store, at
        self._witness = witness or ClockWitness()
        self._group_commit = GroupCommit(self._save_all, most=LARGEST_BATCH, size=lambda batch: batch.size)

    def batch(self, body: bytes, *, now: datetime, source: str | None = None) -> list[EventTaken]:
        """Store a batch, and return the result of each record, in order; accepted events are committed when this returns.

        `source` is that of the token that sent it; None where the hub requires none.

        Raises:
            HubError: 413 too large, 422 without any record, 503 the hub's clock is wrong, or may be; then nothing was stored.
        """
        # A byte that is no UTF-8 spoils its own record alone.
        records = split_batch(_limited(body).decode("utf-8", "surrogateescape"))
        taken = self._take(read_events(records, now=now), len(body), now, _source_name(source))
        if not taken:
            raise HubError(422, "there is no event: send a JSON object on each line, or an array of them")
        return taken

    def export(self, body: bytes, *, now: datetime, source: str | None = None) -> list[EventTaken]:
        """Store the log records of an OTLP/HTTP request in JSON, as `batch` does. An empty one is allowed.

        Raises:
            HubError: 400 no JSON, 413 too large, 422 no export request, 503 the hub's clock is wrong, or may be.
        """
        return self._export(json_in(_limited(body)), len(body), now, source)

    def export_protobuf(self, body: bytes, *, now: datetime, source: str | None = None) -> list[EventTaken]:
        """Store the log records of an OTLP/HTTP request in protobuf, as `export` does.

        Raises:
            HubError: 400 no export request, 413 too large, 503 the hub's clock is wrong, or may be.
        """
        # Loaded with the first such request: most sites send none.
        from sources.otlp_protobuf import ProtobufError, TooManyRecordsError, read_export

        try:
            data = read_export(_limited(body), most=MOST_EVENTS)
        except ProtobufError as error:
            raise HubError(400, str(error)) from None
        except TooManyRecordsError:
            raise HubError(413, _TOO_MANY) from None
        return self._export(data, len(body), now, source)

    def _export(self, data: Any, size: int, now: datetime, source: str | None) -> list[EventTaken]:
        try:
            # All of it first: an export of another shape is refused as a whole.
            records = list(islice(log_records(data), MOST_EVENTS + 1))
        except EventError as error:
            raise HubError(422, str(error)) from None
        return self._take(read_records(records, now=now), size, now, _source_name(source))

    def _take(
        self, records: Iterable[tuple[str | None, Event | EventError]], size: int, now: datetime, source: str
    ) -> list[EventTaken]:
        read: list[_Read] = []
        is_of_the_future = False
        for i, (told, result) in enumerate(records):
            if i >= MOST_EVENTS:
                raise HubError(413, _TOO_MANY)
            if isinstance(result, EventError):
                is_of_the_future = is_of_the_future or result.is_of_the_future
                read.append(_Read(told or f"events[{i}]", None, str(result)[:_LONGEST_REASON]))
            else:
                read.append(_Read(result.id, result, None))
        self._hold(is_of_the_future)
        if not read:
            return []
        new = self._group_commit.submit(_Batch(source, read, now, size))
        taken = _results(read, new)
        _tell(source, taken)
        return taken

    def _hold(self, is_of_the_future: bool) -> None:
        """Refuse a batch while the hub's clock is wrong; it could be rejected for good, although only the hub is behind."""
        clock = self._witness.judged()
        if clock.holds_results or (clock.is_undecided and is_of_the_future):
            raise HubError(
                503,
                f"{sentence_of(clock)}; keep the events and come back",
                headers={"Retry-After": str(_COME_BACK_S)},
            )

    def _save_all(self, batches: Sequence[_Batch]) -> list[set[str]]:
        """Write batches in one transaction, and return the ids of each one's events that were new."""
        told = [(batch.source, one.event) for batch in batches for one in batch.records if one.event is not None]
        new: set[tuple[str, str]] = set()
        if told:
            with self._store.write() as connection:
                self._at("events.begun")
                new = save_events(connection, told, now=max(batch.now for batch in batches))
                self._at("events.saved")
            self._at("events.committed")
        found = []
        for batch in batches:
            # An id that two batches have at once is new in the first of them alone.
            mine = {(batch.source, one.event.id) for one in batch.records if one.event is not None} & new
            new -= mine
            found.append({id_ for _, id_ in mine})
        return found


def _limited(body: bytes) -> bytes:
    if len(body) > LARGEST_BATCH:
        raise HubError(413, f"a batch may have {LARGEST_BATCH // 1024 // 1024} MiB; send fewer events at once")
    return body


def _source_name(subject: str | None) -> str:
    """Return the name that the events of a token are stored under; a token's name may be longer than the column."""
    if subject is None:
        return EVENTS
    if len(subject) <= _LONGEST_SOURCE:
        return subject
    return f"{subject[: _LONGEST_SOURCE - 9]}-{sha256(subject.encode()).hexdigest()[:8]}"


def _results(read: Sequence[_Read], new: set[str]) -> list[EventTaken]:
    left = set(new)
    found = []
    for one in read:
        if one.event is None:
            found.append(EventTaken(id=one.id, result="rejected", reason=one.reason))
            continue
        is_new = one.id in left
        left.discard(one.id)
        found.append(
            EventTaken(id=one.id, result="accepted" if is_new else "duplicate", dropped_keys=dropped_keys(one.event))
        )
    return found


def _tell(source: str, taken: Sequence[EventTaken]) -> None:
    """Log what was rejected: how many, and the first; a site that sends nonsense must not fill the log."""
    counts = Counter(one.result for one in taken)
    if counts["rejected"]:
        first = next(one for one in taken if one.result == "rejected")
        _log.warning("events_rejected", source=source, rejected=counts["rejected"], first=first.id, reason=first.reason)
