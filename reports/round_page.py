"""Renders the page of a round: every journey at every location, with its failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from facts import Run, Status
from reports import pages
from reports.artifacts import read_artifacts
from reports.round_context import round_context
from reports.run_page import write_run
from reports.sections.evidence import Picture, picture_of

_MOST_PICTURES = 8


def write_round(
    runs: Sequence[Run], *, title: str, evidence: Path | None, out: Path, now: datetime | None = None
) -> Path:
    """Write `out/index.html` for all runs and each run's own page into `out/runs/`, and return the index's path.

    `evidence` is the folder that `Evidence.path` is relative to. `now` is when the page is written (default: the
    current time).

    Raises:
        OSError: `out` cannot be created or written.
    """
    for run in runs:
        write_run(run, evidence=evidence, out=out / "runs")
    html = render_round(runs, title=title, pictures=_pictures(runs, evidence), now=now or datetime.now(UTC))
    return pages.write(out / "index.html", html)


def render_round(
    runs: Sequence[Run], *, title: str, now: datetime, pictures: Mapping[str, Picture] | None = None
) -> str:
    """Return the page's HTML. `pictures` maps run ids to screenshots."""
    return pages.render("round.html.j2", round_context(runs, title=title, pictures=pictures or {}, now=now))


def _pictures(runs: Sequence[Run], evidence: Path | None) -> dict[str, Picture]:
    """Return the screenshots of the first runs that did not pass, by run id."""
    unhappy = [run for run in runs if run.status is not Status.PASSED][:_MOST_PICTURES]
    found = {run.id: picture_of(run, read_artifacts(run, evidence)) for run in unhappy}
    return {run_id: picture for run_id, picture in found.items() if picture}
