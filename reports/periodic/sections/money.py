"""The section on money: the shop's revenue, as its source reports it."""

from __future__ import annotations

from reports.periodic.data import Money, Need, ReportData
from reports.periodic.report import Cell, Section, Table
from reports.periodic.wording import amounts, change
from reports.words import count

_LEAST_SHARE = 0.8
"""The share of the days of a period that must be known before another period is compared with it."""


def money(data: ReportData) -> Section:
    """Return the section; without a source of revenue it says so and shows no number."""
    why, now, before = data.now.why_not.get(Need.MONEY), data.now.money, data.before.money
    if now is None:
        return Section(ident="money", title="Money", lead=f"Off: {why or 'nothing is known of money'}.")
    whole = len([day for day in data.now.period.days() if day <= data.now.ends.date()])
    notes = []
    if now.days < whole:
        notes.append(
            f"The source told of {count(now.days, 'day')} of {whole}; of the others nothing is known, which is not nothing sold."
        )
    if now.days == 0:
        return Section(
            ident="money", title="Money", lead="Unknown: the source brought nothing in this period.", notes=tuple(notes)
        )
    notes.append("Real orders only: those of the synthetic buyer are left out.")
    was = before if before is not None and before.days else None
    days_before = len(list(data.before.period.days()))
    if was is not None and was.days < _LEAST_SHARE * days_before:
        notes.append(
            f"Of the period before {count(was.days, 'day')} of {days_before} are known, so no change against it is given."
        )
        compared = None
    else:
        compared = was
    rows = [
        (
            Cell("Charged"),
            Cell(amounts(now.charged)),
            Cell(amounts(was.charged) if was else "unknown"),
            Cell(_change(now, compared)),
        ),
        (Cell("Refunded"), Cell(amounts(now.refunded)), Cell(amounts(was.refunded) if was else "unknown"), Cell("")),
        _row("Orders", now.orders, was.orders if was else None, compares=compared is not None),
        _row(
            "Payments that failed",
            now.failed,
            was.failed if was else None,
            note="not those that a card or bank declined",
            compares=compared is not None,
        ),
        _row(
            "Checkouts left open until they expired",
            now.expired,
            was.expired if was else None,
            compares=compared is not None,
        ),
    ]
    table = Table(
        label="Money",
        columns=("Figure", "This period", "Before", "Change"),
        rows=tuple(rows),
        numbers=frozenset((1, 2, 3)),
    )
    return Section(ident="money", title="Money", tables=(table,), notes=tuple(notes))


def _row(name: str, now: int, before: int | None, *, compares: bool, note: str = "") -> tuple[Cell, ...]:
    return (
        Cell(name, note=note),
        Cell(f"{now:,}"),
        Cell("unknown" if before is None else f"{before:,}"),
        Cell(change(now, before) if compares else ""),
    )


def _change(now: Money, before: Money | None) -> str:
    if before is None or set(now.charged) != set(before.charged) or len(now.charged) != 1:
        return ""
    (currency,) = now.charged
    return change(now.charged[currency], before.charged[currency])
