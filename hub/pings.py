"""Takes the pings of the shop's own jobs, in the protocol of healthchecks.io.

https://healthchecks.io/docs/http_api/ describes the protocol. The UUID in the address is what proves who pings.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool

from facts import Ping, PingCheckShown, PingKind, to_wire
from hub.answers import answering
from hub.context import HubContext
from hub.errors import HubError
from hub.ping_checks import checks_of, shown_checks, watched_checks
from hub.rates import Buckets, Rate
from journeys.site import Site
from process.visible import visible
from redact.masking import KNOWN, MASK
from redact.personal import is_personal_key, mask_personal
from store import Store, pings

BODY_LIMIT = 10 * 1024
"""How many bytes of a body are kept. Twice as many are read, so that masking does not depend on where it is cut."""
_MOST_READ = 10 * 1024 * 1024
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RATE = Rate(per_second=5 / 60, burst=5)
_KEY_AND_VALUE = re.compile(r"""([A-Za-z][\w-]{0,60})(["']?\s{0,2}[:=]\s{0,2}["']?)([^\s"',;&{}\[\]]+)""")
_ACTIONS = {"start": PingKind.START, "fail": PingKind.FAIL, "log": PingKind.LOG}
_LARGEST_EXIT_CODE = 255
_METHODS = ("GET", "POST", "HEAD")
_HEADERS = {
    "Ping-Body-Limit": str(BODY_LIMIT),
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
}
_TEXT = {"text/plain": {"schema": {"type": "string"}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "`OK`: the ping is stored.", "content": _TEXT},
    400: {
        "description": "`invalid url format` (an exit code above 255) or `invalid uuid format` (`rid`).",
        "content": _TEXT,
    },
    404: {"description": "`not found`: no job has this UUID (`pings` in site.yaml).", "content": _TEXT},
    429: {"description": "`rate limited`: more than 5 pings of one job in a minute.", "content": _TEXT},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PingChecksListed:
    """The jobs of `pings` in site.yaml."""

    pings: list[PingCheckShown]


class PingIngest:
    """Takes pings: knows the jobs of site.yaml by their UUID, and limits how often each may ping."""

    def __init__(self, store: Store, site: Site, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store, self._monotonic = store, monotonic
        self._checks = {check.uuid: check for check in checks_of(site)}
        self._buckets = Buckets(_RATE)

    def knows(self, uuid: str) -> bool:
        """Return whether a job has this UUID."""
        return uuid.lower() in self._checks

    def wait_s(self, uuid: str) -> float:
        """Take one of the pings that a job may send now; return 0, or how many seconds to wait until it may send one."""
        return self._buckets.take(uuid.lower(), self._monotonic())

    def take(self, uuid: str, ping: Ping) -> None:
        """Save a ping; it is committed when this returns."""
        with self._store.write() as connection:
            pings.add(connection, uuid.lower(), ping)


def masked_body(body: bytes) -> str:
    """Return a job's output as it may be kept: personal data and secrets masked, as in events, and 10 KiB at most."""
    text = KNOWN.mask(body[: 2 * BODY_LIMIT].decode("utf-8", "replace").replace("\r\n", "\n"))
    masked = "\n".join(mask_personal(_KEY_AND_VALUE.sub(_masked_value, line)) for line in text.split("\n"))
    return visible(masked, keep="\n").encode("utf-8", "replace")[:BODY_LIMIT].decode("utf-8", "ignore")


def _masked_value(found: re.Match[str]) -> str:
    key = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", found[1]).replace("-", "_").lower()
    return f"{found[1]}{found[2]}{MASK}" if is_personal_key(key) else found[0]


def _read_action(action: str) -> tuple[PingKind, int | None] | None:
    """Return what the end of the address says: a kind, or an exit code; None where it is neither.

    Raises:
        ValueError: an exit code that there is not.
    """
    if action in _ACTIONS:
        return _ACTIONS[action], None
    if not (action.isascii() and action.isdigit()):
        return None
    if len(action) > 3 or int(action) > _LARGEST_EXIT_CODE:
        raise ValueError(action)
    return (PingKind.FAIL if int(action) else PingKind.SUCCESS), int(action)


async def _body_of(request: Request) -> bytes:
    """Return the beginning of a body, and read the rest away. Raises HubError 413."""
    body, read = bytearray(), 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > _MOST_READ:
            raise HubError(413, f"the body may have {_MOST_READ:,} bytes, of which {BODY_LIMIT:,} are kept")
        body += chunk[: max(0, 2 * BODY_LIMIT - len(body))]
    return bytes(body)


def _said(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(text, status_code=status, headers={**_HEADERS, **(headers or {})})


def add_ping_endpoints(router: APIRouter, context: HubContext) -> None:
    """Add `/ping/{uuid}` with its endings, and `GET /api/pings`."""
    ingest = PingIngest(context.store, context.watched.site, monotonic=context.guard.monotonic)

    async def answer(request: Request, uuid: str, action: str | None) -> Response:
        try:
            read = _read_action(action) if action is not None else (PingKind.SUCCESS, None)
        except ValueError:
            return _said("invalid url format", 400)
        if read is None or not ingest.knows(uuid):
            return _said("not found", 404)
        run_id = request.query_params.get("rid")
        if run_id is not None and not _UUID.fullmatch(run_id.lower()):
            return _said("invalid uuid format", 400)
        wait_s = ingest.wait_s(uuid)
        if wait_s > 0:
            return _said("rate limited", 429, {"Retry-After": f"{int(wait_s) + 1}"})
        body = masked_body(await _body_of(request))
        kind, exit_status = read
        ping = Ping(
            at=context.clock(),
            kind=kind,
            exit_status=exit_status,
            run_id=run_id.lower() if run_id is not None else None,
            body=body,
        )
        await run_in_threadpool(ingest.take, uuid, ping)
        return _said("OK")

    async def take_ping(request: Request, uuid: str) -> Response:
        """Report that a job has succeeded. A body of text is kept, up to 10 KiB."""
        return await answer(request, uuid, None)

    async def take_action(request: Request, uuid: str, action: str) -> Response:
        """Report that a job's run begins (`start`), has failed (`fail`), ended with an exit code (`0` to `255`), or says something
        (`log`). `?rid=UUID` tells runs apart that overlap."""
        return await answer(request, uuid, action)

    for method in _METHODS:
        for path, endpoint in (("/ping/{uuid}", take_ping), ("/ping/{uuid}/{action}", take_action)):
            router.add_api_route(
                path,
                endpoint,
                methods=[method],
                name=f"{endpoint.__name__}_{method.lower()}",
                include_in_schema=method != "HEAD",
                response_class=PlainTextResponse,
                responses=_RESPONSES,
            )

    @router.get("/api/pings", **answering(PingChecksListed, "The jobs, what is down or late first."))
    def list_pings() -> Response:
        """Return the jobs of `pings` in site.yaml: when each has pinged, and when it is expected again."""
        with context.store.read() as connection:
            jobs = watched_checks(connection, context.watched.site)
        return JSONResponse({"pings": to_wire(shown_checks(jobs, context.clock()))})
