"""Defines the hub's pages and the files they need."""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import playwright
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from facts import AlertState, Deploy, Outcome, Role, Run, Status, Verdict, from_wire
from hub.alert_pages import add_alert_pages
from hub.artifacts import KINDS
from hub.charts import ChartCache
from hub.clock_witness import sentence_of
from hub.context import HubContext
from hub.cycle import VERDICTS, tick_trouble
from hub.dashboards import add_dashboards
from hub.errors import HubError
from hub.guard import Visitor, visitor_of
from hub.incident_pages import add_incident_pages
from hub.job_doors import shown_jobs
from hub.loading import CLOCKS_APART, load_stocks, load_watch
from hub.report_pages import add_reports
from hub.requests import csrf_checked
from hub.run_evidence import read_evidence
from hub.target_pages import add_target_pages
from process.bounded_http import bounded_client
from reports.live import (
    FaultButton,
    InboxEntry,
    Present,
    asset,
    inbox_page,
    job_row,
    jobs_page,
    journey_page,
    overview_page,
    run_page,
    sla_page,
)
from reports.live.deploys import LOOK_BACK
from reports.live.frame import Frame, a_frame
from reports.navigation import links_of
from reports.states import overall_state, told_alerts
from sla.judge import with_traits
from store import alerts as alert_rows
from store import deploys, evidence, feeds, meta, runners, runs

_OVERVIEW = timedelta(hours=24)
SLOTS_SHOWN = 48
"""The number of slots in the longest strip of a page."""
_BREAKS_SHOWN = timedelta(hours=1)
_INBOX_BYTES = 20_000_000
_SUFFIXES = (".zip", ".jpg", ".txt")


def site(context: HubContext) -> APIRouter:
    """Return the router with all pages."""
    demo = Demo(context.demo.shop, context.demo.inbox) if context.demo else None

    @asynccontextmanager
    async def closing_it(_app: object) -> AsyncIterator[None]:
        yield
        if demo is not None:
            demo.close()

    router = APIRouter(default_response_class=HTMLResponse, lifespan=closing_it)
    pages = Pages(context, demo, ChartCache())
    _add_pages(router, pages)
    add_dashboards(router, pages)
    add_reports(router, pages)
    add_incident_pages(router, pages)
    add_alert_pages(router, pages)
    add_target_pages(router, pages)
    _add_files(router, context)
    if demo is not None:
        _add_demo(router, pages, demo)
    return router


class Demo:
    """Accesses the demo's shop and receivers for each page; a failed request is shown as empty."""

    def __init__(self, shop: str, inbox: str) -> None:
        # Both run on this machine, and a page waits for them.
        self._client = bounded_client(timeout_s=2.0, most_bytes=_INBOX_BYTES)
        self.shop, self._inbox = shop, inbox

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def messages(self) -> list[InboxEntry]:
        """Return the messages that the receivers got."""
        try:
            return [from_wire(InboxEntry, one) for one in self._client.get(self._inbox).json()]
        except (httpx.HTTPError, ValueError):
            return []

    def raw_messages(self) -> Any:
        """Return the same messages as raw JSON. Raises HubError 502."""
        try:
            return self._client.get(self._inbox).json()
        except (httpx.HTTPError, ValueError) as error:
            raise HubError(502, f"the demo's receivers do not answer: {type(error).__name__}") from None

    def faults(self) -> list[FaultButton]:
        """Return the fault switches."""
        try:
            told = self._client.get(f"{self.shop}/__faults").json()
            return [FaultButton(name=f["name"], description=f["description"], is_on=f["on"]) for f in told]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return []

    def switch(self, name: str, *, on: bool) -> None:
        """Switch a fault on or off. Raises HubError."""
        try:
            answer = self._client.request("PUT" if on else "DELETE", f"{self.shop}/__faults/{name}")
        except httpx.HTTPError as error:
            raise HubError(502, f"the demo's shop does not answer: {type(error).__name__}") from None
        if answer.status_code >= 400:
            raise HubError(answer.status_code, answer.text[:200])


class Pages:
    """Builds the pages from the store."""

    def __init__(
        self, context: HubContext, demo: Demo | None, charts: ChartCache, visitor: Visitor | None = None
    ) -> None:
        self.context, self.demo, self._charts, self._visitor = context, demo, charts, visitor

    def seen_by(self, request: Request) -> Pages:
        """Return the pages for the person behind a request."""
        return Pages(self.context, self.demo, self._charts, visitor_of(request))

    def frame(self, title: str, here: str, *, refresh_s: int = 5, judged_at: datetime | None = None) -> Frame:
        """Return the frame of a page; `judged_at` is when the last tick was, where the caller has read its verdicts already."""
        context, visitor, now = self.context, self._visitor, self.context.clock()
        at, verdicts = self.verdicts()
        at = judged_at or at
        with context.store.read() as connection:
            firing = [alert for alert in alert_rows.standing(connection) if alert.state is AlertState.FIRING]
        state, words = overall_state(firing, verdicts, now)
        return a_frame(
            title,
            here=here,
            now=now,
            evaluated_at=at,
            links=links_of(list(context.watched.schedules()), is_demo=context.demo is not None),
            notices=[*_trouble(context), *self._clock_notices(at), *context.notices, *context.guard.notices()],
            has_inbox=context.demo is not None,
            csrf=visitor.csrf if visitor and visitor.role.may(Role.OPERATOR) else "",
            visitor=_present(visitor) if visitor and visitor.known else None,
            prefix=context.guard.access.prefix,
            refresh_s=max(2, round(refresh_s / context.scale)) if refresh_s else 0,
            state=state,
            state_words=words,
            firing=len(told_alerts(firing, now)),
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
            told = meta.get(connection, VERDICTS)
        if told is None:
            return None, []
        verdicts = [from_wire(Verdict, one) for one in told["verdicts"]]
        return datetime.fromisoformat(told["at"]), with_traits(verdicts, self.context.targets)

    def overview(self) -> str:
        """Return the page `/`."""
        context, now = self.context, self.context.clock()
        schedules = context.watched.schedules()
        places = [(name, place) for name, schedule in schedules.items() for place in schedule.grids]
        _, verdicts = self.verdicts()
        with context.store.read() as connection:
            since = now - _OVERVIEW / context.scale
            latest = {(j, place): self._last(connection, j, place, since) for j, place in places}
            tries = runs.first_attempts(connection, places, since=since)
            firing = alert_rows.standing(connection)
            stocks = load_stocks(connection, since=now - timedelta(minutes=15), until=now + CLOCKS_APART)
            heard = runners.heard(connection, since=now - _OVERVIEW)
            results = runs.last_received(connection)
            feed = feeds.states(connection).get("inventory")
        return overview_page(
            self.frame("Can buyers buy?", "/"),
            now=now,
            grids={name: (s.period_s, s.grids) for name, s in schedules.items()},
            latest=latest,
            tries=tries,
            verdicts=verdicts,
            alerts=firing,
            runners=heard,
            results=results,
            stocks=stocks,
            feed=feed,
            inbox=self.demo.messages() if self.demo else (),
            faults=self.demo.faults() if self.demo else (),
            shop=self.demo.shop if self.demo else None,
        )

    def journey(self, name: str) -> str:
        """Return the page `/journeys/{name}`. Raises HubError."""
        schedule = self.context.watched.schedules().get(name)
        if schedule is None:
            raise HubError(404, f"no journey {name!r} on the schedule")
        now = self.context.clock()
        with self.context.store.read() as connection:
            since = now - _OVERVIEW / self.context.scale
            latest = {place: self._last(connection, name, place, since) for place in schedule.grids}
            drawn = self._charts.charts(
                connection, journey=name, period_s=schedule.period_s, grids=schedule.grids, since=since
            )
        return journey_page(
            self.frame(name, f"/journeys/{name}", refresh_s=15),
            name,
            period_s=schedule.period_s,
            grids=schedule.grids,
            latest=latest,
            charts=drawn,
            now=now,
        )

    @staticmethod
    def _last(connection: Connection, journey: str, location: str, since: datetime) -> list[Outcome]:
        return runs.last_of_slots(connection, journey=journey, location=location, since=since, limit=SLOTS_SHOWN)

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

    def run(self, run_id: str) -> str:
        """Return the page `/runs/{id}`. Raises HubError."""
        with self.context.store.read() as connection:
            stored = runs.get(connection, run_id)
            if stored is None:
                raise HubError(404, f"no run {run_id!r}")
            run = stored.run
            good = runs.last_good(connection, journey=run.journey, location=run.location, before=run.started_at)
            deployed = _deploys_before(connection, run, good)
        word = None
        if stored.reclassified_by:
            was = stored.was.value if stored.was else "nobody’s"
            word = f"{stored.reclassified_by} says it was {run.blame}, not {was}: {stored.reclassified_why}"
        frame = self.frame(run.id, f"/runs/{run_id}", refresh_s=0)
        found = read_evidence(self.context.store, self.context.artifacts.path, run, now=self.context.clock())
        return run_page(frame, run, found, good=good, word=word, deploys=deployed)


def _deploys_before(connection: Connection, run: Run, good: Run | None) -> list[Deploy]:
    """Return the deploys since the last good run, or of the day before where none is known; a run that passed is not explained."""
    if run.status is Status.PASSED:
        return []
    since = good.started_at if good is not None else run.started_at - LOOK_BACK
    return deploys.of_period(connection, since=since, until=run.finished_at)


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

    @router.get("/journeys/{name}")
    def journey(name: str, request: Request) -> str:
        return pages.seen_by(request).journey(name)

    @router.get("/sla")
    def sla(request: Request) -> str:
        return pages.seen_by(request).sla()

    @router.get("/jobs")
    def jobs(request: Request) -> str:
        return pages.seen_by(request).jobs()

    @router.get("/runs/{run_id}")
    def run(run_id: str, request: Request) -> str:
        return pages.seen_by(request).run(run_id)


def _add_files(router: APIRouter, context: HubContext) -> None:
    @router.get("/static/{name}")
    def static(name: str) -> Response:
        found = asset(name)
        if found is None:
            raise HubError(404, "no such file")
        media, content = found
        return Response(content, media_type=media, headers={"Cache-Control": "no-cache"})

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


def _add_demo(router: APIRouter, pages: Pages, demo: Demo) -> None:
    context = pages.context

    @router.get("/inbox")
    def inbox(request: Request) -> str:
        return inbox_page(pages.seen_by(request).frame("Inbox", "/inbox"), demo.messages(), context.clock())

    @router.get("/inbox.json")
    def inbox_json() -> Response:
        return JSONResponse(demo.raw_messages())

    @router.post("/demo/faults/{name}")
    async def switch(name: str, request: Request) -> Response:
        form = await csrf_checked(request)
        on = form.get("on") == "1" if form is not None else b"on=1" in (await request.body()).split(b"&")
        await run_in_threadpool(demo.switch, name, on=on)
        return Response(status_code=303, headers={"Location": "/"})
