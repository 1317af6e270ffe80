"""Builds the section on the page's messages: native dialogs, the console, and the visible text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from facts import Attempt
from reports.artifacts import Artifact

_MOST_LINES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogRow:
    """Holds a native dialog, which was dismissed."""

    kind: str
    text: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleRow:
    """Holds a console message; `times` is how often it was repeated."""

    level: str
    tone: str
    text: str
    step: str
    source: str | None
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """Holds the section; `hidden` counts the console messages beyond the list, `text` is the visible text of the last page."""

    dialogs: tuple[DialogRow, ...]
    console: tuple[ConsoleRow, ...]
    console_total: int
    hidden: int
    text: str | None


def page_words(attempt: Attempt | None, artifacts: tuple[Artifact, ...]) -> PageWords:
    """Return the messages of an attempt's pages; an empty section for a run without an attempt."""
    if attempt is None:
        return PageWords(dialogs=(), console=(), console_total=0, hidden=0, text=None)
    rows = _console(attempt)
    return PageWords(
        dialogs=tuple(DialogRow(kind=d.kind, text=d.text, step=_step(d.step)) for d in attempt.dialogs),
        console=rows[:_MOST_LINES],
        console_total=len(attempt.console),
        hidden=sum(row.times for row in rows[_MOST_LINES:]),
        text=attempt.page_text or _text_of(artifacts, attempt.number),
    )


def _console(attempt: Attempt) -> tuple[ConsoleRow, ...]:
    """Return equal lines once; exceptions first, then errors, then warnings, otherwise in their original order."""
    times = Counter((line.level, line.text, line.step, line.source) for line in attempt.console)
    rank = {"exception": 0, "error": 1}
    ordered = sorted(times, key=lambda line: rank.get(line[0], 2))
    return tuple(
        ConsoleRow(
            level=level,
            tone="bad" if level == "exception" else "warn" if level == "error" else "mute",
            text=text,
            step=_step(step),
            source=source,
            times=times[(level, text, step, source)],
        )
        for level, text, step, source in ordered
    )


def _step(step: str | None) -> str:
    return step or "between steps"


def _text_of(artifacts: tuple[Artifact, ...], attempt: int) -> str | None:
    texts = [a.content for a in artifacts if a.fact.kind == "page_text" and a.fact.attempt == attempt and a.content]
    return texts[-1].decode(errors="replace") if texts else None
