"""What is left of the error budget: of the failures that some days allow by the target of the burn rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from metrics.counting import Class
from sla.history import History
from sla.index import HistoryIndex
from sla.kinds.burn import Burn
from sla.targets import Targets


def budgets_left(
    targets: Targets, failed_at_first: History, alike: Mapping[str, int], passed: Mapping[str, int], now: datetime
) -> dict[str, float]:
    """The share of its budget that each journey has left: 1 is all of it, below 0 it is overspent.

    It is counted as burn rules count. `failed_at_first` holds the runs that did not pass at their first attempt, `alike` for how many
    them stands, by its id, `passed` how many did pass, by journey. A journey of which nothing is known, or of which no rule says
    how much should pass, is left out.
    """
    index = HistoryIndex(failed_at_first, now)
    bad: Counter[str] = Counter()
    for outcome in failed_at_first.outcomes:
        if index.first(outcome) is Class.BAD:
            bad[outcome.journey] += alike[outcome.run_id]
    found: dict[str, float] = {}
    target = _target(targets)
    for journey in index.journeys():
        n = passed.get(journey, 0) + bad[journey]
        if target is not None and n:
            found[journey] = 1 - bad[journey] / n / (1 - target)
    return found


def _target(targets: Targets) -> float | None:
    """The share of first attempts that should pass; None where nobody says so, and where all should: that is no budget."""
    burns = (r for r in targets.rules().values() if isinstance(r, Burn) and r.enabled)
    return next((rule.target for rule in burns if rule.target < 1), None)
