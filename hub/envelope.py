"""Parses the envelope of a batch: its location, its records, and the runner's own state."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from facts import WIRE_VERSION
from hub import sent
from hub.decoding import json_in
from hub.errors import HubError
from hub.records import LARGEST_RUN, UnfitError, sanitized, storable
from hub.sent import Sent
from process.logs import get_logger

LARGEST_BATCH = 4 * 1024 * 1024
MOST_RUNS = 50
_log = get_logger("sixfb.hub")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Holds a batch with unparsed records.

    A record is the result of `hub.sent` if that could read it, else JSON. `runner` is JSON that is safe to store.
    """

    location: str | None
    records: list[Sent | Any]
    runner: Any


def read_envelope(body: bytes) -> Envelope:
    """Return the batch in a request body.

    Raises:
        HubError: 413 too large, 400 not JSON, 422 of another shape, 425 of a newer version.
    """
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
    return Envelope(storable(location)[:64] if location is not None else None, records, data.get("runner"))


def _as_sent(body: bytes) -> dict[str, Any] | None:
    """Return the batch by the fast reader for the form that runners send; None if it has any other form."""
    batch = sent.read_batch(body)
    if batch is None:
        return None
    try:
        records = [sent.read_run(record) or json.loads(record) for record in batch.records]
        return {"location": batch.location, "runs": records, "runner": _about(batch.runner)}
    except (ValueError, RecursionError):
        return None


def _as_told(body: bytes) -> dict[str, Any]:
    data = json_in(body)
    if isinstance(data, list):
        return {"runs": data}
    return data | {"runner": _sanitized(data.get("runner"))} if isinstance(data, dict) else {}


def _about(runner: bytes) -> Any:
    # JSON this small, without escapes and parsed strictly, holds nothing that `sanitized` would change or refuse,
    # except for a depth that no reader visits.
    if len(runner) <= LARGEST_RUN // 8 and b"\\" not in runner:
        with suppress(msgspec.MsgspecError):
            return msgspec.json.decode(runner)
    return _sanitized(json.loads(runner))


def _sanitized(about: Any) -> Any:
    """Return the runner's state, sanitized; None if it cannot be stored, which does not affect the runs."""
    try:
        return sanitized(about)
    except UnfitError as error:
        _log.warning("heartbeat_unfit", error=storable(str(error))[:200])
        return None


def _refuse_newer(envelope: dict[str, Any], records: list[Any]) -> None:
    """Refuse a batch of a newer version with 425, so that the runner keeps its results and tries again later."""
    told = [one.get("version") for one in (envelope, *records) if isinstance(one, dict)]
    newest = max((version for version in told if isinstance(version, int)), default=WIRE_VERSION)
    if newest > WIRE_VERSION:
        raise HubError(
            425,
            f"version {newest} of the wire is newer than this hub, which knows {WIRE_VERSION}; keep the results, "
            "and upgrade the hub",
        )
