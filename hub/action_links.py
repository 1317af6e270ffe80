"""Signed links in messages: whoever has the message may acknowledge or escalate by a page that asks for confirmation, without a login.

Opening a link changes nothing, because mail scanners and chat previews open every link; only the page's buttons do.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from facts import Alert
from hub.acknowledge import take_on
from hub.context import HubContext
from hub.errors import HubError
from hub.escalate import escalate
from hub.records import storable
from hub.requests import read_form
from hub.signed_links import PATH
from reports.live.action_link import action_link_page
from store import alerts as alert_rows

_LONGEST_NAME = 60
_NOBODY = "somebody"


def add_action_links(router: APIRouter, context: HubContext) -> None:
    """Add the page of a link, and what its buttons do."""

    @router.get(f"{PATH}{{alert_id}}", response_class=HTMLResponse)
    def ask(alert_id: str, until: str = "", sig: str = "") -> Response:
        context.guard.action_links.check(alert_id, until, sig, context.clock())
        return _page(context, alert_id, until, sig, "")

    @router.post(f"{PATH}{{alert_id}}", response_class=HTMLResponse)
    async def act(alert_id: str, request: Request, until: str = "", sig: str = "") -> Response:
        now = context.clock()
        context.guard.action_links.check(alert_id, until, sig, now)
        form = await read_form(request)
        name = " ".join(storable(form.get("name", "")).split())[:_LONGEST_NAME] or _NOBODY
        done = await run_in_threadpool(_act, context, alert_id, form.get("do", ""), f"{name} (link)", now)
        context.wake()
        return _page(context, alert_id, until, sig, done)


def _act(context: HubContext, alert_id: str, what: str, by: str, now: datetime) -> str:
    """Do what a button of the page says, and return what was done as a sentence. Raises HubError 404, 409, 422."""
    if what == "acknowledge":
        alert = take_on(context.store, context.policy, alert_id, by=by, now=now)
        return f"Acknowledged by {alert.acked_by}; everybody who was told learns it."
    if what != "escalate":
        raise HubError(422, f"do: {storable(what)[:40]!r} is neither acknowledge nor escalate")
    incident = _alert(context, alert_id).incident
    if incident is None:
        raise HubError(409, f"{alert_id} belongs to no incident, so nobody is called for it")
    called = escalate(context.store, context.policy, incident, by=by, now=now, site=context.watched.site)
    roles = " and ".join(dict.fromkeys(one.role for row in called if row.destinations for one in row.recipients))
    return f"{roles} called now." if roles else "Nobody could be reached; those of `emergency` are told."


def _alert(context: HubContext, alert_id: str) -> Alert:
    with context.store.read() as connection:
        alert = alert_rows.get(connection, alert_id)
    if alert is None:
        raise HubError(404, f"no alert {alert_id!r:.220}")
    return alert


def _page(context: HubContext, alert_id: str, until: str, sig: str, done: str) -> Response:
    action = f"{PATH}{quote(alert_id, safe='')}?{urlencode({'until': until, 'sig': sig})}"
    prefix = context.guard.access.prefix
    html = action_link_page(_alert(context, alert_id), action=action, done=done, prefix=prefix)
    # The address is a password: no cache and no other site gets it.
    return HTMLResponse(html, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
