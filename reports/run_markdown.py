"""Renders a run as Markdown, to be pasted into an issue: what failed, the request, what changed, and where else it happened."""

from __future__ import annotations

import re
from collections.abc import Sequence

from facts import Request, Run
from reports import words
from reports.compare import Comparison
from reports.live.deploys import DeployNote
from reports.sections.elsewhere import Elsewhere
from reports.sections.headline import sentence_of
from reports.sections.requests import cause_of
from reports.sections.steps import step_words
from reports.text import clean, one_line

_LONGEST_LINE = 500
_TICKS = re.compile(r"`+")
# Characters that would begin markup, mention a person or link an issue where the text is pasted.
_MARKUP = re.compile(r"([\\`*\[\]<>#|~@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def run_markdown(
    run: Run,
    *,
    url: str | None,
    comparison: Comparison | None,
    deploys: Sequence[DeployNote] = (),
    elsewhere: Elsewhere | None = None,
) -> str:
    """Return the run as Markdown; foreign text is escaped or stands in code.

    `url` is the address of the run's page, None if the hub does not know its own address.
    """
    parts = [
        f"# {words.STATUSES[run.status]}: {_plain(run.journey)} at {_plain(run.location)}, {words.utc(run.started_at)}",
        _plain(sentence_of(run)),
        _facts(run, url),
        _request(run),
        _changes(comparison, deploys),
        _steps(run),
        _elsewhere(elsewhere),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(run: Run, url: str | None) -> str:
    attempt = run.counted
    cause = cause_of(attempt, run.failed_step) if attempt else None
    said = [d.text for d in attempt.dialogs if d.step == run.failed_step] if attempt else []
    found: list[tuple[str, str | None]] = [
        ("Run", f"[{_plain(run.id)}]({url})" if url else _code(run.id)),
        ("Step", _code(run.failed_step) if run.failed_step else None),
        ("Request", f"{_code(f'{cause.method} {cause.endpoint}')} → {_answer(cause)}" if cause else None),
        ("The page said", _plain(said[-1]) if said else None),
        ("Blame", _plain(run.blame.value) if run.blame else None),
        ("Page", _code(attempt.page) if attempt and attempt.page else None),
        ("Attempts", f"{len(run.attempts)}, attempt {run.counts} counts" if run.attempts else None),
        ("Browser", _plain(run.browser)),
        ("Site", _code(run.site)),
    ]
    return "\n".join(f"- **{name}:** {text}" for name, text in found if text)


def _request(run: Run) -> str:
    cause = cause_of(run.counted, run.failed_step) if run.counted else None
    if cause is None:
        return ""
    told = f"{cause.method} {cause.endpoint}\n{_answer(cause)}, after {words.duration(cause.duration_ms)}"
    whole = f"{told}\n\n{cause.body}" if cause.body else told
    return f"## The failing request\n\n{_block(whole)}"


def _answer(request: Request) -> str:
    return str(request.status) if request.status is not None else _plain(request.failure or "no answer")


def _changes(comparison: Comparison | None, deploys: Sequence[DeployNote]) -> str:
    if comparison is None and not deploys:
        return ""
    lines = []
    for change in comparison.changes if comparison else ():
        lines.append(f"- {change.sentence}")
        lines += [f"  - {_code(row.what)}: {_plain(row.then)} → {_plain(row.now)}" for row in change.rows]
        lines += [f"  - and {change.more} more"] if change.more else []
    lines += [f"- {_plain(note.text)}" for note in deploys]
    if comparison and comparison.note:
        lines.append(f"- {_plain(comparison.note)}")
    since = f" ({comparison.at}, {comparison.before} before)" if comparison else ""
    return f"## What changed since the last good run{since}\n\n" + ("\n".join(lines) or "Nothing of note.")


def _steps(run: Run) -> str:
    if not run.steps:
        return ""
    rows = "\n".join(f"| {_code(step.name)} | {_plain(step_words(step))} |" for step in run.steps)
    return f"## Steps\n\n| Step | Result |\n|---|---|\n{rows}"


def _elsewhere(elsewhere: Elsewhere | None) -> str:
    if elsewhere is None or not elsewhere.rows:
        return ""
    rows = "\n".join(f"| {_plain(row.location)} | {' | '.join(row.counts)} |" for row in elsewhere.rows)
    table = f"| Location | 1 h | 24 h | 7 d |\n|---|--:|--:|--:|\n{rows}"
    return f"## Same error elsewhere\n\n{_plain(elsewhere.sentence)}\n\n{table}"


def _plain(text: str) -> str:
    """Return foreign text on one line in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", one_line(text, most=_LONGEST_LINE))


def _code(text: str) -> str:
    """Return foreign text as a code span, which also stands in a cell of a table."""
    line = one_line(text, most=_LONGEST_LINE).replace("|", "\\|")
    ticks = "`" * (1 + max((len(run) for run in _TICKS.findall(line)), default=0))
    pad = " " if len(ticks) > 1 else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def _block(text: str) -> str:
    """Return foreign text as a fenced block that it cannot end."""
    plain = clean(text)
    fence = "`" * max(3, 1 + max((len(run) for run in _TICKS.findall(plain)), default=0))
    return f"{fence}text\n{plain}\n{fence}"
