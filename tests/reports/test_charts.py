"""Charts are well-formed SVG that can be read without seeing it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from reports.charts import Bar, Group, Mark, comparison, timeline

SVG = ElementTree.fromstring  # an XML parser: it refuses what is not well-formed
ONE = (Bar(label="choose_city", value="1.38 s", start=1000, length=1380),)


def bars_of(chart: str) -> list[dict[str, str]]:
    return [dict(e.attrib) for e in SVG(chart).iter("rect") if "bar" in e.attrib["class"].split()]


def test_a_timeline_puts_each_bar_where_its_step_began() -> None:
    early = Bar(label="a", value="", start=0, length=1000)
    late = Bar(label="b", value="", start=1000, length=3000)
    first, second = bars_of(timeline((early, late), ident="t", title="T", description="D"))
    assert (first["x"], first["width"]) == ("0.0%", "25.0%")
    assert (second["x"], second["width"]) == ("25.0%", "75.0%")


def test_a_step_that_never_began_has_no_bar() -> None:
    skipped = Bar(label="later", value="skipped", start=None, length=None, tone="mute")
    chart = timeline((*ONE, skipped), ident="t", title="T", description="D")
    assert len(bars_of(chart)) == 1
    assert "skipped" in chart


def test_a_chart_has_a_role_a_title_and_a_description() -> None:
    root = SVG(timeline(ONE, ident="steps", title="Steps", description="choose_city 1.38 s"))
    by_id = {e.attrib["id"]: e.text for e in root.iter() if "id" in e.attrib}
    assert root.attrib["role"] == "img"
    assert by_id[root.attrib["aria-labelledby"]] == "Steps"
    assert by_id[root.attrib["aria-describedby"]] == "choose_city 1.38 s"


def test_a_label_of_markup_stays_text() -> None:
    evil = "</text><script>alert(1)</script>&\x00\ud800"
    bar = Bar(label=evil, value=evil, start=0, length=1)
    for chart in (
        timeline((bar,), ident="t", title=evil, description=evil),
        comparison((Group(label=evil, bars=(bar,)),), ident="c", title=evil, description=evil),
    ):
        assert {e.tag for e in SVG(chart).iter()} <= {"svg", "title", "desc", "g", "rect", "text", "tspan", "line"}


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -5.0, 1e300, 0.0])
def test_odd_numbers_stay_inside_the_chart(odd: float) -> None:
    for bar in bars_of(
        timeline((*ONE, Bar(label="odd", value="", start=odd, length=odd)), ident="t", title="T", description="D")
    ):
        left, width = float(bar["x"].rstrip("%")), float(bar["width"].rstrip("%"))
        assert 0 <= left <= 100
        assert 0 < width <= 100
        assert left + width <= 100.01


def test_the_limit_is_drawn_only_where_it_was_reached() -> None:
    def chart(at: float) -> str:
        return timeline(ONE, ident="t", title="T", description="D", mark=Mark(at=at, label="slow: 2 s"))

    assert "slow: 2 s" in chart(2000)
    assert "slow: 2 s" not in chart(30_000)


def test_a_comparison_has_one_scale_for_all_groups() -> None:
    groups = (
        Group(label="a", bars=(Bar(label="us-east", value="1 s", start=0, length=1000),)),
        Group(label="b", bars=(Bar(label="us-east", value="2 s", start=0, length=2000),)),
    )
    short, long = bars_of(comparison(groups, ident="c", title="T", description="D"))
    assert float(long["width"].rstrip("%")) == pytest.approx(2 * float(short["width"].rstrip("%")))
