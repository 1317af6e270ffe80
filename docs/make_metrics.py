"""Writes docs/metrics.md out of the catalogue.

make pages
"""

from __future__ import annotations

from pathlib import Path

from config.durations import words
from facts import Metric, MetricKind
from metrics import CATALOGUE

FILE = Path(__file__).resolve().parent / "metrics.md"
_HEAD = """# Metrics

Every number that the product computes, by name. This page is made from the catalogue (`metrics/`) by `make pages`; do not edit it.

`sixfb metrics list` names them, `sixfb metrics show NAME [--from TIME] [--to TIME] [--step LENGTH] [--json]` tells what one was, and so does the hub:

| door | answers |
|---|---|
| `GET /api/metrics` | the catalogue |
| `GET /api/metrics/{name}` | the series of one; `from` and `to` (ISO 8601 with a zone; `to` is exclusive), `step` (seconds of a point), and any label to choose series (`?city=dallas`) |
| `GET /api/metrics/{name}.csv` | the same as CSV, a row for each point; also with `format=csv` or `Accept: text/csv` |
| `GET /metrics` | the latest value of each, for [Prometheus](operations.md#metrics) |

Without `from` and `to` it is the last 24 hours, without `step` about a hundred points. A stretch without values has no point: no data is no zero.

| kind | `value` of a point | beside it |
|---|---|---|
| `gauge` | the last value | `min`, `max` |
| `count`, `money` | the sum | `min`, `max` |
| `rate` | the share, from two counts and never from other shares | `low` and `high`, the 95 % interval (Wilson), and `coverage`, the share of the results due that say anything |
| `duration` | the p95 | `p50` `p75` `p90` `p95` `p99`, `min`, `max`; p95 and p99 need 20 values |

`n` is how many values a point rests on. Percentiles are nearest ranks of measured values; over longer times, where only rollups are read, they come
from merged sketches (DDSketch) and are within 1 % of a measured value. No percentile is averaged.

Kept are runs that passed for 35 days, samples of sources for 35 days, their rollups of 5 minutes for 90 days and those of an hour and a day for 13 months.
A window that begins before that begins later in the answer: `since` says where. Metrics that look into every run are answered for 7 days at once.
"""
_KINDS = {
    "runs": "Out of the journeys' runs. First attempts count, and of them those that say something of the site.",
    "incidents": "Out of the incidents that kept buyers from buying, by when each began. An incident whose cost is unknown has no point.",
    "inventory": "From the site's inventory ([sources](sources.md#inventory)).",
    "endpoints": "From the hub's own checks ([sources](sources.md#endpoints)).",
    "events": "Counted by the minute out of the site's own events, once for each ([sources](sources.md#events)).",
}


def page() -> str:
    """Return the whole page."""
    sources = list(dict.fromkeys([*_KINDS, *(metric.source for metric in CATALOGUE.values())]))
    return "\n".join([_HEAD, *(_section(source) for source in sources)])


def _section(source: str) -> str:
    lines = [f"## {source}", "", _KINDS.get(source, f"From {source} ([sources](sources.md#{source})).")]
    for metric in CATALOGUE.values():
        if metric.source == source:
            lines += ["", *_entry(metric)]
    return "\n".join([*lines, ""])


def _entry(metric: Metric) -> list[str]:
    told = [metric.kind.value, metric.unit, ", ".join(f"`{name}`" for name in metric.labels) or "no labels"]
    if metric.window_s is not None:
        told.append(f"judged over {words(metric.window_s)}")
    lines = [f"### {metric.name}", "", f"{metric.title} ({'; '.join(told)}): {metric.formula}."]
    if metric.kind is MetricKind.MONEY:
        lines[-1] += " In minor units of its currency."
    if metric.guide:
        lines += ["", f"The guide: `{metric.guide}`"]
    return lines


def main() -> None:
    """Write the page."""
    FILE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
