"""Renders `/runs/{id}` of a requested run whose result has not come yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from facts import RunRequest
from reports.live.frame import Ago, Frame, ago
from reports.pages import render


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedPage:
    """Holds the data of the template. `state` says in a sentence what the run waits for."""

    frame: Frame
    journey: str
    location: str
    by: str
    requested: Ago | None
    state: str
    is_open: bool


def requested_page(frame: Frame, request: RunRequest, *, now: datetime, is_open: bool) -> str:
    """Return the page's HTML. With `is_open` the run may still come, and the page is reloaded until it has."""
    page = RequestedPage(
        frame=frame,
        journey=request.journey,
        location=request.location,
        by=request.by,
        requested=ago(request.requested_at, now),
        state=_state(request, is_open),
        is_open=is_open,
    )
    return render("live/requested.html.j2", page)


def _state(request: RunRequest, is_open: bool) -> str:
    if request.taken_at is None:
        if is_open:
            return "Waiting for a runner of this location, which looks once a minute and starts between two slots."
        return "No runner took it. Look on the overview whether the location is heard."
    if is_open:
        return "Under way. Its page stands here as soon as the result has come."
    return "A runner took it, and no result came: it was stopped or killed meanwhile."
