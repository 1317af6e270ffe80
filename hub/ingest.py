"""Accepts runs: each record is accepted, a duplicate, or rejected with the reason; accepted runs are on disk."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection

from facts import Failpoint, Heartbeat, HubClock, LedgerState, Run, RunnerState, WireError, from_wire, go_on
from hub import heartbeats
from hub.clock_witness import ClockWitness, sentence_of
from hub.envelope import LARGEST_BATCH, Envelope, read_envelope
from hub.errors import HubError
from hub.records import UnfitError, sanitized, storable
from hub.sent import Sent
from hub.validation import is_of_the_future, validate_run
from process.group_commit import GroupCommit
from process.logs import get_logger
from store import Store, ledgers, runners, runs
from store.rows import Arrival, RunRow, row_of

_LONGEST_REASON = 500
_COME_BACK_S = 20
# A result from another day is in no current window of the hub.
_UNUSABLE = timedelta(days=1)
_log = get_logger("sixfb.hub")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """Holds the result for one record: `accepted`, `duplicate` or `rejected`; `reason` explains the last."""

    id: str
    result: Literal["accepted", "duplicate", "rejected"]
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """Holds one parsed record of a batch: a run's row, or the reason why it was rejected."""

    id: str
    row: RunRow | None = None
    reason: str | None = None
    is_of_the_future: bool = False


class _Sending(NamedTuple):
    body: bytes
    now: datetime
    only: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Holds a batch sent from `location` with its parsed records, and its runner's heartbeat and ledger if the location is known.

    `held` is the error if nothing of it is accepted now, though it may be later.
    """

    location: str | None
    now: datetime
    envelope: Envelope
    read: list[_Read]
    beat: Heartbeat | None
    ledger: LedgerState | None
    held: HubError | None = None


class Ingest:
    """Stores the runs that runners send; concurrent batches share a transaction.

    `periods` maps each journey to its period in seconds. A result that arrives more than one and a half periods late is
    stored as late: it corrects the history and sends no page. `taken` is called after each transaction that stored
    something new. The times of a runner whose clock is off by more than `reject_skew_s` seconds are corrected.
    `witness` judges the hub's own clock: while that is wrong, no result is accepted or finally rejected.
    """

    def __init__(
        self,
        store: Store,
        *,
        locations: Collection[str],
        periods: Mapping[str, int],
        taken: Callable[[], None] = lambda: None,
        reject_skew_s: float = 30.0,
        witness: ClockWitness | None = None,
        at: Failpoint = go_on,
    ) -> None:
        self.witness = witness or ClockWitness(limit_s=reject_skew_s)
        self._store = store
        self._locations = frozenset(locations)
        self._periods = dict(periods)
        self._taken = taken
        self._reject_skew_s = reject_skew_s
        self._at = at
        self._holding: set[str | None] = set()
        self._group_commit = GroupCommit(self._take_all, most=LARGEST_BATCH, size=lambda sending: len(sending.body))

    def batch(self, body: bytes, *, now: datetime, only: str | None = None) -> list[IngestResult]:
        """Store a batch, and return the result of each record, in order; accepted runs are committed when this returns.

        `only` is the location of the token that sent it; runs of other locations are refused.

        Raises:
            HubError: 413 too large, 400 not JSON, 422 of another shape, 403 of another location than its token, 425 of
                a newer version, 503 the hub's clock is wrong, or may be; then nothing of it was stored.
        """
        taken = self._group_commit.submit(_Sending(body, now, only))
        if isinstance(taken, HubError):
            raise taken
        return taken

    def _take_all(self, sendings: Sequence[_Sending]) -> list[list[IngestResult] | HubError]:
        # One thread also parses for all: parsing threads would only take turns, at a cost.
        read = [self._read_batch(one) for one in sendings]
        batches = [one for one in read if isinstance(one, _Batch)]
        taken = iter(self._save_all(batches) if batches else ())
        return [next(taken) if isinstance(one, _Batch) else one for one in read]

    def _read_batch(self, sending: _Sending) -> _Batch | HubError:
        now, only = sending.now, sending.only
        try:
            envelope = read_envelope(sending.body)
        except HubError as error:
            return error
        if only is not None and envelope.location not in (None, only):
            return HubError(403, f"the token is of {only}, the batch of {envelope.location}")
        location = only or envelope.location
        about = envelope.runner if location in self._locations else None
        beat = heartbeats.read(about, now=now)
        if beat is not None and beat.sent_at is not None:
            self.witness.note(location or "", beat.id, (beat.sent_at - now).total_seconds())
        return _Batch(
            location=location,
            now=now,
            envelope=envelope,
            read=[self._read(record, i, location, now) for i, record in enumerate(envelope.records)],
            beat=beat,
            ledger=_ledger(about, location, now),
        )

    def _save_all(self, batches: Sequence[_Batch]) -> list[list[IngestResult] | HubError]:
        """Write batches in one transaction, and return the results of each one's records."""
        with self._store.write() as connection:
            self._at("ingest.begun")
            # Judged once for all batches, after the clock skews of all their runners were noted.
            clock = self.witness.judged()
            batches = [_held(one, clock) for one in self._set_right(batches, self._hear(connection, batches))]
            rows = _in_order([batch.read for batch in batches])
            said = runs.save_all(connection, list(rows.values()))
            ledgers.save_all(connection, [batch.ledger for batch in batches if batch.ledger is not None])
            self._at("ingest.saved")
        self._at("ingest.committed")
        results = dict(zip(rows, said, strict=True))
        taken = [
            [_taken(one, results.get((b, i))) for i, one in enumerate(batch.read)] for b, batch in enumerate(batches)
        ]
        for batch, told in zip(batches, taken, strict=True):
            _tell(batch.location, told)
        if any(one.result == "accepted" for told in taken for one in told):
            self._taken()
        self._tell_held([batch for batch in batches if batch.held is not None])
        return [batch.held or told for batch, told in zip(batches, taken, strict=True)]

    def _tell_held(self, batches: Sequence[_Batch]) -> None:
        for batch in batches:
            if batch.location not in self._holding:
                _log.error("results_not_taken", location=batch.location, reason=str(batch.held))
        held = {batch.location for batch in batches}
        self._holding = held | (self._holding if held else set())

    def _hear(self, connection: Connection, batches: Sequence[_Batch]) -> list[float]:
        """Store the heartbeats, and return by how many seconds each batch's times must be corrected, usually 0."""
        said = {b: (batch.location or "", batch.beat, batch.now) for b, batch in enumerate(batches) if batch.beat}
        states = dict(zip(said, runners.note_all(connection, list(said.values())), strict=True))
        return [self._ahead_s(states.get(b)) for b in range(len(batches))]

    def _ahead_s(self, state: RunnerState | None) -> float:
        skew_s = state.skew_s if state is not None else None
        if state is None or skew_s is None or abs(skew_s) <= self._reject_skew_s:
            return 0.0
        # If a clock, the runner's or the hub's, was corrected just now, the newest message shows no skew.
        return skew_s if abs(state.skews[-1]) > self._reject_skew_s else 0.0

    def _set_right(self, batches: Sequence[_Batch], ahead_s: Sequence[float]) -> Iterator[_Batch]:
        for batch, ahead in zip(batches, ahead_s, strict=True):
            if ahead:
                records = enumerate(batch.envelope.records)
                yield replace(batch, read=[self._read(r, i, batch.location, batch.now, ahead) for i, r in records])
            else:
                yield batch

    def _read(self, record: Any, index: int, location: str | None, now: datetime, ahead_s: float = 0.0) -> _Read:
        name = _name(record, index)
        text: str | None = None
        try:
            # The fast reader's text is kept only if no time in it changes: the text must equal the stored run.
            if isinstance(record, Sent) and not ahead_s and record.run.finished_at <= now:
                run, text = record.run, record.text
            else:
                run = from_wire(Run, sanitized(json.loads(record.text) if isinstance(record, Sent) else record))
            run = heartbeats.set_right(run, ahead_s) if ahead_s else run
        except (UnfitError, WireError, OverflowError) as error:
            return _Read(id=name, reason=storable(str(error))[:_LONGEST_REASON])
        reason = validate_run(run, sent_from=location, locations=self._locations, now=now)
        if reason:
            return _Read(id=name, reason=reason[:_LONGEST_REASON], is_of_the_future=is_of_the_future(run, now))
        # A runner whose clock is ahead must not look fresh for too long.
        run = run if run.finished_at <= now else replace(run, finished_at=now)
        row = row_of(Arrival(run, self._late(run, now), text), received_at=now)
        if isinstance(record, Sent):
            record.forget_attempts()
        return _Read(id=name, row=row)

    def _late(self, run: Run, now: datetime) -> bool:
        period = self._periods.get(run.journey, 300)
        return (now - run.finished_at).total_seconds() > 1.5 * period


def _held(batch: _Batch, clock: HubClock) -> _Batch:
    """Return the batch; empty and with an error if the hub's own clock may be wrong.

    A record that is finally rejected would be lost, although the hub's clock was only behind.
    """
    apart = clock.is_undecided and abs(clock.behind_s or 0.0) > _UNUSABLE.total_seconds() and _is_of_another_day(batch)
    ahead = clock.is_undecided and any(one.is_of_the_future for one in batch.read)
    if not (clock.holds_results or apart or ahead):
        return batch
    why = sentence_of(clock)
    error = HubError(503, f"{why}; keep the results and come back", headers={"Retry-After": str(_COME_BACK_S)})
    return replace(batch, read=[], ledger=None, held=error)


def _is_of_another_day(batch: _Batch) -> bool:
    runs = [one.row.run for one in batch.read if one.row is not None]
    return any((run.slot or run.started_at) < batch.now - _UNUSABLE for run in runs)


def _ledger(about: Any, location: str | None, now: datetime) -> LedgerState | None:
    """Return the state of the runner's ledger, not dated in the future; None if it cannot be read, which does not affect the runs."""
    told = about.get("ledger") if isinstance(about, dict) else None
    if told is None:
        return None
    try:
        state = from_wire(LedgerState, told)
    except WireError as error:
        _log.warning("ledger_unreadable", location=location, error=storable(str(error))[:200])
        return None
    return replace(state, at=min(state.at, now)) if state.location == location else None


def _in_order(batches: Sequence[Sequence[_Read]]) -> dict[tuple[int, int], RunRow]:
    """Return the rows that can be saved, by position, sorted by slot.

    With a common order, hubs that save concurrently wait for each other, but never deadlock.
    """

    def slot(found: tuple[tuple[int, int], RunRow]) -> tuple[str, str, datetime]:
        run = found[1].run
        return run.journey, run.location, run.slot or run.started_at

    found = [((b, i), one.row) for b, batch in enumerate(batches) for i, one in enumerate(batch) if one.row is not None]
    return dict(sorted(found, key=slot))


def _taken(one: _Read, saved: runs.Saved | None) -> IngestResult:
    if saved is None or one.row is None:
        return IngestResult(id=one.id, result="rejected", reason=one.reason)
    return IngestResult(id=one.row.run.id, result="duplicate" if saved == "duplicate" else "accepted")


def _tell(location: str | None, taken: list[IngestResult]) -> None:
    for one in taken:
        if one.result == "rejected":
            _log.warning("run_rejected", run_id=one.id, location=location, reason=one.reason)
        elif _log.isEnabledFor(logging.DEBUG):  # structlog checks the level at several times the cost
            _log.debug("run_taken", run_id=one.id, location=location, result=one.result)


def _name(record: Any, index: int) -> str:
    name: Any
    if isinstance(record, Sent):
        name = record.run.id
    elif isinstance(record, dict):
        name = record.get("id")
    else:
        name = None
    return storable(name)[:200] if isinstance(name, str) and name else f"runs[{index}]"
