"""Where a time went is read at a glance: in words, as a bar, and the longest part first."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from reports import render_run
from reports.phases import bar, spent
from reports.sections.causes import causes
from reports.sections.requests import requests_section
from tests.builders import a_request, a_run, a_vital, an_attempt, some_vitals
from tests.reports.markup import parsed

LCP = {"ttfb": 120.0, "load_delay": 30.0, "load_duration": 800.0, "render_delay": 50.0}


def test_each_phase_is_said_in_words_and_the_longest_is_marked() -> None:
    assert [(s.name, s.took, s.is_longest) for s in spent(LCP)] == [
        ("first byte", "120 ms", False),
        ("before its request", "30 ms", False),
        ("load", "800 ms", True),
        ("until the paint", "50 ms", False),
    ]


def test_a_phase_that_took_no_time_is_left_out() -> None:
    assert [s.name for s in spent({"ttfb": 40.0, "load_delay": 0.0, "load_duration": 0.0, "render_delay": 9.0})] == [
        "first byte",
        "until the paint",
    ]


def test_a_bar_has_a_segment_for_each_phase_where_it_was() -> None:
    drawn = ElementTree.fromstring(bar({"queued": 0.0, "wait": 50.0, "receive": 25.0}, start=25.0, total=100.0))
    segments = [(e.attrib["class"], e.attrib["x"], e.attrib["width"]) for e in drawn.iter("rect")][1:]
    assert segments == [("phase-wait", "25.0%", "50.0%"), ("phase-receive", "75.0%", "25.0%")]


def test_a_phase_that_this_version_does_not_know_is_shown_by_its_name() -> None:
    (odd,) = spent({'"><script>': 5.0})
    assert (odd.name, odd.kind) == ('"><script>', "other")
    run = a_run(vitals=(a_vital("LCP", 5.0, target="#a", phases={'"><script>': 5.0}),))
    page = parsed(render_run(run))
    assert page.all("script") == []
    assert '"><script>' in page.text


def test_the_cause_of_each_vital_names_its_element() -> None:
    found = causes(some_vitals("/", CLS=0.2))
    assert [(c.name, c.element, c.picture, c.note) for c in found] == [
        ("LCP", "main > section.hero > img", "/hero.png", None),
        ("INP", "#buy", None, "on click"),
        ("CLS", "main > div.banner", None, "moved most"),
    ]


@pytest.mark.parametrize(
    "vital",
    [
        a_vital("CLS", 0.0, target="#a"),
        a_vital("INP", None),
        a_vital("LCP", 900.0),
        a_vital("FID", 9.0, target="#a"),
    ],
    ids=["nothing moved", "no interaction", "an older runner", "not explained"],
)
def test_a_vital_of_which_nothing_is_known_has_no_cause(vital: object) -> None:
    assert causes((vital,)) == ()  # type: ignore[arg-type]


def test_an_estimated_interaction_says_so() -> None:
    (cause,) = causes((a_vital("INP", 210.0, target="#a", event="click", estimated=True),))
    assert cause.note == "on click; the page was left before it could paint: what its handlers took"


def test_the_page_of_a_run_says_where_the_time_went() -> None:
    text = parsed(render_run(a_run())).text
    assert "first byte 143 ms before its request 214 ms load 857 ms until the paint 214 ms" in text
    assert "connect 14 ms wait 55 ms receive 18 ms" in text


@pytest.mark.parametrize(("bytes_", "words"), [(None, "–"), (0, "from the cache"), (812, "812 B"), (51_540, "51.5 kB")])
def test_a_requests_weight_is_said_in_words(bytes_: int | None, words: str) -> None:
    section = requests_section(an_attempt(requests=(a_request(transferred_bytes=bytes_),)), None)
    assert section.groups[0].rows[0].size == words


def test_a_record_of_an_older_runner_has_plain_bars_and_no_legend() -> None:
    section = requests_section(an_attempt(requests=(a_request(phases={}),)), None)
    assert section.legend == ()
    assert "bar-plain" in section.groups[0].rows[0].bar
