"""The section on changes: targets with another verdict than at the beginning, targets that were in trouble meanwhile, and deploys."""

from __future__ import annotations

from datetime import timedelta

from facts import VerdictStatus
from reports.periodic.data import ReportData, StatusHours
from reports.periodic.report import Cell, Section, Table
from reports.periodic.wording import VERDICTS, length, moment
from reports.words import count

BAD = (VerdictStatus.WARNING, VerdictStatus.CRITICAL)
_GREY = (
    VerdictStatus.UNPROVEN,
    VerdictStatus.INSUFFICIENT,
    VerdictStatus.NO_DATA,
    VerdictStatus.ERROR,
    VerdictStatus.OFF,
)
_MOST = 40


def changes(data: ReportData) -> Section:
    """Return the section, the target that was longest in trouble first."""
    statuses = data.now.statuses
    titles = {rule.rule: rule.title for rule in data.rules}
    shown = {key: one for key, one in statuses.items() if _is_news(one)}
    order = sorted(
        shown, key=lambda key: (-in_trouble_h(shown[key]), -shown[key].hours.get(VerdictStatus.OFF_TARGET, 0), key)
    )
    rows = tuple(
        _row(key, titles.get(shown[key].rule, ""), shown[key], data.before.statuses.get(key)) for key in order[:_MOST]
    )
    table = Table(
        label="Targets whose verdict changed",
        columns=(
            "Target",
            "At the beginning",
            "At the end",
            "In trouble",
            "Before",
            "Off target",
            "Not judged",
            "Unknown",
        ),
        rows=rows,
        numbers=frozenset(range(3, 8)),
    )
    quiet = len(statuses) - len(shown)
    lead = (
        f"{count(len(shown), 'target')} changed or were in trouble; {quiet} stayed as they were."
        if statuses
        else "Unknown: no hub judged in this period."
    )
    notes = [f"{len(order) - _MOST} more changed."] if len(order) > _MOST else []
    notes.append(
        "In trouble: warning or critical. Not judged: off, without data, too few, not proven. Unknown: no hub was judging."
    )
    if len(data.deploys) > _MOST:
        notes.append(f"The last {_MOST} of {len(data.deploys)} deploys are listed.")
    if not data.deploys:
        notes.append("No deploy was reported; a delivery pipeline reports them to POST /api/deploys.")
    tables = [table] if rows else []
    tables += [_deploys(data)] if data.deploys else []
    return Section(ident="changes", title="What changed", lead=lead, tables=tuple(tables), notes=tuple(notes))


def _deploys(data: ReportData) -> Table:
    return Table(
        label="Deploys",
        columns=("Deployed", "Version", "By", "What changed"),
        rows=tuple(
            (
                Cell(moment(one.at, data.now.period.zone)),
                Cell(one.version, note=one.environment or ""),
                Cell(one.by or "–"),
                Cell(one.note or "–"),
            )
            for one in data.deploys[-_MOST:]
        ),
    )


def in_trouble_h(one: StatusHours) -> float:
    """Return for how many hours a target was in warning or critical."""
    return sum(one.hours.get(status, 0.0) for status in BAD)


def _is_news(one: StatusHours) -> bool:
    changed = one.began is not None and one.ended is not None and one.began is not one.ended
    return changed or in_trouble_h(one) > 0


def _row(key: str, title: str, now: StatusHours, before: StatusHours | None) -> tuple[Cell, ...]:
    trouble, grey = in_trouble_h(now), sum(now.hours.get(status, 0.0) for status in _GREY)
    return (
        Cell(f"{title[:1].upper()}{title[1:]}" or key, note=key if title else ""),
        _verdict(now.began),
        _verdict(now.ended),
        Cell(_hours(trouble), "bad" if trouble else ""),
        Cell(_hours(in_trouble_h(before)) if before else "unknown"),
        Cell(_hours(now.hours.get(VerdictStatus.OFF_TARGET, 0.0))),
        Cell(_hours(grey)),
        Cell(_hours(now.unknown_h), "warn" if now.unknown_h >= 1 else ""),
    )


def _verdict(status: VerdictStatus | None) -> Cell:
    return Cell("unknown", "mute") if status is None else Cell(*VERDICTS[status])


def _hours(hours: float) -> str:
    return length(timedelta(hours=hours)) if hours >= 1 / 60 else "–"
