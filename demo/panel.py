"""The panel: every fault one click away, and what the latest rounds found."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from demo.faults import FAULTS, Faults, UnknownFaultError
from demo.shop.app import from_here
from facts import Run, Status

_ROUNDS_KEPT = 12
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; form-action 'self'; "
        "img-src data:; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A round on the panel: its journeys by location, and the sentences of what broke."""

    at: datetime
    locations: list[str]
    rows: list[tuple[str, list[Run | None]]]
    sentences: list[str]

    @property
    def passed(self) -> bool:
        """Whether all of it passed."""
        return all(run is None or run.status is Status.PASSED for _, runs in self.rows for run in runs)


class Panel:
    """State and pages of the panel. Rounds are shown from one thread and read from another."""

    def __init__(self, faults: Faults, *, shop_url: str, report: Path | None) -> None:
        self._faults = faults
        self._shop_url = shop_url
        self._report = report
        self._lock = threading.Lock()
        self._rounds: deque[Shown] = deque(maxlen=_ROUNDS_KEPT)
        loader = FileSystemLoader(Path(__file__).parent / "templates")
        self._environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)

    def show(self, runs: Sequence[Run]) -> None:
        """Put a round on top."""
        locations = list(dict.fromkeys(run.location for run in runs))
        journeys = list(dict.fromkeys(run.journey for run in runs))
        found = {(run.journey, run.location): run for run in runs}
        rows = [(journey, [found.get((journey, location)) for location in locations]) for journey in journeys]
        sentences = list(dict.fromkeys(f"{run.journey}: {run.error}" for run in runs if run.error))
        with self._lock:
            self._rounds.appendleft(Shown(at=datetime.now(UTC), locations=locations, rows=rows, sentences=sentences))

    def app(self) -> Starlette:
        """The panel's application."""
        routes: list[BaseRoute] = [
            Route("/", self._page),
            Route("/live", self._live),
            Route("/panel.js", self._script),
            Route("/faults/{name}", self._switch, methods=["POST"]),
        ]
        if self._report:
            routes.append(Mount("/report", StaticFiles(directory=self._report, html=True)))
        return Starlette(routes=routes)

    async def _page(self, _request: Request) -> Response:
        return HTMLResponse(self._render("panel.html"), headers=_HEADERS)

    async def _live(self, _request: Request) -> Response:
        return HTMLResponse(self._render("panel_live.html"), headers=_HEADERS)

    async def _script(self, _request: Request) -> Response:
        script = (Path(__file__).parent / "templates" / "panel.js").read_text(encoding="utf-8")
        return Response(script, media_type="text/javascript", headers=_HEADERS)

    async def _switch(self, request: Request) -> Response:
        if not from_here(request):
            return PlainTextResponse("Faults are switched from the panel itself only", status_code=403)
        name = request.path_params["name"]
        try:
            if self._faults.on(name):
                self._faults.stop(name)
            else:
                self._faults.start(name)
        except UnknownFaultError as error:
            return PlainTextResponse(str(error), status_code=404)
        return RedirectResponse("/", status_code=303)

    def _render(self, template: str) -> str:
        active = self._faults.active()
        with self._lock:
            rounds = list(self._rounds)
        return self._environment.get_template(template).render(
            faults=[(name, description, name in active) for name, description in FAULTS.items()],
            active=active,
            rounds=rounds,
            shop_url=self._shop_url,
            now=datetime.now(UTC),
            has_report=bool(self._report and (self._report / "index.html").is_file()),
        )
