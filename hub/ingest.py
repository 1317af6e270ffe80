"""Takes runs in: each record is accepted, a duplicate, or rejected with the reason; what is accepted is on disk."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from facts import Failpoint, LedgerState, Run, Status, WireError, from_wire, go_on
from hub.errors import HubError
from store import Store, ledgers, runs

LARGEST_BATCH = 4 * 1024 * 1024
MOST_RUNS = 50
LARGEST_RUN = 128 * 1024
_AHEAD = timedelta(minutes=5)
_log = logging.getLogger("sixfb.hub")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one record: `accepted`, `duplicate` or `rejected`; `reason` for the last."""

    id: str
    result: str
    reason: str | None = None


class Ingest:
    """Writes runs that runners send into the store.

    `periods` tells each journey's period in seconds; a result that comes later than one and a half of it is late: it
    corrects the past and starts no page. `taken` is called after each batch that brought something new.
    """

    def __init__(
        self,
        store: Store,
        *,
        locations: Collection[str],
        periods: Mapping[str, int],
        taken: Callable[[], None] = lambda: None,
        at: Failpoint = go_on,
    ) -> None:
        self._store = store
        self._locations = frozenset(locations)
        self._periods = dict(periods)
        self._taken = taken
        self._at = at

    def batch(self, body: bytes, *, now: datetime) -> list[Taken]:
        """Take a batch, in its order; all of what is accepted is committed before this returns.

        Raises:
            HubError: 413 too large, 400 not JSON, 422 of another shape; nothing of it was taken then.
        """
        location, records, about = _read_batch(body)
        ledger = self._ledger(about, location, now)
        read = [(_name(record, i), *self._read(record, location, now)) for i, record in enumerate(records)]
        with self._store.write() as connection:
            self._at("ingest.begun")
            taken = []
            for name, run, reason in read:
                if run is None:
                    taken.append(Taken(id=name, result="rejected", reason=reason))
                    continue
                said = runs.save(connection, run, received_at=now, late=self._late(run, now))
                taken.append(Taken(id=name, result="duplicate" if said == "duplicate" else "accepted"))
            if ledger is not None:
                ledgers.save(connection, ledger)
            self._at("ingest.saved")
        self._at("ingest.committed")
        if any(one.result == "accepted" for one in taken):
            self._taken()
        return taken

    def _ledger(self, about: Any, location: str | None, now: datetime) -> LedgerState | None:
        """What the runner's ledger says, of a known location and not of the future; a word we cannot read holds no run up."""
        told = about.get("ledger") if isinstance(about, dict) else None
        if told is None:
            return None
        try:
            state = from_wire(LedgerState, told)
        except WireError as error:
            _log.warning("what the ledger of %s says cannot be read: %s", location, error)
            return None
        known = state.location == location and location in self._locations
        return replace(state, at=min(state.at, now)) if known else None

    def _read(self, record: Any, location: str | None, now: datetime) -> tuple[Run | None, str | None]:
        if len(json.dumps(record, separators=(",", ":"))) > LARGEST_RUN:
            return None, f"the record is larger than {LARGEST_RUN // 1024} KiB"
        try:
            run = from_wire(Run, record)
        except WireError as error:
            return None, str(error)
        reason = self._wrong(run, location, now)
        # A runner whose clock is ahead must not look fresh for longer than it is.
        return (None, reason) if reason else (replace(run, finished_at=min(run.finished_at, now)), None)

    def _wrong(self, run: Run, location: str | None, now: datetime) -> str | None:
        if location is not None and run.location != location:
            return f"location: the run is of {run.location}, the batch of {location}"
        if run.slot is not None and run.location not in self._locations:
            return (
                f"location: {run.location!r} is not in the hub's locations.yaml ({', '.join(sorted(self._locations))})"
            )
        if not run.id or len(run.id) > 200 or "/" in run.id:
            return "id: 1 to 200 characters without a slash"
        moments = [m for m in (run.slot, run.started_at) if m is not None]
        if max(moments) > now + _AHEAD:
            return f"slot: {max(moments).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} is in the hub's future; set the runner's clock"
        if run.finished_at < run.started_at:
            return "finished_at: before started_at"
        if run.slot is None and run.status in (Status.MISSED, Status.SKIPPED):
            return f"slot: a {run.status} run is a slot's, and names none"
        return None

    def _late(self, run: Run, now: datetime) -> bool:
        period = self._periods.get(run.journey, 300)
        return (now - run.finished_at).total_seconds() > 1.5 * period


def _read_batch(body: bytes) -> tuple[str | None, list[Any], Any]:
    if len(body) > LARGEST_BATCH:
        raise HubError(413, f"a batch may have {LARGEST_BATCH // 1024 // 1024} MiB; send fewer runs at once")
    try:
        data = json.loads(body)
    except ValueError as error:
        raise HubError(400, f"the body is not JSON: {error}") from None
    if isinstance(data, list):
        data = {"runs": data}
    records = data.get("runs") if isinstance(data, dict) else None
    if not isinstance(records, list):
        raise HubError(422, 'runs: send {"location": ..., "runs": [...]}')
    if len(records) > MOST_RUNS:
        raise HubError(413, f"a batch may hold {MOST_RUNS} runs, this one has {len(records)}")
    location = data.get("location")
    if location is not None and not isinstance(location, str):
        raise HubError(422, "location: expected a string")
    return location, records, data.get("runner")


def _name(record: Any, index: int) -> str:
    name = record.get("id") if isinstance(record, dict) else None
    return name if isinstance(name, str) and name else f"runs[{index}]"
