"""Walks the guide's text line by line: whatever it wants measured or judged has a metric and a rule, or the reason why none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import read_document
from metrics import CATALOGUE

HERE, ROOT = Path(__file__).parent, Path(__file__).resolve().parents[2]
GUIDE = [line.strip() for line in (HERE / "guide.txt").read_text(encoding="utf-8").splitlines()]
LINES = {
    line: answer.strip()
    for told in (HERE / "guide_lines.txt").read_text(encoding="utf-8").splitlines()
    if not told.startswith("#")
    for line, _, answer in [told.partition(" => ")]
}
RULES = read_document(ROOT / "sla.yaml").data
FIRST, LAST = "## 🎯 Monitoring Objectives", "## 🔧 Implementation Tools"
ROUTING = ("## 🔔 Alert Routing & Escalation", "## 📊 Custom Metrics & Instrumentation")
# What only describes a line beside it, or is no number: headings, syntax, limits of what is named above, who is told, how a page looks.
DESCRIBES = re.compile(
    r"|#.*|```.*|//.*|[\]\[{}(),]+|const \w+ = [{\[]|[\w-]+: [{\[]|[|][-|]+[|]"
    r"|[|] (Endpoint|Service) .*|Ensure the .*|(Revenue-impacting|User experience|Operational|High-level|Technical|Analytics) .*"
    r"|(threshold|duration|priority|escalation|frequency|locations|insights|refreshRate|retention): .*"
    r'|(target|warning|critical): .*|alerts: "(critical_only|all_priorities|business_metrics_only|immediate|aggregated|none)",?'
    r'|(steps|widgets|examples|thresholds): .*|"\w+: [^"]*"|"(navigate_to_\w+|fill_\w+|select_\w+|choose_city|proceed_to_\w+)",?'
    r'|"(complete_test_payment|verify_\w+)",?'
)


def demanded() -> list[str]:
    """The lines of the guide that want something measured or judged."""
    lines = GUIDE[GUIDE.index(FIRST) : GUIDE.index(LAST)]
    del lines[lines.index(ROUTING[0]) : lines.index(ROUTING[1])]
    return [line for line in lines if line in LINES or not DESCRIBES.fullmatch(line)]


def test_every_line_of_the_guide_that_wants_a_number_is_answered() -> None:
    assert [line for line in demanded() if line not in LINES] == []
    assert len(demanded()) > 100


@pytest.mark.parametrize("line", LINES)
def test_an_answer_is_about_a_line_of_the_guide_and_names_what_there_is(line: str) -> None:
    assert line in GUIDE
    named, _, reason = LINES[line].partition("none: ")
    metrics = [word for word in named.split() if not word.startswith("rule:")]
    rules = [word.removeprefix("rule:") for word in named.split() if word.startswith("rule:")]
    assert [name for name in metrics if name not in CATALOGUE] == []
    assert [name for name in rules if name not in RULES] == []
    assert metrics or rules or reason


def test_every_rule_quotes_the_guide() -> None:
    text = " ".join(re.sub(r"[^\w<>%$]+", " ", line) for line in GUIDE)
    own = {"P1"}  # about buying safely, of which the guide says nothing
    for name, rule in RULES.items():
        longest = max(re.findall(r"[\w<>%$ .]{4,}", re.sub(r"[^\w<>%$]+", " ", rule["guide"])), key=len).split()
        assert name in own or any(" ".join(longest[i : i + 2]) in text for i in range(len(longest))), rule["guide"]
