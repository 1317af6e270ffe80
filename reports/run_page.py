"""Renders the page of one run: the cause on top, readable in ten seconds, and all details below."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from facts import Run
from reports import pages, vitals
from reports.artifacts import Artifact, copy_traces, file_name, read_artifacts
from reports.sections.attempts import AttemptsSection, attempts_section
from reports.sections.causes import Cause, causes
from reports.sections.detail import Detail
from reports.sections.environment import cut_notes, environment
from reports.sections.evidence import EvidenceSection, evidence_section
from reports.sections.headline import Headline, headline
from reports.sections.page_words import PageWords, page_words
from reports.sections.purchases import PurchaseRow, purchase_row
from reports.sections.requests import RequestsSection, requests_section
from reports.sections.steps import StepsSection, steps_section
from reports.usual import Usual


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """Holds the data of the template."""

    title: str
    tone: str
    headline: Headline
    steps: StepsSection
    requests: RequestsSection
    said: PageWords
    targets: tuple[vitals.Target, ...]
    vitals: tuple[vitals.Row, ...]
    causes: tuple[Cause, ...]
    purchases: tuple[PurchaseRow, ...]
    attempts: AttemptsSection
    environment: tuple[Detail, ...]
    notes: tuple[str, ...]
    evidence: EvidenceSection
    trace_commands: tuple[str, ...]


def write_run(run: Run, *, evidence: Path | None, out: Path) -> Path:
    """Write the run's page as `out/<run id>.html` with its trace beside it, and return the page's path.

    `evidence` is the folder that `Evidence.path` is relative to. The page names evidence that is missing or unreadable.

    Raises:
        OSError: `out` cannot be created or written.
    """
    name = file_name(run.id)
    artifacts = copy_traces(read_artifacts(run, evidence), evidence, out, name)
    return pages.write(out / f"{name}.html", render_run(run, artifacts, folder=out))


def render_run(run: Run, artifacts: tuple[Artifact, ...] = (), *, folder: Path | None = None) -> str:
    """Return the page's HTML. `artifacts` is the run's evidence that was found; `folder` is where the page will be stored."""
    return pages.render("run.html.j2", run_context(run, artifacts, folder or Path()))


def run_context(
    run: Run, artifacts: tuple[Artifact, ...], folder: Path = Path(), *, usual: Usual | None = None
) -> RunPage:
    """Return the context of a run's page.

    `folder` is where the page will be stored. `usual` are the usual durations of the steps, None if they are unknown.
    """
    top = headline(run)
    attempt = run.counted
    proof = evidence_section(run, artifacts)
    return RunPage(
        title=f"{top.status}: {run.journey} at {run.location}",
        tone=top.tone,
        headline=top,
        steps=steps_section(run.steps, ident="steps-chart", slow_after_ms=run.slow_after_ms, usual=usual),
        requests=requests_section(attempt, run.failed_step),
        said=page_words(attempt, artifacts),
        targets=vitals.TARGETS,
        vitals=vitals.rows(run.vitals),
        causes=causes(run.vitals),
        purchases=tuple(purchase_row(purchase) for purchase in run.purchases),
        attempts=attempts_section(run),
        environment=environment(run),
        notes=(*run.notes, *cut_notes(run)),
        evidence=proof,
        trace_commands=tuple(f".venv/bin/playwright show-trace {shlex.quote(str(folder / t))}" for t in proof.traces),
    )
