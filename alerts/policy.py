"""What the state machine goes by: who is told of what, what makes what unnecessary, and how long an outage gathers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from facts import Alert, Severity

# Rules whose numbers come from our own runs: a blind monitor knows nothing of them.
_OUR_RUNS = ("F0", "F1", "F2a", "F2b", "F2c", "F3", "A1s", "A3s", "D1", "D3", "D4", "G1", "G2", "H3", "BL", "W2")
_FOLLOWS_A_FAILING_JOURNEY = ("F1", "F2a", "F2b", "F2c", "F3", "H3", "D1", "D3", "D4", "G1", "G2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Routes and waits. `routes` gives the destinations of each severity; `base_url` is the hub's address in links.

    An alert that fires within `join_window` of a firing critical one joins its incident; joins are told together, at most
    once in `update_every`. `mark` is printed in every message (the demo).
    """

    routes: Mapping[Severity, tuple[str, ...]] = field(default_factory=dict)
    base_url: str = ""
    join_window: timedelta = timedelta(minutes=15)
    update_every: timedelta = timedelta(minutes=5)
    clock_step: timedelta = timedelta(seconds=60)
    mark: str | None = None


def inhibits(by: Alert, alert: Alert) -> bool:
    """Whether a firing alert makes another one unnecessary to tell."""
    if by.key == alert.key:
        return False
    if by.rule == "W1" and by.subject == "all":
        return alert.rule in _OUR_RUNS or (alert.rule == "W1" and alert.subject != "all")
    if by.rule == "W1":
        return alert.rule == "F3" and alert.subject == by.subject
    same = alert.journey in (by.journey, None)
    if by.rule == "A1s" and alert.rule == "F0":
        return alert.journey == by.journey
    return by.rule in ("A1s", "F0") and same and alert.rule in _FOLLOWS_A_FAILING_JOURNEY
