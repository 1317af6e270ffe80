"""Reads what the hub has of a run's evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from facts import Run
from reports.artifacts import Artifact, read_artifacts
from store import Store, evidence
from store.retention import Retention

_PICTURE_LIMIT = 5_000_000


def read_evidence(
    store: Store, path_of: Callable[[str], Path | None], run: Run, *, now: datetime
) -> tuple[Artifact, ...]:
    """Return the run's evidence: the content of what the hub has, and the reason for what is missing.

    `path_of` finds the file of a hash; None where there is none.
    """
    found = []
    with store.read() as connection:
        gone = evidence.why_gone(connection, [e.sha256 for e in run.evidence if e.sha256], location=run.location)
    old = run.finished_at < now - Retention().evidence
    missing = "let go: evidence is kept 14 days" if old else "it has not come yet"
    for artifact in read_artifacts(run, None):
        path = path_of(artifact.fact.sha256 or "")
        if path is None:
            known = artifact.fact.note or gone.get(artifact.fact.sha256 or "", missing)
            found.append(Artifact(fact=artifact.fact, problem=known))
            continue
        content = (
            # Traces are opened in the viewer, and a huge picture is left out of the page.
            path.read_bytes() if artifact.fact.kind != "trace" and path.stat().st_size < _PICTURE_LIMIT else None
        )
        found.append(Artifact(fact=artifact.fact, content=content))
    return tuple(found)
