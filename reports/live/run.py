"""Renders `/runs/{id}`: the run's page inside the hub, compared with the last good run, with evidence served by the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from facts import Deploy, Run
from reports.artifacts import Artifact
from reports.compare import Comparison, compare
from reports.live.deploys import DeployNote, deploy_notes
from reports.live.frame import Frame
from reports.pages import render
from reports.run_page import RunPage, run_context


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRunPage:
    """Holds the data of the template; `traces` are URLs of the trace viewer, one for each trace."""

    frame: Frame
    run: RunPage
    comparison: Comparison | None
    traces: tuple[str, ...]
    word: str | None
    deploys: tuple[DeployNote, ...]


def run_page(
    frame: Frame,
    run: Run,
    artifacts: tuple[Artifact, ...],
    *,
    good: Run | None,
    word: str | None = None,
    deploys: Sequence[Deploy] = (),
) -> str:
    """Return the page's HTML.

    `good` is the last good run of the same journey and location, `word` a person's note on the blame, `deploys` those since the
    good run.
    """
    named = tuple(
        replace(a, copied_as=f"{frame.prefix}/evidence/{a.fact.sha256}") if a.fact.sha256 and a.problem is None else a
        for a in artifacts
    )
    context = run_context(run, named)
    traces = tuple(
        f"{frame.prefix}/trace/index.html?trace={frame.prefix}/evidence/{a.fact.sha256}.zip"
        for a in artifacts
        if a.fact.kind == "trace" and a.fact.sha256 and a.problem is None
    )
    page = LiveRunPage(
        frame=replace(frame, tone=context.tone, title=context.title),
        run=replace(context, trace_commands=()),
        comparison=compare(run, good) if good is not None and good.id != run.id else None,
        traces=traces,
        word=word,
        deploys=deploy_notes(deploys, run.started_at),
    )
    return render("live/run.html.j2", page)
