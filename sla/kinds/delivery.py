"""`delivery`: messages do not reach their receivers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facts import Backlog, Family, Traits, Verdict, VerdictStatus
from sla.durations import words
from sla.index import HistoryIndex
from sla.kind import Kind
from sla.settings import Late, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Rule):
    """Messages do not reach those they are owed to.

    `overdue` is how long a message may wait for its first try, or for the end of it; `failing` how long it may be tried in vain.
    """

    # A faster clock makes no receiver faster: both stay what they are in the demo.
    REAL_TIME: ClassVar[frozenset[str]] = frozenset({"overdue", "failing"})

    overdue: Late = "60s"
    failing: Late = "2m"


def judge(name: str, rule: Delivery, index: HistoryIndex) -> list[Verdict]:
    """Return one verdict: a destination refused a message for good, or a message does not reach it, whatever the reason.

    It ends when each destination has taken its messages; one that fails still, though not yet for long, keeps what stands.
    """
    refused = dict(index.history.undeliverable)
    late = [backlog for backlog in index.history.backlogs if _is_late(rule, index, backlog)]
    troubles = {destination: f"{destination}: {reason}" for destination, reason in refused.items()}
    for backlog in late:
        troubles.setdefault(backlog.destination, _late(index, backlog))
    count = len(troubles)
    said = "; ".join(troubles[destination] for destination in sorted(troubles))
    several = "destination does" if count == 1 else "destinations do"
    return [
        Verdict(
            rule=name,
            verdict=VerdictStatus.CRITICAL if troubles else VerdictStatus.MET,
            title=rule.title,
            summary=f"{count} {several} not take messages: {said}" if troubles else "every destination takes messages",
            severity=rule.severity,
            value=float(count),
            limit=1.0,
            unit="destinations",
            n=count,
            window="now",
            breached=bool(troubles),
            clear=not troubles and not any(backlog.tried for backlog in index.history.backlogs),
            data_at=index.now,
            runbook=rule.runbook,
        )
    ]


def _is_late(rule: Delivery, index: HistoryIndex, backlog: Backlog) -> bool:
    limit = rule.s("failing") if backlog.tried else rule.s("overdue")
    # What waited while no hub ran is about to be sent by the one that has just started.
    since = max(backlog.since, index.history.watching_since)
    return (index.now - since).total_seconds() > limit


def _late(index: HistoryIndex, backlog: Backlog) -> str:
    age = words(round((index.now - backlog.since).total_seconds()))
    several = "message" if backlog.messages == 1 else "messages"
    how = f"tried in vain for {age}" if backlog.tried else f"waiting for {age} without an answer"
    return f"{backlog.destination}: {backlog.messages} {several} {how}" + (
        f" ({backlog.error})" if backlog.error else ""
    )


def needs(_rule: Delivery) -> tuple[()]:
    """Return what it looks at: nothing that is loaded for it; the backlog of messages is always known."""
    return ()


def traits(_rule: Delivery, _subject: str | None) -> Traits:
    """Return what its verdicts are about: our own messages, which are no part of the shop's outage."""
    return Traits(family=Family.MONITOR, own_incident=True)


KIND = Kind(settings=Delivery, judge=judge, needs=needs, traits=traits, without_clock=True)
