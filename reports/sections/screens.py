"""Builds the pictures of a run's page: this screen, the last good run's screen of the same step, and the filmstrip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facts import Run, Status
from reports import words
from reports.artifacts import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Holds a picture: its URL, its alternative text and a caption."""

    source: str
    alt: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodScreen:
    """Holds the last good run's picture. `is_same_step` says that both pictures show the same step, and may be compared.

    `screen` is None where that run kept no picture; `why_none` is then a sentence.
    """

    run_id: str
    at: str
    screen: Screen | None
    why_none: str
    is_same_step: bool


def url_of(artifact: Artifact, prefix: str) -> str | None:
    """Return the URL of a picture at the hub; None if the hub does not have it."""
    return f"{prefix}/evidence/{artifact.fact.sha256}.jpg" if artifact.content and artifact.fact.sha256 else None


def last_picture(artifacts: tuple[Artifact, ...]) -> Artifact | None:
    """Return the last picture of the last attempt that has one."""
    shots = [a for a in artifacts if a.fact.kind == "screenshot" and a.fact.step is None and a.content]
    return max(shots, key=lambda a: a.fact.attempt, default=None)


def good_screen(run: Run, good: Run, artifacts: tuple[Artifact, ...], *, prefix: str) -> GoodScreen:
    """Return the picture of a good run to stand beside the picture of `run`.

    This is the one of the step at which `run` ended, where the good run kept a picture of each step, else its last one.
    `artifacts` is the good run's evidence.
    """
    wanted = run.failed_step
    of_step = next((a for a in artifacts if wanted and a.fact.step == wanted and url_of(a, prefix)), None)
    shot = of_step or last_picture(artifacts)
    source = url_of(shot, prefix) if shot is not None else None
    last_step = next((step.name for step in reversed(good.steps) if step.duration_ms is not None), None)
    is_same = of_step is not None or (run.status is Status.PASSED) or (wanted is not None and wanted == last_step)
    of = f"at the end of {wanted}" if of_step is not None else "at its end"
    screen = None
    if source is not None:
        screen = Screen(
            source=source,
            alt=f"What the browser showed {of}, when {good.journey} passed",
            caption=f"The good run {of}, same location"
            if is_same
            else f"The good run {of}; it kept no picture of {wanted or 'this step'}",
        )
    return GoodScreen(
        run_id=good.id,
        at=words.utc(good.started_at),
        screen=screen,
        why_none="The last good run has no picture any more."
        if good.evidence
        else "The last good run kept no picture.",
        is_same_step=is_same and screen is not None,
    )


def film(run: Run, artifacts: tuple[Artifact, ...], *, prefix: str) -> tuple[Screen, ...]:
    """Return the pictures that were taken at the end of each step of the attempt that counts, in order."""
    ends: Mapping[str, float] = {
        step.name: (step.started_ms or 0) + (step.duration_ms or 0)
        for step in run.steps
        if step.duration_ms is not None
    }
    order = {step.name: number for number, step in enumerate(run.steps)}
    shots = [a for a in artifacts if a.fact.step in ends and a.fact.attempt == run.counts and url_of(a, prefix)]
    shots.sort(key=lambda a: order[a.fact.step or ""])
    return tuple(
        Screen(
            source=url_of(a, prefix) or "",
            alt=f"The page at the end of {a.fact.step}",
            caption=f"{a.fact.step}, {words.duration(ends[a.fact.step or ''])}",
        )
        for a in shots
    )
