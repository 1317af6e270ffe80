"""The endpoints of silences: making one, ending one, those there are, and what one would have held back lately."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from alerts.silences import SilenceError, matches, read_match, read_silence, silence_of
from facts import SILENCE_KEYS, Alert, AlertState, Severity, Silence, to_wire
from hub.actions import acting, read_action
from hub.answers import answering
from hub.context import HubContext
from hub.errors import HubError
from hub.requests import person
from process.logs import get_logger
from store import Store
from store import alerts as alert_rows
from store import silences as rows

_log = get_logger("sixfb.hub")
LOOK_BACK = timedelta(days=7)
"""How far back a preview looks."""
_SHOWN = timedelta(days=7)
_LARGEST = 32 * 1024
_MOST_PREVIEWED = 1000
_EXAMPLE = '{"match": {"rule": "F0"}, "for": "2h", "reason": "deploy"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceShown(Silence):
    """A silence, and whether it is pending, active or ended."""

    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SilencesListed:
    """The silences to come, those that hold, and those that ended in the last 7 days."""

    silences: list[SilenceShown]


@dataclass(frozen=True, slots=True, kw_only=True)
class SilencePreview:
    """The alerts of the last 7 days that a silence would have held back, and how many of them were critical."""

    since: datetime
    critical: int
    alerts: list[Alert]


def make_silence(store: Store, asked: Any, *, by: str, now: datetime) -> Silence:
    """Store the silence that a person asks for, and return it. Raises HubError 422."""
    try:
        silence = read_silence(asked, silence_id=f"silence-{secrets.token_hex(4)}", by=by, now=now)
    except SilenceError as error:
        raise HubError(422, str(error)) from None
    with store.write() as connection:
        rows.save(connection, silence)
    _log.info("silence_made", silence=silence.id, by=by, until=to_wire(silence.ends_at), match=to_wire(silence.match))
    return silence


def end_silence(store: Store, silence_id: str, *, by: str, now: datetime) -> Silence:
    """End a silence now, and return it; one that is over stays as it is. Raises HubError 404."""
    with store.write() as connection:
        silence = rows.end(connection, silence_id, by=by, at=now)
    if silence is None:
        raise HubError(404, f"no silence {silence_id!r:.80}; `sixfb alerts silences` shows those there are")
    _log.info("silence_ended", silence=silence.id, by=by)
    return silence


def shown_silences(connection: Connection, now: datetime) -> list[Silence]:
    """Return the silences to come, those that hold, and those that ended lately."""
    return rows.listed(connection, since=now - _SHOWN)


def silenced_alerts(alerts: Iterable[Alert], silences: Sequence[Silence], now: datetime) -> dict[str, Silence]:
    """Return the silence that holds each firing alert back, by the alert's id; those that nothing holds back are left out."""
    firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
    found = {alert.id: silence_of(alert, silences, now) for alert in firing}
    return {alert_id: silence for alert_id, silence in found.items() if silence is not None}


def preview(connection: Connection, match: Mapping[str, tuple[str, ...]], now: datetime) -> list[Alert]:
    """Return the alerts of the last 7 days that a silence would have held back, the newest first."""
    trial = Silence(
        id="", starts_at=now, ends_at=now + timedelta(minutes=1), created_at=now, by="", reason="", match=dict(match)
    )
    # The end of a period is not in it, and an alert may have begun this very moment.
    until = now + timedelta(seconds=1)
    lately = alert_rows.of_period(connection, since=now - LOOK_BACK, until=until, limit=_MOST_PREVIEWED)
    return [alert for alert in lately if alert.fired_at is not None and matches(trial, alert)]


def _asked_by_form(form: Mapping[str, str]) -> dict[str, Any]:
    """Return what the form of the page asks for; values are separated by commas, and what is empty is not said."""
    match = {key: [v.strip() for v in form.get(key, "").split(",") if v.strip()] for key in SILENCE_KEYS}
    return {
        "match": {key: values for key, values in match.items() if values},
        "for": form.get("for", "").strip() or None,
        "reason": form.get("reason", ""),
    }


def _shown(silence: Silence, now: datetime) -> dict[str, Any]:
    return {**to_wire(silence), "now": silence.state(now).value}


def add_silence_endpoints(router: APIRouter, context: HubContext) -> None:
    """Add `/api/silences`, what is below it, and the preview."""

    @router.get("/api/silences", **answering(SilencesListed, "The silences."))
    def list_silences() -> Response:
        """Return the silences to come, those that hold, and those that ended in the last 7 days."""
        now = context.clock()
        with context.store.read() as connection:
            found = shown_silences(connection, now)
        return JSONResponse({"silences": [_shown(one, now) for one in found]})

    @router.get(
        "/api/silences/preview", **answering(SilencePreview, "What would have been silenced.", _422="No such match.")
    )
    def preview_silence(request: Request) -> Response:
        """Return the alerts of the last 7 days that a silence would have held back; the match is in the query, like `?rule=F0`."""
        now = context.clock()
        asked = {key: request.query_params.getlist(key) for key in request.query_params}
        try:
            match = read_match(asked)
        except SilenceError as error:
            raise HubError(422, str(error)) from None
        with context.store.read() as connection:
            found = preview(connection, match, now)
        critical = sum(alert.severity is Severity.CRITICAL for alert in found)
        since = to_wire(now - LOOK_BACK)
        return JSONResponse({"since": since, "critical": critical, "alerts": to_wire(found)})

    @router.post(
        "/api/silences/preview",
        **acting(SilencePreview, "What would have been silenced.", largest="32 KiB", _422="No such match."),
    )
    async def preview_by_form(request: Request) -> Response:
        """Return the same for the `match` of a JSON body; a form of the page is led to the page that shows it."""
        action = await read_action(request, example=_EXAMPLE, largest=_LARGEST)
        if action.by_form:
            kept = {f"silence_{key}": action.asked.get(key, "").strip() for key in (*SILENCE_KEYS, "for", "reason")}
            query = urlencode({"preview": "1", **{key: value for key, value in kept.items() if value}})
            return Response(status_code=303, headers={"Location": f"/alerts?{query}#new-silence"})
        try:
            match = read_match(action.asked.get("match"))
        except SilenceError as error:
            raise HubError(422, str(error)) from None
        now = context.clock()
        with context.store.read() as connection:
            found = preview(connection, match, now)
        critical = sum(alert.severity is Severity.CRITICAL for alert in found)
        return JSONResponse({"since": to_wire(now - LOOK_BACK), "critical": critical, "alerts": to_wire(found)})

    @router.post(
        "/api/silences",
        **acting(SilenceShown, "The silence.", largest="32 KiB", _422="No silence: a key is wrong or missing."),
    )
    async def silence(request: Request) -> Response:
        """Silence the alerts that match, for a time: `{"match": {"rule": "F0"}, "for": "2h", "reason": "deploy"}`."""
        action = await read_action(request, example=_EXAMPLE, largest=_LARGEST)
        asked = _asked_by_form(action.asked) if action.by_form else action.asked
        now = context.clock()
        made = await run_in_threadpool(make_silence, context.store, asked, by=person(request), now=now)
        context.wake()
        return action.response(_shown(made, now), page="/alerts#silences")

    async def end(silence_id: str, request: Request) -> dict[str, Any]:
        now = context.clock()
        ended = await run_in_threadpool(end_silence, context.store, silence_id, by=person(request), now=now)
        context.wake()
        return _shown(ended, now)

    @router.delete(
        "/api/silences/{silence_id}", **answering(SilenceShown, "The silence, ended.", _404="No such silence.")
    )
    async def delete_silence(silence_id: str, request: Request) -> Response:
        """End a silence now; it is kept, with who ended it."""
        return JSONResponse(await end(silence_id, request))

    @router.post(
        "/api/silences/{silence_id}/end",
        **acting(SilenceShown, "The silence, ended.", _404="No such silence."),
    )
    async def end_by_form(silence_id: str, request: Request) -> Response:
        """End a silence now; what `DELETE` does, for a form of the page."""
        action = await read_action(request)
        return action.response(await end(silence_id, request), page="/alerts#silences")
