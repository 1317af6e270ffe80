"""The endpoints of deploys: a delivery pipeline reports that a version of the site went live, and pages mark the moment."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from facts import Deploy, HubClock, WireError, moment_of, to_wire
from hub.answers import answering, told
from hub.clock_witness import sentence_of
from hub.context import HubContext
from hub.decoding import json_in
from hub.errors import HubError
from hub.guard import token_of
from hub.listing import LISTING, Cursor, Form, From, To, answered, period, place_of, read_place, with_csv
from hub.loading import CLOCKS_APART
from hub.requests import limited_body
from process.logs import get_logger
from process.visible import visible
from store import Store, deploys

_log = get_logger("sixfb.hub")
_LARGEST = 32 * 1024
_COME_BACK_S = 20
_LONGEST = {"id": 100, "version": 100, "environment": 100, "by": 100, "note": 500, "url": 500}
_KEYS = ("version", "at", "id", "environment", "by", "note", "url")
_OLDEST = timedelta(days=396)
_SHOWN = timedelta(days=35)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["version"],
                    "additionalProperties": False,
                    "properties": {
                        "version": {"type": "string", "maxLength": _LONGEST["version"]},
                        "at": {
                            "type": ["string", "null"],
                            "format": "date-time",
                            "description": "When it went live; now if missing.",
                        },
                        "id": {
                            "type": ["string", "null"],
                            "description": "The same id counts once, so that a report may be repeated.",
                        },
                        "environment": {"type": ["string", "null"]},
                        "by": {"type": ["string", "null"]},
                        "note": {"type": ["string", "null"]},
                        "url": {"type": ["string", "null"], "format": "uri"},
                    },
                }
            }
        },
    }
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploysListed:
    """Deploys of a period, newest first. `next` is the `cursor` of the following page; null on the last one."""

    deploys: list[Deploy]
    next: str | None = None


_COLUMNS = tuple(one.name for one in fields(Deploy))


def read_deploy(asked: Any, *, source: str | None, now: datetime) -> Deploy:
    """Return the deploy that a program reports.

    `asked` has `version`, and perhaps `at` (ISO 8601 with a zone; now, if it is missing), `id`, `environment`, `by`, `note` and `url`.

    Raises:
        HubError: 422, a key is unknown, missing or wrong.
    """
    if not isinstance(asked, Mapping):
        raise HubError(422, 'a deploy is an object like {"version": "1.4.2"}')
    unknown = [key for key in asked if key not in _KEYS]
    if unknown:
        raise HubError(422, f"{unknown[0]!r:.80} is no key of a deploy; there are {', '.join(_KEYS)}")
    texts = {key: _text(asked, key) for key in _LONGEST}
    version = texts["version"]
    if version is None:
        raise HubError(422, "version: say what went live, like a tag or the hash of a commit")
    url = texts["url"]
    if url is not None and not _is_web_address(url):
        raise HubError(422, "url: is the address of a page, with http:// or https://")
    return Deploy(
        id=texts["id"] or f"deploy-{secrets.token_hex(8)}",
        at=_at(asked.get("at"), now),
        version=version,
        received_at=now,
        environment=texts["environment"],
        by=texts["by"],
        note=texts["note"],
        url=url,
        source=source,
    )


def _text(asked: Mapping[str, Any], key: str) -> str | None:
    value = asked.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise HubError(422, f"{key}: is a text")
    # On one line, and without what a terminal would obey: the words go to pages, commands and messages.
    text = visible(" ".join(value.split()))
    if not text:
        raise HubError(422, f"{key}: is empty; leave it out")
    if len(text) > _LONGEST[key]:
        raise HubError(422, f"{key}: has {len(text)} characters; at most {_LONGEST[key]}")
    return text


def _is_web_address(url: str) -> bool:
    try:
        found = urlsplit(url)
        return found.scheme in ("http", "https") and bool(found.hostname)
    except ValueError:
        return False


def _at(value: Any, now: datetime) -> datetime:
    if value is None:
        return now
    try:
        at = moment_of(value)
    except WireError as error:
        raise HubError(422, f"at: {error}") from None
    if at > now + CLOCKS_APART:
        raise _OfTheFutureError(422, f"at: {to_wire(at)} lies in the future; it is {to_wire(now)} here")
    if at < now - _OLDEST:
        raise HubError(422, f"at: {to_wire(at)} is older than the 13 months that are kept")
    return at


class _OfTheFutureError(HubError):
    """A deploy lies in the future by the hub's clock."""


def _refuse_a_wrong_clock(clock: HubClock, *, is_of_the_future: bool) -> None:
    """Refuse a deploy while this hub's clock is wrong, or may be: what it is dated, or refused for, would be wrong too.

    Raises:
        HubError: 503, report it again later.
    """
    if clock.holds_results or (clock.is_undecided and is_of_the_future):
        raise HubError(
            503, f"{sentence_of(clock)}; report the deploy again later", headers={"Retry-After": str(_COME_BACK_S)}
        )


def _save(store: Store, deploy: Deploy) -> tuple[Deploy, bool]:
    with store.write() as connection:
        return deploys.add(connection, deploy)


def add_deploy_endpoints(router: APIRouter, context: HubContext) -> None:
    """Add `/api/deploys`."""

    @router.get(
        "/api/deploys",
        **with_csv(answering(DeploysListed, "The deploys.", _422="A parameter is not known, or its value is none.")),
        **LISTING,
    )
    def list_deploys(
        request: Request,
        since: From = None,
        until: To = None,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 200,
        form: Form = None,
    ) -> Response:
        """Return the deploys of a period, newest first; of the last 35 days by default."""
        since, until = period(since, until, context.clock() + CLOCKS_APART, usual=_SHOWN)
        with context.store.read() as connection:
            found = deploys.page(connection, since=since, until=until, after_place=read_place(cursor), limit=limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        told = {"deploys": found[:limit], "next": place_of(last.at, last.id) if last else None}
        return answered(request, form, told, rows="deploys", columns=_COLUMNS)

    @router.post(
        "/api/deploys",
        **answering(
            Deploy,
            "A deploy of this id was reported before; it stays as it is.",
            reads_json=True,
            also={201: told(Deploy, "Stored.")},
            _413="Larger than a deploy.",
            _422="No deploy: a key is wrong or missing.",
            _503="The hub's clock is wrong; report it again later.",
        ),
        openapi_extra=_BODY,
    )
    async def report_deploy(request: Request) -> Response:
        """Report that a version of the site went live: `{"version": "1.4.2", "id": "build-811", "note": "new checkout"}`."""
        asked = json_in(await limited_body(request, _LARGEST))
        token, clock = token_of(request), context.ingest.witness.judged()
        _refuse_a_wrong_clock(clock, is_of_the_future=False)
        try:
            deploy = read_deploy(asked, source=token.subject if token else None, now=context.clock())
        except _OfTheFutureError:
            _refuse_a_wrong_clock(clock, is_of_the_future=True)
            raise
        stored, is_new = await run_in_threadpool(_save, context.store, deploy)
        if is_new:
            _log.info(
                "deploy_reported", deploy=stored.id, version=stored.version, at=to_wire(stored.at), source=stored.source
            )
        return JSONResponse(to_wire(stored), status_code=201 if is_new else 200)
