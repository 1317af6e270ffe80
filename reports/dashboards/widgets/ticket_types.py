"""The widget "Ticket types": the share of each tier in the sales of each week."""

from __future__ import annotations

from reports.charts import Column, percent_format, stacked_columns
from reports.dashboards.numbers import WEEK_S, Need, Numbers, by_slot, grouped, total
from reports.dashboards.view import View
from reports.dashboards.widget import Figure, Widget, WidgetType
from reports.dashboards.widgets.tickets_sold import FILLS, METRICS, tier_name
from reports.states import WidgetState
from reports.words import count
from store.samples import Bucket

_WEEKS = 8


def _needs(view: View) -> list[Need]:
    since = view.weeks(_WEEKS)[0][0]
    return [Need(metric, WEEK_S, since) for metric in METRICS]


def _draw(kind: WidgetType, view: View, numbers: Numbers) -> Widget:
    source = numbers.source(view.now, *METRICS)
    if source.state.says_nothing:
        return kind.without_numbers(source.state, source.why, source.how, source.at)
    weeks = view.weeks(_WEEKS)
    sold = numbers.of(source.metric, WEEK_S, weeks[0][0], weeks[-1][1])
    if not total(sold):
        return kind.without_numbers(WidgetState.NO_DATA, "Nothing was sold in a complete week yet.", at=source.at)
    tiers = sorted({tier for (tier,) in grouped(sold, "tier")})
    starts = [begins for begins, _ in weeks]
    shares = [_shares(some) for some in by_slot(sold, starts)]
    columns = [
        Column(label=f"{start.astimezone(view.business):%-d %b}", values={tier_name(t): s[t] for t in s} if s else None)
        for start, s in zip(starts, shares, strict=True)
    ]
    known = [found for found in shares if found]
    top = tiers[-1]
    chart = stacked_columns(
        columns,
        classes={tier_name(tier): FILLS[number % len(FILLS)] for number, tier in enumerate(tiers)},
        form=percent_format,
        exact=lambda share: percent_format(round(share, 2)),
        most=1.0,
        inside=len(tiers) > 1,
        height=150,
        headings=("Week from", "Usual"),
        label=f"Share of ticket types by week: {tier_name(top)} {known[-1].get(top, 0):.0%} in the last one".replace(
            "%", " %"
        ),
    )
    points = round((known[-1].get(top, 0.0) - known[0].get(top, 0.0)) * 100)
    return Widget(
        name=kind.name,
        title=kind.title,
        columns=kind.columns,
        state=WidgetState.OK,
        at=source.at,
        value=f"{known[-1].get(top, 0.0) * 100:.0f}",
        unit=f"% {tier_name(top)}",
        delta=f"{'▲' if points > 0 else '▼' if points < 0 else '='} {count(abs(points), 'point')} in {len(known)} weeks",
        n=f"{total(by_slot(sold, starts)[-1]):,.0f} sold last week",
        source=source.label,
        window=f"{_WEEKS} complete weeks",
        notes=("hatched: nothing sold",) if len(known) < len(shares) else (),
        figures=(Figure(chart=chart),),
    )


def _shares(buckets: list[Bucket]) -> dict[str, float]:
    sold = total(buckets)
    return {tier: total(some) / sold for (tier,), some in grouped(buckets, "tier").items()} if sold else {}


TICKET_TYPES = WidgetType(
    name="ticket_type_popularity",
    title="Ticket types",
    columns=4,
    metrics=METRICS,
    needs=_needs,
    draw=_draw,
    guide="ticket_type_popularity",
)
