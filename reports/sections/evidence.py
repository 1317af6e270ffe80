"""Builds the section on a run's evidence files, and the picture at the top of the page."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from markupsafe import Markup

from facts import NO_PICTURE, Run, Status
from reports import words
from reports.artifacts import Artifact
from reports.sections.screens import last_picture

_KINDS = {"screenshot": "Screenshot", "trace": "Trace", "page_text": "Page text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Holds a screenshot as a URL (`data:` unless another is put in its place), with its alternative text."""

    source: Markup
    alt: str
    caption: str
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """Holds one file. `link` is the name of its copy beside the page."""

    kind: str
    attempt: int
    size: str
    sha256: str
    masked: int
    link: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSection:
    """Holds the section; `no_picture` says why there is no picture; `traces` are the names of the copies beside the page."""

    picture: Picture | None
    no_picture: str
    rows: tuple[EvidenceRow, ...]
    traces: tuple[str, ...]


def evidence_section(run: Run, artifacts: tuple[Artifact, ...]) -> EvidenceSection:
    """Return the section of a run; `artifacts` is the part of its evidence that was found."""
    return EvidenceSection(
        picture=picture_of(run, artifacts),
        no_picture=f"No screenshot: {_why_none(run, artifacts)}.",
        rows=tuple(_row(artifact) for artifact in artifacts),
        traces=tuple(a.copied_as for a in artifacts if a.copied_as),
    )


def picture_of(run: Run, artifacts: tuple[Artifact, ...]) -> Picture | None:
    """Return the screenshot of the latest attempt that has one; None if none has."""
    shot = last_picture(artifacts)
    if shot is None:
        return None
    at = f" at {run.failed_step}" if run.failed_step else ""
    page = next((a.page for a in run.attempts if a.number == shot.fact.attempt and a.page), None)
    return Picture(
        source=Markup("data:image/jpeg;base64,") + base64.b64encode(shot.content or b"").decode(),
        alt=f"What the browser showed when {run.journey} ended{at}" + (f", on {page}" if page else ""),
        caption=f"The page as attempt {shot.fact.attempt} left it",
        sha256=shot.fact.sha256,
    )


def _why_none(run: Run, artifacts: tuple[Artifact, ...]) -> str:
    problems = [
        a.fact.note or a.problem or "the file is empty"
        for a in artifacts
        if a.fact.kind == "screenshot" and a.fact.step is None
    ]
    noted = [note.removeprefix(NO_PICTURE) for note in run.notes if note.startswith(NO_PICTURE)]
    if problems or noted:
        return [*noted, *problems][-1].rstrip(".")
    if run.status in (Status.MISSED, Status.SKIPPED):
        return "nothing was run"
    if run.browser in ("no browser", "unknown"):
        return "no browser was started"
    if run.status in (Status.TIMED_OUT, Status.ERRORED):
        return "the run was ended before one could be taken"
    return "the record does not say why"


def _row(artifact: Artifact) -> EvidenceRow:
    fact = artifact.fact
    altered = "its bytes are not those that were hashed" if artifact.is_altered else None
    return EvidenceRow(
        kind=_KINDS.get(fact.kind, fact.kind) + (f" of {fact.step}" if fact.step else ""),
        attempt=fact.attempt,
        size=words.size(fact.bytes) if fact.path else "–",
        sha256=fact.sha256 or "none",
        masked=fact.masked,
        link=artifact.copied_as,
        notes=tuple(note for note in (fact.note or artifact.problem, altered) if note),
    )
