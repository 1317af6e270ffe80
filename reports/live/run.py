"""Renders `/runs/{id}`: the run's page inside the hub, beside the last good run, with evidence served by the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup

from facts import Blame, Deploy, Run, Status
from reports.artifacts import Artifact
from reports.compare import Comparison, compare
from reports.live.deploys import DeployNote, deploy_notes
from reports.live.frame import Frame
from reports.pages import render
from reports.run_page import RunPage, run_context
from reports.sections.elsewhere import Elsewhere, ErrorCount, elsewhere_section
from reports.sections.screens import GoodScreen, Screen, film, good_screen
from reports.usual import Usual


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAround:
    """Holds what the hub knows around a run.

    `good` is the last good run of the same journey and location, None if there is none. `pictured` is the good run whose
    picture is shown, which may be an earlier one, and `good_artifacts` its evidence.
    `usual` are the usual durations of the steps. `deploys` are those since the good run. `errors` counts how runs ended in
    the periods that end at `until`, which is not now if `is_past`. `word` is a person's note on the blame, and `incident` the id
    and the title of the incident that the run belongs to. `can_run` says
    whether the journey is planned at the location, so that a run can be requested.
    """

    good: Run | None = None
    pictured: Run | None = None
    good_artifacts: tuple[Artifact, ...] = ()
    usual: Usual | None = None
    deploys: Sequence[Deploy] = ()
    errors: Sequence[ErrorCount] = ()
    until: datetime
    is_past: bool = False
    word: str | None = None
    incident: tuple[str, str] | None = None
    can_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRunPage:
    """Holds the data of the template.

    `traces` are URLs of the trace viewer, one for each trace, and `trace_files` those of the files where the viewer cannot
    be opened. `blames` are the choices of the form that reclassifies the run; empty if there is nobody to blame.
    """

    frame: Frame
    run: RunPage
    run_id: str
    journey: str
    location: str
    at: str
    good: GoodScreen | None
    comparison: Comparison | None
    elsewhere: Elsewhere | None
    film: tuple[Screen, ...]
    traces: tuple[str, ...]
    trace_files: tuple[str, ...]
    word: str | None
    incident: tuple[str, str] | None
    deploys: tuple[DeployNote, ...]
    blames: tuple[str, ...]
    can_run: bool


def run_page(
    frame: Frame, run: Run, artifacts: tuple[Artifact, ...], around: RunAround, *, opens_traces: bool = True
) -> str:
    """Return the page's HTML.

    `opens_traces` says whether the reader's browser can open the trace viewer, which needs https or its own machine;
    otherwise the page says how a trace is opened by a command.
    """
    named = tuple(
        replace(a, copied_as=f"{frame.prefix}/evidence/{a.fact.sha256}") if a.fact.sha256 and a.problem is None else a
        for a in artifacts
    )
    context = _with_picture_by_url(run_context(run, named, usual=around.usual), named)
    traces = tuple(a for a in named if a.fact.kind == "trace" and a.copied_as)
    good = around.good if around.good is not None and around.good.id != run.id else None
    page = LiveRunPage(
        frame=replace(frame, tone=context.tone, title=context.title),
        run=replace(context, trace_commands=()),
        run_id=run.id,
        journey=run.journey,
        location=run.location,
        at=f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC",
        good=good_screen(run, around.pictured or good, around.good_artifacts, prefix=frame.prefix) if good else None,
        comparison=compare(run, good) if good else None,
        elsewhere=elsewhere_section(run, around.errors, until=around.until, is_past=around.is_past),
        film=film(run, artifacts, prefix=frame.prefix),
        traces=tuple(f"{frame.prefix}/trace/index.html?trace={a.copied_as}.zip" for a in traces)
        if opens_traces
        else (),
        trace_files=() if opens_traces else tuple(f"{a.copied_as}.zip" for a in traces),
        word=around.word,
        incident=around.incident,
        deploys=deploy_notes(around.deploys, run.started_at),
        blames=() if run.status in (Status.PASSED, Status.MISSED, Status.SKIPPED) else tuple(Blame),
        can_run=around.can_run,
    )
    return render("live/run.html.j2", page)


def _with_picture_by_url(context: RunPage, artifacts: tuple[Artifact, ...]) -> RunPage:
    """Return the context with the picture as a URL: it is as large as everything else on the page, and is cached."""
    picture = context.evidence.picture
    if picture is None:
        return context
    url = next((a.copied_as for a in artifacts if a.fact.sha256 == picture.sha256 and a.copied_as), None)
    if url is None:
        return context
    return replace(
        context, evidence=replace(context.evidence, picture=replace(picture, source=Markup("{}.jpg").format(url)))
    )
