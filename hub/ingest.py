"""Takes runs in: each record is accepted, a duplicate, or rejected with the reason; what is accepted is on disk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from config.logs import get_logger
from facts import WIRE_VERSION, Failpoint, Heartbeat, LedgerState, Run, Status, WireError, from_wire, go_on
from hub import heartbeats, sent
from hub.decoding import json_in
from hub.errors import HubError
from hub.records import UnfitError, storable, tidied
from hub.sent import Sent
from store import Store, ledgers, runs
from store.rows import Arrival

LARGEST_BATCH = 4 * 1024 * 1024
MOST_RUNS = 50
_AHEAD = timedelta(minutes=5)
_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
_LONGEST_MS = 24 * 3600 * 1000.0
_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")
_LONGEST_NAME = {"journey": 100, "location": 64, "failed_step": 100}
_LONGEST_REASON = 500
_log = get_logger("sixfb.hub")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one record: `accepted`, `duplicate` or `rejected`; `reason` for the last."""

    id: str
    result: Literal["accepted", "duplicate", "rejected"]
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One record of a batch as far as it could be read: a run, with its text where that can be kept as it came, or the reason why
    there is none."""

    id: str
    run: Run | None = None
    text: str | None = None
    reason: str | None = None


class Ingest:
    """Writes runs that runners send into the store.

    `periods` tells each journey's period in seconds; a result that comes later than one and a half of it is late: it
    corrects the past and starts no page. `taken` is called after each batch that brought something new. The times of a runner
    whose clock is more than `reject_skew_s` off are set right.
    """

    def __init__(
        self,
        store: Store,
        *,
        locations: Collection[str],
        periods: Mapping[str, int],
        taken: Callable[[], None] = lambda: None,
        reject_skew_s: float = 30.0,
        at: Failpoint = go_on,
    ) -> None:
        self._store = store
        self._locations = frozenset(locations)
        self._periods = dict(periods)
        self._taken = taken
        self._reject_skew_s = reject_skew_s
        self._at = at

    def batch(self, body: bytes, *, now: datetime, only: str | None = None) -> list[Taken]:
        """Take a batch; all of what is accepted is committed before this returns. The answers stand in its order.

        `only` is the location whose token sent it: runs of another are none of its business.

        Raises:
            HubError: 413 too large, 400 not JSON, 422 of another shape, 403 of another location than its token, 425 of a newer
                version; nothing of it was taken then.
        """
        location, records, about = _read_batch(body)
        if only is not None and location not in (None, only):
            raise HubError(403, f"the token is of {only}, the batch of {location}")
        location = only or location
        ledger = self._ledger(about, location, now)
        ahead_s = self._ahead_s(location, heartbeats.read(about), now)
        read = [self._read(record, i, location, now, ahead_s) for i, record in enumerate(records)]
        taken = {i: Taken(id=one.id, result="rejected", reason=one.reason) for i, one in enumerate(read) if not one.run}
        with self._store.write() as connection:
            self._at("ingest.begun")
            order = _in_order(read)
            fit = [Arrival(run, self._late(run, now), read[i].text) for i in order if (run := read[i].run) is not None]
            said = runs.save_all(connection, fit, received_at=now)
            for i, (run, _, _), result in zip(order, fit, said, strict=True):
                taken[i] = Taken(id=run.id, result="duplicate" if result == "duplicate" else "accepted")
            if ledger is not None:
                ledgers.save(connection, ledger)
            self._at("ingest.saved")
        self._at("ingest.committed")
        told = [taken[i] for i in range(len(read))]
        _tell(location, told)
        if any(one.result == "accepted" for one in told):
            self._taken()
        return told

    def _ledger(self, about: Any, location: str | None, now: datetime) -> LedgerState | None:
        """What the runner's ledger says, of a known location and not of the future; a word we cannot read holds no run up."""
        told = about.get("ledger") if isinstance(about, dict) else None
        if told is None:
            return None
        try:
            state = from_wire(LedgerState, tidied(told))
        except (UnfitError, WireError) as error:
            _log.warning("ledger_unreadable", location=location, error=storable(str(error))[:200])
            return None
        known = state.location == location and location in self._locations
        return replace(state, at=min(state.at, now)) if known else None

    def _ahead_s(self, location: str | None, beat: Heartbeat | None, now: datetime) -> float:
        """Note what the runner says of itself; by how much its times must be set right, mostly by nothing."""
        if beat is None or location not in self._locations:
            return 0.0
        skew_s = heartbeats.note(self._store, location, beat, now=now).skew_s
        return skew_s if skew_s is not None and abs(skew_s) > self._reject_skew_s else 0.0

    def _read(self, record: Any, index: int, location: str | None, now: datetime, ahead_s: float) -> _Read:
        name = _name(record, index)
        text: str | None = None
        try:
            if isinstance(record, Sent) and not ahead_s and record.run.finished_at <= now:
                run, text = record.run, record.text
            else:
                run = from_wire(Run, tidied(json.loads(record.text) if isinstance(record, Sent) else record))
            run = heartbeats.set_right(run, ahead_s) if ahead_s else run
        except (UnfitError, WireError, OverflowError) as error:
            return _Read(id=name, reason=storable(str(error))[:_LONGEST_REASON])
        reason = self._wrong(run, location, now)
        if reason:
            return _Read(id=name, reason=reason[:_LONGEST_REASON])
        # A runner whose clock is ahead must not look fresh for longer than it is.
        run = run if run.finished_at <= now else replace(run, finished_at=now)
        return _Read(id=name, run=run, text=text)

    def _wrong(self, run: Run, location: str | None, now: datetime) -> str | None:
        return self._wrong_place(run, location) or _wrong_name(run) or _wrong_time(run, now)

    def _wrong_place(self, run: Run, location: str | None) -> str | None:
        if location is not None and run.location != location:
            return f"location: the run is of {run.location}, the batch of {location}"
        if run.slot is not None and run.location not in self._locations:
            known = ", ".join(sorted(self._locations))
            return f"location: {run.location!r} is not in the hub's locations.yaml ({known})"
        return None

    def _late(self, run: Run, now: datetime) -> bool:
        period = self._periods.get(run.journey, 300)
        return (now - run.finished_at).total_seconds() > 1.5 * period


def _wrong_name(run: Run) -> str | None:
    if not _ID.fullmatch(run.id):
        return "id: 1 to 200 letters, digits, dots, colons, hyphens or underscores, without a slash"
    for name, most in _LONGEST_NAME.items():
        value = getattr(run, name)
        if value is not None and not 1 <= len(value) <= most:
            return f"{name}: 1 to {most} characters, this has {len(value)}"
    first = run.attempts[0].failed_step if run.attempts else None
    if first is not None and len(first) > _LONGEST_NAME["failed_step"]:
        return f"attempts[0].failed_step: at most {_LONGEST_NAME['failed_step']} characters"
    return None


def _wrong_time(run: Run, now: datetime) -> str | None:
    moments = [m for m in (run.slot, run.started_at) if m is not None]
    if max(moments) > now + _AHEAD:
        return f"slot: {max(moments):%Y-%m-%dT%H:%M:%SZ} is in the hub's future; set the runner's clock"
    if min(moments) < _EARLIEST:
        return f"slot: {min(moments).isoformat()} is before {_EARLIEST:%Y}; set the runner's clock"
    if run.finished_at < run.started_at:
        return "finished_at: before started_at"
    if run.slot is None and run.status in (Status.MISSED, Status.SKIPPED):
        return f"slot: a {run.status} run is a slot's, and names none"
    if not 0 <= run.duration_ms <= _LONGEST_MS:
        return f"duration_ms: {run.duration_ms:g} is not between 0 and a day"
    return None


def _in_order(read: list[_Read]) -> list[int]:
    """The places of what can be saved, always in the same order of slots: two batches at once wait for, and never lock, each other."""

    def slot(i: int) -> tuple[str, str, datetime]:
        run = read[i].run
        assert run is not None
        return run.journey, run.location, run.slot or run.started_at

    return sorted((i for i, one in enumerate(read) if one.run is not None), key=slot)


def _read_batch(body: bytes) -> tuple[str | None, list[Any], Any]:
    """The location, the records, each as a `Sent` or as JSON told it, and what the runner says of itself."""
    if len(body) > LARGEST_BATCH:
        raise HubError(413, f"a batch may have {LARGEST_BATCH // 1024 // 1024} MiB; send fewer runs at once")
    data = _as_sent(body) or _as_told(body)
    records = data.get("runs")
    if not isinstance(records, list):
        raise HubError(422, 'runs: send {"location": ..., "runs": [...]}')
    _refuse_newer(data, records)
    if len(records) > MOST_RUNS:
        raise HubError(413, f"a batch may hold {MOST_RUNS} runs, this one has {len(records)}")
    location = data.get("location")
    if location is not None and not isinstance(location, str):
        raise HubError(422, "location: expected a string")
    return storable(location)[:64] if location is not None else None, records, data.get("runner")


def _as_sent(body: bytes) -> dict[str, Any] | None:
    """The batch as a runner sends it, at a small part of the cost; None where it is anything else."""
    batch = sent.read_batch(body)
    if batch is None:
        return None
    try:
        records = [sent.read_run(record) or json.loads(record) for record in batch.records]
        return {"location": batch.location, "runs": records, "runner": json.loads(batch.runner)}
    except (ValueError, RecursionError):
        return None


def _as_told(body: bytes) -> dict[str, Any]:
    data = json_in(body)
    if isinstance(data, list):
        return {"runs": data}
    return data if isinstance(data, dict) else {}


def _tell(location: str | None, taken: list[Taken]) -> None:
    for one in taken:
        if one.result == "rejected":
            _log.warning("run_rejected", run_id=one.id, location=location, reason=one.reason)
        else:
            _log.debug("run_taken", run_id=one.id, location=location, result=one.result)


def _refuse_newer(envelope: dict[str, Any], records: list[Any]) -> None:
    """What a newer runner sends is not for us to read, and not to be lost: 425 makes it keep everything and try again."""
    told = [one.get("version") for one in (envelope, *records) if isinstance(one, dict)]
    newest = max((version for version in told if isinstance(version, int)), default=WIRE_VERSION)
    if newest > WIRE_VERSION:
        raise HubError(
            425,
            f"version {newest} of the wire is newer than this hub, which knows {WIRE_VERSION}; keep the results, "
            "and upgrade the hub",
        )


def _name(record: Any, index: int) -> str:
    name = record.run.id if isinstance(record, Sent) else record.get("id") if isinstance(record, dict) else None
    return storable(name)[:200] if isinstance(name, str) and name else f"runs[{index}]"
