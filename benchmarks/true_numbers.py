"""How near the product's numbers come to what is known: the pages of `tests/known_pages.py`, measured again and again.

Prints the table, and with `--write` puts it into `docs/numbers.md`. Where npm is there, each visit is also measured by the
usual library, and the table says how far apart the two are at most.

    .venv/bin/python -P benchmarks/true_numbers.py [--rounds 12] [--write]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from journeys.browser import find_browser, launch_options
from journeys.recording import Recorder
from tests.known_pages import PAGES, SITE, KnownPage, Number
from tests.sites import a_site
from tests.web_vitals_library import LISTEN, LibraryUnavailableError, library

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "numbers.md"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
HEAD = ("page", "number", "known", "tolerance", "measured: median (least to most)", "web-vitals 6 off by at most")
# The library keeps its last word in the page, so that a page that was left has none.
ASKED = {("/soft", "LCP"): "LCP/tickets"} | {
    (path, name): name + path
    for path, names in {"/picture": ("LCP", "TTFB"), "/shift": ("CLS",), "/slow-handler": ("INP",)}.items()
    for name in names
}
Found = dict[tuple[str, str], list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    values: Found = defaultdict(list)
    apart: Found = defaultdict(list)
    with sync_playwright() as playwright, a_site(SITE) as site:
        found = find_browser(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(**{**launch_options(sandbox=False), **found.launch})
        version = browser.version
        for number in range(asked.rounds):
            for known in PAGES:
                visit(browser, known, site.url, values, apart)
            print(f"round {number + 1} of {asked.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
        browser.close()
    text = table(values, apart)
    text += f"\n{asked.rounds} rounds, Chromium {version} ({found.source}), {os.cpu_count()} cores, "
    text += f"load average {os.getloadavg()[2]:.1f} over the last 15 minutes.\n"
    print(text)
    if asked.write:
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        DOCUMENT.write_text(before + BEGIN + text + END + after, encoding="utf-8")


def visit(browser: Browser, known: KnownPage, url: str, values: Found, apart: Found) -> None:
    """One visit of one page, and what it adds to what was found."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    recorder = Recorder(site_url=url)
    recorder.attach(context)
    script = library_script()
    if script:
        page.add_init_script(script)
    page.goto(url + known.path)
    known.walk(page)
    for number in known.numbers:
        value = number.read(recorder)
        if value is None:
            raise SystemExit(f"{known.path} told no {number.name}")
        values[known.path, number.name].append(value)
        key = ASKED.get((known.path, number.name))
        if script and key:
            page.wait_for_function(f"() => window.told['{key}']")
            theirs: Any = page.evaluate(f"() => window.told['{key}'].value")
            apart[known.path, number.name].append(abs(value - theirs))
    context.close()


def library_script() -> str | None:
    try:
        return library().read_text(encoding="utf-8") + LISTEN
    except LibraryUnavailableError as error:
        print(f"not compared with the usual library: {error}", file=sys.stderr)
        return None


def table(values: Found, apart: Found) -> str:
    rows = [HEAD, ("---",) * len(HEAD)]
    for known in PAGES:
        for place, number in enumerate(known.numbers):
            key = known.path, number.name
            what = known.what if place == 0 else ""
            rows.append(
                (what, number.name, number.known, number.tolerance, span(number, values[key]), most(number, apart[key]))
            )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def span(number: Number, found: Sequence[float]) -> str:
    middle = statistics.median(found)
    return f"{number.words(middle)} ({number.words(min(found))} to {number.words(max(found))})"


def most(number: Number, found: Sequence[float]) -> str:
    if not found:
        return "–"
    return f"{max(found):.4f}" if number.unit == "score" else f"{max(found):.2f} ms"


if __name__ == "__main__":
    main()
