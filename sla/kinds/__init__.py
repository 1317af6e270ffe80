"""The rule kinds: one file a kind, and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from sla.kind import Kind
from sla.kinds import (
    absence,
    availability,
    blocked,
    burn,
    change,
    clock_skew,
    consecutive,
    coverage,
    daily_forecast,
    daily_goal,
    delivery,
    funnel,
    latency,
    occurrences,
    percentile,
    pings,
    purchases,
    quorum,
    rate,
    response_times,
    sellout,
    server_errors,
    set_aside,
    silent,
    slow_runs,
    third_parties,
    threshold,
    vitals,
)

KINDS: Mapping[str, Kind] = {
    "quorum": quorum.KIND,
    "consecutive": consecutive.KIND,
    "slow_runs": slow_runs.KIND,
    "burn": burn.KIND,
    "server_errors": server_errors.KIND,
    "third_parties": third_parties.KIND,
    "blocked": blocked.KIND,
    "percentile": percentile.KIND,
    "vitals": vitals.KIND,
    "threshold": threshold.KIND,
    "rate": rate.KIND,
    "availability": availability.KIND,
    "absence": absence.KIND,
    "change": change.KIND,
    "occurrences": occurrences.KIND,
    "latency": latency.KIND,
    "response_times": response_times.KIND,
    "daily_goal": daily_goal.KIND,
    "daily_forecast": daily_forecast.KIND,
    "sellout": sellout.KIND,
    "funnel": funnel.KIND,
    "purchases": purchases.KIND,
    "pings": pings.KIND,
    "silent": silent.KIND,
    "coverage": coverage.KIND,
    "clock_skew": clock_skew.KIND,
    "delivery": delivery.KIND,
    "set_aside": set_aside.KIND,
}
"""Every kind by the name that `kind:` in sla.yaml gives it."""
