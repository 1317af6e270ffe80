"""The design page shows every token, every state and every kind of chart that the hub's pages have."""

from __future__ import annotations

import ast
from pathlib import Path

import reports.charts
from demo.design_page import design_page, tokens
from reports.live.frame import a_frame
from reports.states import WidgetState
from tests.builders import A_MOMENT
from tests.reports.markup import parsed

CHARTS = Path(reports.charts.__file__).parent
OF_A_RUN = {"segments", "timeline", "waterfall", "comparison"}
"""Charts of a run's page and of a round's, which are parts of their tables."""


def html() -> str:
    frame = a_frame("Design", here="/design", now=A_MOMENT, evaluated_at=A_MOMENT, links=(), prefix="/monitor")
    return design_page(frame, A_MOMENT)


def test_every_function_that_draws_a_chart_is_shown() -> None:
    drawing = set()
    for file in CHARTS.glob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.returns is not None and ast.unparse(node.returns) == "Chart":
                drawing.add(node.name)
    page = html()
    assert drawing >= {"time_line", "heat_map"}
    assert {name for name in drawing if f"<code>{name}</code>" not in page} <= {"incident_line"}


def test_every_state_is_shown_in_words_and_as_a_card() -> None:
    document = parsed(html())
    cards = {one.get("data-widget") for one in document.all("section")}
    assert {f"state-{state.value.replace(' ', '-')}" for state in WidgetState} <= cards


def test_every_colour_of_the_style_sheet_is_shown_in_light_and_dark() -> None:
    light, dark = tokens()
    assert light["crit-fill"] != dark["crit-fill"]
    page = html()
    for name in dark:
        assert f"--{name}</code>" in page or not light[name].startswith("#")
    assert len(page.encode()) < 150_000
