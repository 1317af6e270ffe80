"""Defines the endpoints of the locations: claiming slots, and the state of each location and its runners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from facts import SANDBOX_HINT, SANDBOX_OFF, Claim, RunnerState, to_wire
from hub.answers import answering
from hub.claims import LARGEST_ASK, decide, read_claim_request
from hub.context import HubContext
from hub.errors import HubError
from hub.guard import token_of
from hub.requests import limited_body
from store import runners, runs

SHOWN_FOR = timedelta(hours=24)
"""How long a runner that is no longer heard is still listed, with its last report."""
_CLAIM_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["journey", "location", "slot", "runner"],
                    "properties": {
                        "journey": {"type": "string"},
                        "location": {"type": "string"},
                        "slot": {"type": "string", "format": "date-time"},
                        "runner": {"type": "string", "minLength": 1, "maxLength": 100},
                        "release": {"type": "boolean", "default": False},
                    },
                }
            }
        },
    }
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationState:
    """Holds a location: the time of its last result, the number of waiting results, and its runners, most recently heard first.

    `warnings` are sentences about security risks with their remedy.
    """

    location: str
    last_result_at: datetime | None
    spool: int
    warnings: list[str]
    runners: list[RunnerState]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationsListed:
    """Holds every location of the plan."""

    locations: list[LocationState]


def locations_of(connection: Connection, names: Sequence[str], *, now: datetime) -> list[LocationState]:
    """Return the state of the named locations, in order."""
    heard = runners.heard(connection, since=now - SHOWN_FOR)
    last: Mapping[str, datetime] = runs.last_received(connection)
    found = []
    for name in names:
        here = [state for state in heard if state.location == name]
        spool = sum(state.spool for state in here)
        warnings = [f"{SANDBOX_OFF}: {SANDBOX_HINT}"] if any(state.sandbox is False for state in here) else []
        found.append(
            LocationState(location=name, last_result_at=last.get(name), spool=spool, warnings=warnings, runners=here)
        )
    return found


def add_location_doors(router: APIRouter, context: HubContext) -> None:
    """Add `POST /api/slots/claim` and `GET /api/locations` to the router."""

    @router.post(
        "/api/slots/claim",
        **answering(
            Claim,
            "Granted, or who has it.",
            reads_json=True,
            _404="The journey is not on the location's plan.",
            _413="The body is too large.",
            _422="JSON of another shape, or no slot of the plan's.",
        ),
        openapi_extra=_CLAIM_BODY,
    )
    async def claim_slot(request: Request) -> Response:
        """Claim a slot before running it; a repeated request renews the claim, and `release` gives it back."""
        ask = read_claim_request(await limited_body(request, LARGEST_ASK))
        token = token_of(request)
        if token is not None and token.subject != ask.location:
            raise HubError(403, f"the token is of {token.subject}, the slot of {ask.location!r:.80}")
        claim = await run_in_threadpool(decide, context.store, context.watched, ask, now=context.clock())
        return JSONResponse(to_wire(claim))

    @router.get("/api/locations", **answering(LocationsListed, "The locations."))
    def list_locations() -> Response:
        """Return the state of each location: its last result, waiting results, and its runners with their problems."""
        with context.store.read() as connection:
            found = locations_of(connection, list(context.watched.locations.locations), now=context.clock())
        return JSONResponse({"locations": to_wire(found)})
