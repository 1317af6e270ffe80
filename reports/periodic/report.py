"""Defines a report: a type with its period and sections, and the page made from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from reports.pages import render
from reports.periodic.data import Need, ReportData
from reports.periodic.period import PeriodKind
from reports.periodic.wording import moment

TONES = ("bad", "warn", "mute", "good", "")
"""How bad a row is, the worst first."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Holds one cell of a table: its text, a tone that stresses it, and a note below it."""

    text: str
    tone: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Holds a table. `label` names it for screen readers, `numbers` are the columns that are aligned right."""

    label: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Holds a chart under its name."""

    name: str
    svg: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Holds one section: a sentence, tables, charts, and notes about what is not known."""

    ident: str
    title: str
    lead: str = ""
    tables: tuple[Table, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Holds one thing to do; `tone` is how urgent it is: `bad`, `warn` or `mute`."""

    text: str
    tone: str = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Holds what a report says: one sentence with its tone, what to do, and the sections."""

    sentence: str
    tone: str
    actions: tuple[Action, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportType:
    """Holds a kind of report: its name in commands and addresses, what it is for, the length of its period, the numbers that it needs,
    and the function that says it."""

    name: str
    title: str
    purpose: str
    kind: PeriodKind
    needs: frozenset[Need]
    content: Callable[[ReportData], Content]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """Everything the template prints. `made` is when it was made, in the business's time zone."""

    title: str
    tone: str
    kicker: str
    sentence: str
    period: str
    before: str
    so_far: str
    made: str
    site: str
    base_url: str
    actions: tuple[Action, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = field(default=())


def report_context(kind: ReportType, data: ReportData) -> ReportPage:
    """Return the context of a report's page; its actions are sorted, the most urgent first."""
    said, now = kind.content(data), data.now
    so_far = (
        ""
        if now.is_over
        else f"This period is not over: the numbers are those until {moment(now.ends, now.period.zone)}."
    )
    return ReportPage(
        title=f"{kind.title}: {now.period.title}",
        tone=said.tone,
        kicker=f"{kind.title} · {now.period.title}",
        sentence=said.sentence,
        period=now.period.words,
        before=data.before.period.words,
        so_far=so_far,
        made=moment(data.made_at, now.period.zone, year=True),
        site=data.site,
        base_url=data.base_url,
        actions=tuple(sorted(said.actions, key=lambda action: TONES.index(action.tone))),
        sections=said.sections,
        notes=tuple(now.notes),
    )


def render_report(kind: ReportType, data: ReportData) -> str:
    """Return the report as one HTML file that needs no network."""
    return render_page(report_context(kind, data))


def render_page(page: ReportPage) -> str:
    """Return the same of a context."""
    return render("periodic/report.html.j2", page)


def worst_first(rows: Sequence[tuple[Cell, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """Return rows of a table sorted by the worst tone of their cells; equal ones stay in their order."""
    return tuple(sorted(rows, key=lambda row: min(TONES.index(cell.tone) for cell in row)))
