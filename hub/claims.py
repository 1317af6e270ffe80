"""Decides which of several runners at a location runs a slot.

If the hub does not respond, every runner runs the slot, and the first record is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from facts import Claim, WireError, claim_ttl_s, from_wire
from hub.decoding import json_in
from hub.errors import HubError
from hub.records import storable
from hub.watched import Watched
from store import Store, claims

LARGEST_ASK = 4096
_OLDEST, _AHEAD = timedelta(hours=24), timedelta(minutes=5)
_LONGEST_ID = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRequest:
    """Holds a runner's request to claim a slot, to renew its claim (by the same request again), or to release it."""

    journey: str
    location: str
    slot: datetime
    runner: str
    release: bool = False


def read_claim_request(body: bytes) -> ClaimRequest:
    """Return the claim request in a request's body. Raises HubError 400, 422."""
    try:
        ask = from_wire(ClaimRequest, json_in(body))
    except WireError as error:
        raise HubError(422, storable(str(error))[:300]) from None
    if not 1 <= len(ask.runner) <= _LONGEST_ID or ask.runner != storable(ask.runner):
        raise HubError(422, f"runner: 1 to {_LONGEST_ID} characters")
    return ask


def decide(store: Store, watched: Watched, ask: ClaimRequest, *, now: datetime) -> Claim:
    """Grant the slot, or return which runner holds it.

    Raises:
        HubError: 404 the journey or location is not in the plan, 422 the slot is not in its grid, or too long ago or in
            the future.
    """
    schedule = watched.schedules().get(ask.journey)
    grid = schedule.grids.get(ask.location) if schedule else None
    if schedule is None or grid is None:
        raise HubError(404, f"{storable(ask.journey)[:100]!r} is not on the plan of {storable(ask.location)[:64]!r}")
    if not now - _OLDEST <= ask.slot <= now + _AHEAD:
        raise HubError(422, f"slot: {ask.slot:%Y-%m-%dT%H:%M:%SZ} is not of these hours; is the runner's clock right?")
    if grid.at_or_before(ask.slot) != ask.slot:
        raise HubError(422, f"slot: {ask.slot.isoformat()} is none of the plan's; the runner has an older plan")
    with store.write() as connection:
        if ask.release:
            claims.release(connection, journey=ask.journey, location=ask.location, slot=ask.slot, runner=ask.runner)
            return Claim(granted=False)
        return claims.claim(
            connection,
            journey=ask.journey,
            location=ask.location,
            slot=ask.slot,
            runner=ask.runner,
            now=now,
            until=now + timedelta(seconds=claim_ttl_s(schedule.period_s)),
        )
