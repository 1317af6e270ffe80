"""Defines the hub's pages and the files they need."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import playwright
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from facts import AlertState, Role, Verdict
from hub.action_links import add_action_links
from hub.alert_pages import add_alert_pages
from hub.artifacts import KINDS
from hub.clock_witness import sentence_of
from hub.context import HubContext
from hub.cycle import tick_trouble
from hub.dashboards import add_dashboards, business_zone
from hub.errors import HubError
from hub.guard import Visitor, visitor_of
from hub.incident_pages import add_incident_pages
from hub.job_doors import shown_jobs
from hub.journey_pages import add_journey_pages
from hub.kept_verdicts import KeptVerdicts
from hub.loading import load_watch
from hub.overview_data import load_overview
from hub.ping_checks import shown_checks, watched_checks
from hub.reader_zone import zone_of
from hub.report_pages import add_reports
from hub.requests import csrf_checked
from hub.run_page import add_run_pages
from hub.search import LONGEST, find
from hub.share_pages import add_share_pages
from hub.shares import shareable
from hub.target_pages import add_target_pages
from reports.live import (
    Present,
    asset,
    job_row,
    jobs_page,
    overview_page,
    pings_page,
    sla_page,
)
from reports.live.frame import Frame, ReaderZone, a_frame
from reports.live.search import search_page
from reports.navigation import links_of, next_on_wall
from reports.states import overall_state, told_alerts
from sla.judge import with_traits
from store import alerts as alert_rows
from store import evidence

_BREAKS_SHOWN = timedelta(hours=1)
_INBOX_BYTES = 20_000_000
_SUFFIXES = (".zip", ".jpg", ".txt")


def site(context: HubContext) -> APIRouter:
    """Return the router with all pages."""

    @asynccontextmanager
    async def closing_additions(_app: object) -> AsyncIterator[None]:
        yield
        for addition in context.additions:
            addition.close()

    router = APIRouter(default_response_class=HTMLResponse, lifespan=closing_additions)
    pages = Pages(context, KeptVerdicts())
    _add_pages(router, pages)
    add_journey_pages(router, pages)
    add_dashboards(router, pages)
    add_reports(router, pages)
    add_incident_pages(router, pages)
    add_alert_pages(router, pages)
    add_action_links(router, context)
    add_target_pages(router, pages)
    add_run_pages(router, pages)
    add_share_pages(router, pages, router)
    _add_files(router, context)
    for addition in context.additions:
        addition.add_to(router, _Host(pages))
    return router


class Pages:
    """Builds the pages from the store."""

    def __init__(self, context: HubContext, verdicts: KeptVerdicts, request: Request | None = None) -> None:
        self.context, self._verdicts = context, verdicts
        self._visitor = visitor_of(request) if request is not None else None
        self._asked = dict(request.query_params) if request is not None else {}
        self._path: str = request.scope["path"] if request is not None else ""
        self._is_shared = request is not None and getattr(request.state, "is_shared", False)
        business = business_zone(context)
        self.zone = zone_of(request, business) if request is not None else ReaderZone(zone=business, business=business)

    def seen_by(self, request: Request) -> Pages:
        """Return the pages for the person behind a request."""
        return Pages(self.context, self._verdicts, request)

    def frame(self, title: str, here: str, *, refresh_s: int = 5, judged_at: datetime | None = None) -> Frame:
        """Return the frame of a page; `judged_at` is when the last tick was, where the caller has read its verdicts already."""
        context, visitor, now = self.context, self._visitor, self.context.clock()
        at, verdicts = self.verdicts()
        at = judged_at or at
        with context.store.read() as connection:
            firing = [alert for alert in alert_rows.standing(connection) if alert.state is AlertState.FIRING]
        state, words = overall_state(firing, verdicts, now)
        if self._is_shared:
            # Who has no account sees the state of the shop, and nothing of the hub's own affairs.
            return a_frame(
                title,
                here=here,
                now=now,
                evaluated_at=at,
                links=(),
                prefix=context.guard.access.prefix,
                refresh_s=_interval(context, refresh_s),
                state=state,
                state_words=words,
                zone=self.zone,
                asked=self._asked,
            )
        return a_frame(
            title,
            here=here,
            now=now,
            evaluated_at=at,
            links=links_of(
                list(context.watched.schedules()),
                [link for addition in context.additions for link in addition.links],
                has_pings=bool(context.watched.site.pings),
            ),
            notices=[*_trouble(context), *self._clock_notices(at), *context.notices, *context.guard.notices()],
            csrf=visitor.csrf if visitor and visitor.role.may(Role.OPERATOR) else "",
            visitor=_present(visitor) if visitor and visitor.known else None,
            prefix=context.guard.access.prefix,
            refresh_s=_interval(context, refresh_s),
            state=state,
            state_words=words,
            firing=len(told_alerts(firing, now)),
            zone=self.zone,
            asked=self._asked,
            wall=next_on_wall(here) if "wall" in self._asked else "",
            share=shareable(self._path, self._asked) if visitor and visitor.role.may(Role.OPERATOR) else "",
        )

    def _clock_notices(self, last_tick: datetime | None) -> list[str]:
        """Return the notices about the hub's clock, and about interruptions of its watch in the last hour."""
        now, clock = self.context.clock(), self.context.ingest.witness.judged()
        said = [sentence_of(clock)] if clock.behind_s is not None else []
        if last_tick is not None and last_tick > now and (trouble := tick_trouble(last_tick, now)):
            said.append(f"{trouble}: the hub's clock was ahead, or is behind now")
        with self.context.store.read() as connection:
            watch = load_watch(connection)
        last = watch.last_break if watch else None
        if last is not None and timedelta() <= now - last.at <= _BREAKS_SHOWN:
            said.append(
                f"{last.what}, noticed at {last.at:%H:%M:%S} UTC; what was silent or pending then is counted anew"
            )
        return [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in said]

    def verdicts(self) -> tuple[datetime | None, list[Verdict]]:
        """Return the time and the verdicts of the last tick."""
        with self.context.store.read() as connection:
            at, verdicts = self._verdicts.read(connection)
        return at, with_traits(list(verdicts), self.context.targets)

    def overview(self) -> str:
        """Return the page `/`."""
        now = self.context.clock()
        judged_at, verdicts = self.verdicts()
        data = load_overview(self.context, verdicts, judged_at, self.zone)
        frame = self.frame("Can buyers buy?", "/", judged_at=judged_at)
        blocks = [addition.overview_block(frame, now) for addition in self.context.additions]
        return overview_page(frame, data, now=now, verdicts=verdicts, extra=Markup("").join(blocks))

    def search(self, asked: str) -> Response:
        """Return the page `/search`, or the way to the only hit."""
        hits = find(self.context, asked)
        if len(hits) == 1:
            return Response(status_code=303, headers={"Location": hits[0].path})
        return HTMLResponse(search_page(self.frame("Search", "/search", refresh_s=0), asked.strip()[:LONGEST], hits))

    def sla(self) -> str:
        """Return the page `/sla`."""
        guide = {name: rule.guide for name, rule in self.context.targets.rules().items()}
        _, verdicts = self.verdicts()
        return sla_page(self.frame("Targets", "/sla"), verdicts, guide, self.context.clock())

    def jobs(self) -> str:
        """`/jobs`."""
        now = self.context.clock()
        found = shown_jobs(self.context.store, self.context.jobs)
        rows = [job_row(job.name, job.purpose, job.schedule, job.state, now) for job in found]
        return jobs_page(self.frame("Jobs", "/jobs"), rows)

    def pings(self) -> str:
        """Return the page `/pings`."""
        now = self.context.clock()
        with self.context.store.read() as connection:
            found = shown_checks(watched_checks(connection, self.context.watched.site), now)
        return pings_page(self.frame("Pings", "/pings", refresh_s=15), found, now)


class _Host:
    """Offers the hub to pages that are added."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def frame_for(self, request: Request, title: str, here: str) -> Frame:
        return self._pages.seen_by(request).frame(title, here)

    def now(self) -> datetime:
        return self._pages.context.clock()

    async def checked_form(self, request: Request) -> Mapping[str, str] | None:
        return await csrf_checked(request)


def _interval(context: HubContext, refresh_s: int) -> int:
    return max(2, round(refresh_s / context.scale)) if refresh_s else 0


def _trouble(context: HubContext) -> list[str]:
    """Return a notice if the database can be read but not written: the pages no longer change then."""
    error = context.health.database
    return [f"Nothing is taken, judged or sent: {error.public}."] if error is not None else []


def _present(visitor: Visitor) -> Present:
    return Present(name=visitor.name, role=visitor.role, csrf=visitor.csrf if visitor.session else "")


def _add_pages(router: APIRouter, pages: Pages) -> None:
    @router.get("/")
    def overview(request: Request) -> str:
        return pages.seen_by(request).overview()

    @router.get("/search")
    def search(request: Request) -> Response:
        return pages.seen_by(request).search(request.query_params.get("q", ""))

    @router.get("/sla")
    def sla(request: Request) -> str:
        return pages.seen_by(request).sla()

    @router.get("/jobs")
    def jobs(request: Request) -> str:
        return pages.seen_by(request).jobs()

    @router.get("/pings")
    def pings(request: Request) -> str:
        return pages.seen_by(request).pings()


def _add_files(router: APIRouter, context: HubContext) -> None:
    @router.get("/static/{name}")
    def static(name: str, request: Request) -> Response:
        found = asset(name)
        if found is None:
            raise HubError(404, "no such file")
        media, content = found
        return _static_file(media, content, request)

    @router.get("/evidence/{name}")
    def artifact(name: str) -> Response:
        sha256 = name
        for suffix in _SUFFIXES:
            sha256 = sha256.removesuffix(suffix)
        path = context.artifacts.path(sha256)
        with context.store.read() as connection:
            kind = evidence.kind_of(connection, sha256)
            gone = evidence.why_gone(connection, [sha256])
        if path is None or kind is None:
            raise HubError(404, gone.get(sha256, "no such evidence; it is kept 14 days"))
        # The media type comes from the kind that the runner stated, one of three; it is never guessed from the bytes.
        return Response(path.read_bytes(), media_type=KINDS[kind], headers={"Cache-Control": "private, immutable"})

    @router.get("/trace/{path:path}")
    def viewer(path: str) -> Response:
        return _viewer_file(path or "index.html")


def _static_file(media: str, content: bytes, request: Request) -> Response:
    """Return a file of the pages: nothing where the browser has it already, and compressed where the browser can read that.

    Pages themselves are not compressed: the length of a compressed page would tell an attacker of the token in its forms.
    """
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"Cache-Control": "no-cache", "ETag": tag, "Vary": "Accept-Encoding"}
    if request.headers.get("If-None-Match") == tag:
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return Response(content, media_type=media, headers=headers)
    return Response(_compressed(content), media_type=media, headers={**headers, "Content-Encoding": "gzip"})


@cache
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _viewer_file(name: str) -> Response:
    """Return a file of Playwright's trace viewer, which is part of its package."""
    folder = Path(playwright.__file__).parent / "driver" / "package" / "lib" / "vite" / "traceViewer"
    try:
        file = (folder / name).resolve()
        # Checked after resolving, so that `..` and links cannot leave the folder.
        found = file.is_relative_to(folder.resolve()) and file.is_file()
    except (OSError, ValueError):  # a name that the file system rejects
        found = False
    if not found:
        raise HubError(404, "no such file")
    media = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Response(file.read_bytes(), media_type=media)
