"""Every report is one file: it needs no network, is harmless, and says its period in words."""

from __future__ import annotations

import re

import pytest

from facts import VerdictStatus
from reports.periodic.data import StatusHours, Times
from reports.periodic.registry import REPORTS
from reports.periodic.report import render_report
from tests.reports.markup import parsed
from tests.reports.periodic.builders import a_period, a_story, a_stretch, a_tally, nothing, some_data

EVIL = "<script>alert(1)</script>\u202e\x1b[31m"


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_needs_no_network_and_says_its_period_and_zone(name: str) -> None:
    html = render_report(REPORTS[name], some_data(name))
    page = parsed(html)
    asked_for = [
        a
        for e in page.elements
        if e.tag != "a"
        for k, a in e.attributes.items()
        if k in ("src", "href", "action", "data")
    ]
    assert [address for address in asked_for if not address.startswith(("data:", "#"))] == []
    assert "url(http" not in html
    assert "@import" not in html
    assert "<script" not in html
    assert "days of America/Chicago" in html or "midnight to midnight in America/Chicago" in html
    assert a_period(name).title in html
    assert html.index("<h1>") < html.index("What to do") < html.index('class="card"')


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_about_nothing_says_unknown_or_off_and_breaks_nothing(name: str) -> None:
    period = a_period(name)
    html = render_report(
        REPORTS[name], some_data(name, nothing(period), nothing(period.previous()), rules=(), sources=())
    )
    assert not re.search(r">(?:None|nan|inf)<", html)
    assert "0 %" not in html


@pytest.mark.parametrize("name", REPORTS)
def test_hostile_texts_are_shown_as_text(name: str) -> None:
    period = a_period(name)
    story = a_story(period.since, title=EVIL, told=(EVIL,))
    now = a_stretch(
        period,
        stories=(story,),
        tallies=(a_tally(location=EVIL, journey=EVIL),),
        days={EVIL: {}},
        steps={(EVIL, EVIL): Times(n=50, p50=1.0, p75=1.0, p95=9.0)},
        vitals={(EVIL, "LCP"): Times(n=50, p50=1.0, p75=9000.0, p95=9.0)},
        endpoints={EVIL: Times(n=50, p50=1.0, p75=1.0, p95=9000.0)},
        statuses={EVIL: StatusHours(rule=EVIL, hours={VerdictStatus.CRITICAL: 1.0})},
    )
    html = render_report(REPORTS[name], some_data(name, now, site=f"https://shop.example/{EVIL}"))
    assert "<script" not in html
    assert not {"\u202e", "\x1b"} & set(html)
