"""Prints how fast each page of a hub is in a browser: the vitals that the journey `hub_pages` measures.

python -P benchmarks/hub_pages.py http://127.0.0.1:8600 [runs]
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from facts import Run
from journeys.site import Site
from runner.attempt.job import Job
from runner.attempt.start import make_run

JOURNEYS = Path(__file__).resolve().parents[1] / "deploy" / "journeys"
WANTED_LCP_MS = 1000
_SHOWN = ("TTFB", "FCP", "LCP", "CLS")


def main() -> None:
    """Walk the pages some times and print the medians; the exit code is 1 where a page is slower than wanted."""
    url, times = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(times):
        run = walked(url, number)
        print(f"{run.status.value} in {run.duration_ms / 1000:.1f} s{': ' + run.error if run.error else ''}")
        for vital in run.vitals:
            if vital.value is not None:
                values[vital.page, vital.name].append(vital.value)
    pages = list(dict.fromkeys(page for page, _ in values))
    print(f"{'page':<24}" + "".join(f"{name:>10}" for name in _SHOWN))
    for page in pages:
        cells = [median(found) if (found := values[page, name]) else None for name in _SHOWN]
        print(f"{page:<24}" + "".join(f"{'–' if cell is None else f'{cell:.3g}':>10}" for cell in cells))
    slow = [page for page in pages if (found := values[page, "LCP"]) and median(found) > WANTED_LCP_MS]
    sys.exit(f"slower than {WANTED_LCP_MS} ms: {', '.join(slow)}" if slow else 0)


def walked(url: str, number: int) -> Run:
    """Return a run of the journey in a browser of its own, whose cache is empty."""
    with tempfile.TemporaryDirectory() as folder:
        job = Job(
            run_id=f"hub-pages-{number}",
            journey="hub_pages",
            location="local",
            site=Site(base_url=url, cities={}),
            evidence=folder,
            confirm=False,
            journeys_dir=str(JOURNEYS),
        )
        return make_run(job)


if __name__ == "__main__":
    main()
