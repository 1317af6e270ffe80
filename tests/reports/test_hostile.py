"""Whatever a page, a console or a record says, it stays text."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from facts import Run
from reports import render_round, render_run, write_run
from tests.builders import a_console_line, a_run, an_attempt
from tests.reports.markup import parsed

EVIL = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>\"' onclick=x {{ 7*7 }} \u202e\x00\x1b[31m\ud800"


def poisoned(noun: Any, poison: str) -> Any:
    """The noun with every text in it replaced."""
    if isinstance(noun, tuple):
        return tuple(poisoned(item, poison) for item in noun)
    if is_dataclass(noun) and not isinstance(noun, type):
        changes = {f.name: poisoned(getattr(noun, f.name), poison) for f in fields(noun)}
        return replace(noun, **changes)
    return poison if type(noun) is str else noun


def a_poisoned_run(poison: str = EVIL) -> Run:
    run: Run = poisoned(a_run(cut={poison: 3}, slow=True), poison)
    return run


def pages() -> list[str]:
    run = a_poisoned_run()
    return [render_run(run), render_round([run, run], title=EVIL, now=datetime(2026, 11, 23, tzinfo=UTC))]


@pytest.mark.parametrize("html", pages(), ids=["run", "round"])
def test_hostile_text_adds_no_element_and_no_handler(html: str) -> None:
    page = parsed(html)
    assert page.all("script") == []
    assert page.all("img") == []
    assert [a for e in page.elements for a in e.attributes if a.startswith("on")] == []
    assert (
        len(page.all("style"))
        == len(page.all("title")) - len([e for e in page.all("svg") if "aria-labelledby" in e])
        == 1
    )


@pytest.mark.parametrize("html", pages(), ids=["run", "round"])
def test_hostile_text_is_shown_as_it_was_written_without_what_hides(html: str) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7*7 }}" in html
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]", html)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "//x.example"]
)
def test_only_http_addresses_are_linked(address: str) -> None:
    attempt = an_attempt(number=2, page=address, console=(a_console_line(source=address),))
    page = parsed(render_run(a_run(site=address, attempts=(attempt,))))
    assert {link for link in page.links() if not link.startswith("#")} == set()
    assert address in page.text


def test_a_megabyte_of_console_text_is_cut_to_4_kb() -> None:
    usual = len(render_run(a_run(attempts=(an_attempt(number=2),))))
    long = an_attempt(number=2, console=(a_console_line("x" * 1_000_000),))
    assert len(render_run(a_run(attempts=(long,)))) < usual + 5000


def test_a_megabyte_in_every_field_still_makes_a_page(out: Path) -> None:
    written = write_run(a_poisoned_run("y" * 1_000_000), evidence=None, out=out)
    assert written.stat().st_size < 2_000_000


@pytest.mark.parametrize("html", pages(), ids=["run", "round"])
def test_the_policy_forbids_everything_but_embedded_pictures_and_styles(html: str) -> None:
    policy = next(m["content"] for m in parsed(html).all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
