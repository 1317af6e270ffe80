"""A rule's name is only a name: nothing in the product is decided by it."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

from config import read_document

ROOT = Path(__file__).resolve().parent.parent
RULES = frozenset(read_document(ROOT / "sla.yaml").data)
ROOMS = ("facts", "config", "journeys", "runner", "sources", "store", "sla", "alerts", "reports", "hub", "cli", "demo")
_PREFIX = re.compile(r"^[rRbBfFuU]{1,2}(?=[\"'])")
FILES = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]


def strings_of(source: str) -> list[str]:
    """Every string literal of a program without docstrings, and the constant parts of its f-strings."""
    found, begins = [], True
    kinds = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in kinds and not (begins and token.string.lstrip("rRbBuU").startswith('"""')):
            found.append(_PREFIX.sub("", token.string).strip("\"'"))
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            begins = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_no_program_text_names_a_rule(room: str) -> None:
    named = [
        f"{file.relative_to(ROOT)}: {text!r}"
        for file in FILES
        if file.relative_to(ROOT).parts[0] == room
        for text in strings_of(file.read_text(encoding="utf-8"))
        if text.partition("/")[0] in RULES
    ]
    assert named == []


def test_no_template_names_a_rule() -> None:
    templates = [file for room in ROOMS for file in (ROOT / room).rglob("*.j2")]
    assert templates
    quoted = [f"{quote}{rule}{end}" for rule in RULES for quote in "\"'" for end in "\"'/"]
    found = [f"{f.name}: {one}" for f in templates for one in quoted if one in f.read_text(encoding="utf-8")]
    assert found == []


def test_a_name_in_a_program_would_be_found() -> None:
    assert "F0" in strings_of('judged = [v for v in verdicts if v.rule == "F0"]\n')
    assert "W1/all" in strings_of("key = 'W1/all'\n")
    assert strings_of('key = f"F0/{journey}"\n')[0].startswith("F0/")
    assert strings_of('def f() -> None:\n    """F0"""\n') == []
