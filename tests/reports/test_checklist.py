"""The guide's checklist: each item is ticked by a fact, left open by one, or left to a person."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reports.checklist import ChecklistFacts, Item, Tick, checklist, render_checklist, summed_up

NOW = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALL_WELL = ChecklistFacts(
    now=NOW,
    zone="America/Chicago",
    results={"us-east": NOW - HOUR / 2, "us-west": NOW},
    oldest_run=NOW - 30 * DAY,
    has_escalation=True,
    reached={"slack": NOW - 3 * DAY},
    first_watched=NOW - 30 * DAY,
    watch_coverage=0.99,
    own_rules=("D1",),
    written={"weekly": NOW - DAY, "monthly": NOW - 29 * DAY},
    recipients=2,
)
FLOWS, ERRORS, BASELINE = "Set up synthetic", "Configure error", "Establish baseline"
ROUTES, DASHBOARDS, CHANNELS = "Create alert routing", "Set up business", "Test all alert"
LAUNCH, THRESHOLDS, WEEKLY, MONTHLY = "Monitor key metrics", "Adjust alert", "Weekly review", "Monthly stakeholder"


def item(begins: str, **facts: Any) -> Item:
    (found,) = [one for one in checklist(replace(ALL_WELL, **facts)) if one.text.startswith(begins)]
    return found


def test_what_the_product_knows_to_be_done_is_ticked_and_the_rest_is_a_persons() -> None:
    ticks = {one.text: one.tick for one in checklist(ALL_WELL)}
    assert len(ticks) == 14
    yours = [text for text, tick in ticks.items() if tick is Tick.YOURS]
    assert [text.split()[0] for text in yours] == ["Quarterly", "Annual", "Continuous", "Regular"]
    assert set(ticks.values()) == {Tick.DONE, Tick.YOURS}
    assert summed_up(checklist(ALL_WELL)) == "10 of 14 are done, 0 are open, 4 are yours to tick."


@pytest.mark.parametrize(
    ("begins", "facts", "tick", "found"),
    [
        (FLOWS, {"missing_journeys": ("vip_member_discount",)}, Tick.OPEN, "vip_member_discount is not scheduled"),
        (FLOWS, {"results": {"us-east": None, "us-west": NOW}}, Tick.OPEN, "no result of the last hour from us-east"),
        (FLOWS, {"results": {"us-east": NOW - 2 * HOUR}}, Tick.OPEN, "no result of the last hour from us-east"),
        (FLOWS, {"results": {}}, Tick.OPEN, "no result of the last hour from anywhere"),
        (
            ERRORS,
            {"sources_off": {"events": "none came", "logs": "none is named"}},
            Tick.OPEN,
            "no source of the site's errors",
        ),
        (ERRORS, {"sources_off": {"events": "none came"}}, Tick.DONE, "the site's errors come in"),
        (ERRORS, {"errors_are_judged": False}, Tick.OPEN, "no rule judges them"),
        (BASELINE, {"oldest_run": NOW - 3 * DAY}, Tick.OPEN, "3 days of runs"),
        (BASELINE, {"oldest_run": None}, Tick.OPEN, "no run is known"),
        (ROUTES, {"untold": ("critical", "high")}, Tick.OPEN, "nobody is told of critical and high alerts"),
        (ROUTES, {"has_escalation": False}, Tick.OPEN, "has no `escalation`"),
        (ROUTES, {"unreached": ("ceo",)}, Tick.OPEN, "ceo in a tier of critical alerts reach nobody"),
        (DASHBOARDS, {"sources_off": {"stripe": "no key"}}, Tick.OPEN, "stripe: no key"),
        (DASHBOARDS, {"sources_off": {"sms": "no key"}}, Tick.DONE, "their sources are connected"),
        (CHANNELS, {"reached": {}}, Tick.OPEN, "no destination has an address"),
        (CHANNELS, {"reached": {"slack": None, "sms": NOW}}, Tick.YOURS, "slack took no alert in 90 days"),
        (CHANNELS, {"reached": {"slack": NOW - 91 * DAY}}, Tick.YOURS, "slack took no alert in 90 days"),
        (LAUNCH, {"first_watched": None}, Tick.OPEN, "no hub has watched yet"),
        (LAUNCH, {"first_watched": NOW - DAY}, Tick.OPEN, "the first 48 hours end at 1 Dec 08:00"),
        (LAUNCH, {"watch_coverage": 0.5}, Tick.OPEN, "only 50 %"),
        (LAUNCH, {"watch_coverage": None}, Tick.YOURS, "no longer known"),
        (THRESHOLDS, {"own_rules": ()}, Tick.YOURS, "every rule is as shipped"),
        (WEEKLY, {"written": {}}, Tick.OPEN, "never written"),
        (WEEKLY, {"written": {"weekly": NOW - 9 * DAY}}, Tick.OPEN, "last written at 21 Nov 08:00"),
        (MONTHLY, {"recipients": 0}, Tick.OPEN, "nobody gets it"),
    ],
)
def test_an_item_is_decided_by_its_fact(begins: str, facts: dict[str, Any], tick: Tick, found: str) -> None:
    told = item(begins, **facts)
    assert told.tick is tick
    assert found in told.found
    assert bool(told.todo) is (tick is not Tick.DONE)


def test_the_reviews_have_the_day_on_which_the_next_is_due() -> None:
    assert "quarter 3 of 2026 can be held, the next is due on 1 January 2027" in item("Quarterly").found
    assert "2025 can be held" in item("Annual").found


def test_the_items_are_the_guides_word_by_word() -> None:
    told = [(one.list, one.text) for one in checklist(ALL_WELL)]
    assert list(dict.fromkeys(name for name, _ in told)) == [
        "Pre-Launch Setup",
        "Post-Launch Monitoring",
        "Ongoing Optimization",
    ]


def test_the_page_is_one_file_and_shows_hostile_text_as_text() -> None:
    items = checklist(replace(ALL_WELL, sources_off={"stripe": "<script>\u202e"}))
    html = render_checklist(items, now=NOW, zone="UTC")
    assert "<script" not in html
    assert "\u202e" not in html
    assert not re.search(r"(src|href)=\"http", html)
    assert html.count("☑") == 9
