"""Jobs for tests, and journeys written on the spot."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from facts import Run
from journeys.site import Site
from runner.attempt.job import Job
from runner.attempt.start import make_run

HEADER = "from journeys.visit import SiteBroken, Kind, Visit, journey\n\n\n"


def a_job(folder: Path, url: str, journey: str = "look", **changes: Any) -> Job:
    """A job whose evidence goes into `folder` and whose confirmation comes at once."""
    values: dict[str, Any] = {
        "run_id": "test-run",
        "journey": journey,
        "location": "local",
        "site": Site(base_url=url, cities={"Dallas": "dallas-jan-2026"}),
        "evidence": str(folder / "evidence"),
        "confirm_after_s": 0.1,
        "journeys_dir": str(folder),
        "sandbox": False,
    }
    return Job(**{**values, **changes})


def a_journey(
    folder: Path, body: str, *, steps: str = '("open", "look")', options: str = "", name: str = "look"
) -> Path:
    """Write a journey named `look` (or `name`) whose function has this body."""
    head = f'@journey(title="A test", steps={steps}, {options})\ndef {name}(visit: Visit) -> None:\n'
    file = folder / f"{name}.py"
    file.write_text(HEADER + head + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n")
    return file


LOOK = """
    page = visit.page
    with visit.step("open"):
        visit.go(visit.site.url("/"))
    with visit.step("look"):
        visit.see(page.get_by_role("button", name="Buy"))
"""


def walk(
    folder: Path, url: str, body: str = LOOK, *, options: str = "slow_after_s=3, deadline_s=9, step_s=3", **changes: Any
) -> Run:
    """Write a journey, run it once at a site, and return the record; a failure is confirmed only where asked for."""
    a_journey(folder, body, options=options)
    return make_run(a_job(folder, url, **{"confirm": False, **changes}))
