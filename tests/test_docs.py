"""What the documents say there is, is there; and what is there, they say."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
import typer.main
from click import Command, Group

from alerts.channels import KINDS
from alerts.channels.webhook import body
from cli.app import command_line
from config import read_document
from config.documents import parse_document
from demo.faults import FAULTS, TRAFFIC_FAULTS
from facts import VerdictStatus
from sla.kinds import KINDS as RULE_KINDS
from sla.settings import Rule
from sla.targets import targets_from
from tests.acceptance.table import TABLE, Expected
from tests.alerts.channel_case import a_message
from tests.demo.traffic.table import TABLE as TRAFFIC_TABLE
from tests.shipped import shipped_targets

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(group: Group, name: str = "sixfb") -> dict[str, Command]:
    found: dict[str, Command] = {}
    for sub, command in group.commands.items():
        path = f"{name} {sub}"
        found |= commands(command, path) if hasattr(command, "commands") else {path: command}  # type: ignore[arg-type]
    return found


COMMANDS = commands(typer.main.get_command(command_line()))  # type: ignore[arg-type]
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    *(f"docs/{f.name}" for f in (ROOT / "docs").glob("*.md")),
]
RULES = shipped_targets().rules()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"`{name}" in README


@pytest.mark.parametrize(
    "option", [o for p in COMMANDS["sixfb run"].params for o in getattr(p, "opts", []) if o.startswith("--")]
)
def test_every_option_of_run_is_in_the_readme(option: str) -> None:
    assert f"`{option}" in README


def test_every_variable_that_the_code_reads_is_in_the_readme() -> None:
    rooms = ("cli", "config", "journeys", "runner", "demo", "reports")
    code = "".join(f.read_text(encoding="utf-8") for room in rooms for f in (ROOT / room).rglob("*.py"))
    read = set(re.findall(r"[\"'](SIXFB_[A-Z_]+|STRIPE_[A-Z]+_[A-Z]+)[\"']", code)) - {"STRIPE_SECRET_KEY_FILE"}
    read -= {name for name in read if name.startswith("SIXFB_DEMO_")}  # between the demo and its own hub
    assert read
    assert [name for name in sorted(read) if f"`{name}" not in README] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_links_to_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]
    assert [link for link in links if not ((ROOT / document).parent / link).exists()] == []


def test_every_fault_of_the_demo_is_told_with_what_becomes_of_a_run() -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").partition("## Faults of the traffic")[0]
    told = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    expected = [(name, what, *map(_outcome, TABLE[name])) for name, what in FAULTS.items()]
    assert told == expected
    assert len(FAULTS) == 40
    assert "[forty faults](docs/faults.md)" in README


def test_every_fault_of_the_traffic_is_told_with_what_fires() -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").partition("## Faults of the traffic")[2]
    told = re.findall(r"^\| `(\w+)` \| (.*?) \| (\w+) \| (\w+) \| ([\d.]+) min \|$", page, re.MULTILINE)
    rows = [(name, what, TRAFFIC_TABLE[name]) for name, what in TRAFFIC_FAULTS.items()]
    assert told == [(name, what, row.rule, row.severity, f"{row.within_s / 60:g}") for name, what, row in rows]
    assert "[fifteen faults](docs/faults.md#faults-of-the-traffic)" in README
    assert len(TRAFFIC_FAULTS) == 15


def _outcome(row: Expected) -> str:
    if row.status == "passed":
        return "passes"
    return f"{row.status}, {row.blame}" + (f": `{row.step}`" if row.step else "")


def test_every_make_target_that_the_documents_name_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {
        t
        for d in ("README.md", "CONTRIBUTING.md")
        for t in re.findall(r"`make (\w+)", (ROOT / d).read_text(encoding="utf-8"))
    }
    assert named
    assert [target for target in named if not re.search(rf"^{target}\b.*:", makefile, re.MULTILINE)] == []


def test_no_lock_file_names_a_host() -> None:
    for lock in ROOT.glob("requirements*.txt"):
        assert "://" not in lock.read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_explained_and_has_a_runbook(rule: str) -> None:
    assert f"| {rule} |" in (ROOT / "docs/rules.md").read_text(encoding="utf-8")
    document, _, section = (RULES[rule].runbook or "").partition("#")
    headings = re.findall(r"^## (\w+)$", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE)
    assert section in {heading.lower() for heading in headings}


@pytest.mark.parametrize("kind", RULE_KINDS)
def test_every_rule_kind_is_explained_with_its_settings(kind: str) -> None:
    table = (ROOT / "docs/rules.md").read_text(encoding="utf-8").partition("## The kinds")[2]
    (row,) = (line for line in table.splitlines() if line.startswith(f"| `{kind}` |"))
    own = {f.name for f in fields(RULE_KINDS[kind].settings)} - {f.name for f in fields(Rule)}
    assert [name for name in sorted(own) if f"`{name}`" not in row] == []


def test_the_rules_of_the_docs_are_taken_as_they_stand() -> None:
    example = (ROOT / "docs/rules.md").read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    shipped = read_document(ROOT / "sla.yaml")
    targets = targets_from(parse_document(example, file="docs/rules.md"), shipped=shipped)
    assert set(targets.rules()) - set(RULES) == {"MY_LOW_STOCK", "CHECKOUT_SLOW", "CITY", "WEB"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_channel_is_explained(kind: str) -> None:
    assert f"**{kind}**" in (ROOT / "docs/alerts.md").read_text(encoding="utf-8")


def test_the_webhook_of_the_docs_has_exactly_the_keys_that_are_sent() -> None:
    text = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
    shown = json.loads(text.partition("```json")[2].partition("```")[0])
    sent = body(a_message(), "inc-1.1.firing.webhook")
    assert list(shown) == list(sent)
    assert list(shown["lines"][0]) == list(sent["lines"][0])


@pytest.mark.parametrize("word", VerdictStatus)
def test_every_verdict_is_explained(word: VerdictStatus) -> None:
    assert f"`{word}`" in (ROOT / "docs/rules.md").read_text(encoding="utf-8")
