"""Finds what an incident cost the shop, and whether a real buyer met it before the monitor told of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from hub.business import calendar_of
from hub.watched import Watched
from metrics.statistics import median
from reports.incident_story import stops_buyers
from reports.periodic.data import Story
from sources.events import EVENTS
from store import samples
from store.retention import Retention

_HOUR_S, _SHORTEST_S = 3600, 300
_WEEKS, _LEAST_WEEKS = 4, 3
_SIGNS = {"stripe": "stripe_payments_failed", EVENTS: "app_support_tickets"}
"""The metric in which a real buyer's failure shows, by source."""


def with_costs(
    connection: Connection,
    stories: Sequence[Story],
    *,
    watched: Watched,
    off: Mapping[str, str | None],
    now: datetime,
    with_signs: bool = True,
) -> list[Story]:
    """Return incidents; those that kept buyers from buying come with what the shop would usually have sold meanwhile, and with the
    first sign of a real buyer who met them, unless `with_signs` is false. `off` says of each source why it is not connected, None where
    it is."""
    costs = _Costs(connection, watched, off, now)
    hours = costs.usual_sales([story for story in stories if stops_buyers(story)])
    costed = [costs.costed(story, hours) if stops_buyers(story) else story for story in stories]
    return [costs.signed(story) if with_signs and stops_buyers(story) else story for story in costed]


@dataclass(frozen=True, slots=True)
class _Costs:
    connection: Connection
    watched: Watched
    off: Mapping[str, str | None]
    now: datetime

    def usual_sales(self, stops: Sequence[Story]) -> dict[datetime, dict[str, float]] | None:
        """Return what was charged by hour of UTC and currency, from four weeks before the first incident on; None without a source."""
        if not stops or self.off.get("stripe") is not None:
            return None
        first = min(story.span(self.now)[0] for story in stops) - timedelta(weeks=_WEEKS, days=1)
        hours: dict[datetime, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        since = samples.bucket_start(first, _HOUR_S)
        for bucket in samples.read_buckets(
            self.connection, "stripe_charged_minor", width_s=_HOUR_S, since=since, until=self.now
        ):
            hours[bucket.start][dict(bucket.labels).get("currency", "unknown")] += bucket.sum
        return hours

    def costed(self, story: Story, hours: Mapping[datetime, Mapping[str, float]] | None) -> Story:
        """Return an incident with what it cost: for each of its hours the median of what that hour of the week sold in the four weeks
        before."""
        if hours is None:
            return replace(story, lost_unknown=f"no source of sales: {self.off.get('stripe')}")
        begins, ends = story.span(self.now)
        calendar = calendar_of(self.watched.site, begins)
        oldest = min(hours, default=self.now)
        if calendar.weeks_before(begins, _LEAST_WEEKS) < oldest:
            return replace(story, lost_unknown=f"sales are known for less than {_LEAST_WEEKS} weeks before it")
        lost: dict[str, float] = defaultdict(float)
        hour = samples.bucket_start(begins, _HOUR_S)
        while hour < ends:
            share = (min(ends, hour + timedelta(hours=1)) - max(begins, hour)) / timedelta(hours=1)
            earlier = [at for n in range(1, _WEEKS + 1) if (at := calendar.weeks_before(hour, n)) >= oldest]
            for currency in {currency for at in earlier for currency in hours.get(at, {})}:
                lost[currency] += share * median([hours.get(at, {}).get(currency, 0.0) for at in earlier])
            hour += timedelta(hours=1)
        return replace(story, lost={currency: round(value) for currency, value in sorted(lost.items())})

    def signed(self, story: Story) -> Story:
        """Return an incident with the first failed payment or support ticket of a real buyer while it lasted."""
        begins, ends = story.span(self.now)
        known = [metric for source, metric in _SIGNS.items() if self.off.get(source) is None]
        if not known:
            return replace(story, signs_unknown="neither Stripe nor the site's events tell of real buyers")
        if begins < self.now - Retention().short_rollups:
            return replace(story, signs_unknown="values of single minutes are kept 90 days")
        since = samples.bucket_start(begins, _SHORTEST_S)
        found = [
            bucket.start
            for metric in known
            for bucket in samples.read_buckets(self.connection, metric, width_s=_SHORTEST_S, since=since, until=ends)
            if bucket.sum > 0
        ]
        return replace(story, user_sign_at=max(begins, min(found)) if found else None)
