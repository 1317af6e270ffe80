"""`sla.yaml`: what is promised. An entry is a rule: a name, a kind, and the settings of that kind (`sla/kinds/`)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from config import Complaint, ConfigError, Document, validate
from facts import Traits
from sla.kind import DaysNeed, DurationsNeed, Kind, Need, RunsNeed, Schedules, SeriesNeed
from sla.kinds import KINDS
from sla.kinds.clock_skew import ClockSkew
from sla.settings import Rule, scaled

LONGEST_NAME = 40
_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_-]{{0,{LONGEST_NAME - 1}}}")
_SPARE = timedelta(minutes=5)
"""How much more is loaded than the rules ask for: a cycle may come late, and an hour may begin just before a window."""
_KEPT = timedelta(days=35)
"""For how long runs are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What has to be loaded for the rules that are on: how far back, and which details.

    `details` is the part of the `runs` window that comes with steps, requests and vitals; requests are those to `endpoints` (path
    and method), and, where asked for, failed first-party ones, those to third parties, and all pages and calls of the site.

    `series` is the window of each metric, `weekly` the number of weeks before for which the same window is needed, and its length.
    `newest` are the metrics whose last sample of each series is needed, `durations` those whose percentiles are, with the window in
    seconds. `days` are the numbers of days whose first attempts are counted.
    """

    runs: timedelta
    details: timedelta
    endpoints: frozenset[tuple[str, str]]
    server_errors: bool
    third_parties: bool
    series: Mapping[str, timedelta]
    calls: bool = False
    weekly: Mapping[str, tuple[int, timedelta]] = field(default_factory=dict)
    newest: frozenset[str] = frozenset()
    durations: frozenset[tuple[str, float]] = frozenset()
    days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Targets:
    """The whole file: every rule by its name, in the order of the file."""

    by_name: Mapping[str, Rule]

    def rules(self) -> Mapping[str, Rule]:
        """Return every rule by its name."""
        return self.by_name

    def traits_of(self, rule: str, subject: str | None = None) -> Traits | None:
        """Return what a rule says of itself and of one subject; None where there is no such rule."""
        found = self.by_name.get(rule)
        if found is None:
            return None
        return replace(kind_of(found).traits(found, subject), kind=found.kind, escalation=tuple(found.escalation))

    def scaled(self, factor: float) -> Targets:
        """Return the same targets with every duration `factor` times shorter (the demo's clock).

        Counts and limits stay, and so do the waits that no clock makes shorter (`Rule.REAL_TIME`).
        """
        return Targets({name: scaled(rule, factor) for name, rule in self.by_name.items()})

    @property
    def reject_skew_s(self) -> float:
        """By how many seconds a clock may be off before its times are not believed any more."""
        limits = [rule.reject_s for rule in self.by_name.values() if isinstance(rule, ClockSkew)]
        return min(limits, default=ClockSkew(kind="clock_skew").reject_s)

    @property
    def longest_window_s(self) -> float:
        """How far back any rule that is on looks, in seconds, whatever the schedule is."""
        return max((need.window_s for need in self._needs() if isinstance(need, RunsNeed)), default=0.0)

    def load_plan(self, schedules: Schedules) -> LoadPlan:
        """Return what has to be loaded to judge the rules that are on, on these schedules."""
        slowest = max((schedule.period_s for schedule in schedules.values()), default=0)
        runs = [need for need in self._needs() if isinstance(need, RunsNeed)]
        series: dict[str, timedelta] = {}
        weekly: dict[str, tuple[int, timedelta]] = {}
        sampled = [need for need in self._needs() if isinstance(need, SeriesNeed)]
        for need in sampled:
            window = timedelta(seconds=need.window_s) + _SPARE
            series[need.metric] = max(window, series.get(need.metric, timedelta()))
            if need.weeks:
                weeks, length = weekly.get(need.metric, (0, timedelta()))
                weekly[need.metric] = max(weeks, need.weeks), max(length, window)
        detailed = [need for need in runs if need.details]
        return LoadPlan(
            runs=_reach(runs, slowest),
            details=_reach(detailed, slowest),
            endpoints=frozenset(endpoint for need in detailed for endpoint in need.endpoints),
            server_errors=any(need.server_errors for need in detailed),
            third_parties=any(need.third_parties for need in detailed),
            series=series,
            calls=any(need.calls for need in detailed),
            weekly=weekly,
            newest=frozenset(need.metric for need in sampled if need.newest),
            days=frozenset(need.days for need in self._needs() if isinstance(need, DaysNeed)),
            durations=frozenset(
                (need.metric, need.window_s) for need in self._needs() if isinstance(need, DurationsNeed)
            ),
        )

    def _needs(self) -> Iterator[Need]:
        for rule in self.by_name.values():
            if rule.enabled:
                yield from kind_of(rule).needs(rule)


def _reach(needs: list[RunsNeed], slowest_s: float) -> timedelta:
    if not needs:
        return timedelta()
    return min(_KEPT, timedelta(seconds=max(need.reach_s(slowest_s) for need in needs)) + _SPARE)


def kind_of(rule: Rule) -> Kind:
    """Return the kind of a rule."""
    return KINDS[rule.kind]


def targets_from(document: Document, *, shipped: Document | None = None) -> Targets:
    """Return the targets of a file, checked. It overrides what it names; every other rule and setting is that of the `shipped` file.

    A file that was written for an earlier version names fewer rules than there are now, and holds all the same. A setting that is a
    list or a table is replaced as one. A rule that gets another kind is replaced as a whole. A name that does not ship is a rule of
    one's own.

    Raises:
        ConfigError: with file, line, key and hint.
    """
    wrong: list[Complaint] = []
    rules: dict[str, Rule] = {}
    for name, entry in _over(shipped.data if shipped else {}, document.data).items():
        try:
            rules[name] = _rule(name, entry, document, shipped.data if shipped else {})
        except ConfigError as error:
            wrong += error.complaints
    if wrong:
        raise ConfigError(*sorted(wrong, key=lambda c: (c.line or 0, c.key or "")))
    return Targets(rules)


def _over(shipped: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shipped rules with what a file of one's own says in their place."""
    merged = dict(shipped)
    for name, rule in own.items():
        known = shipped.get(name)
        if isinstance(known, dict) and isinstance(rule, dict) and rule.get("kind", known["kind"]) == known["kind"]:
            merged[name] = {**known, **rule}
        else:
            merged[name] = rule
    return merged


def _rule(name: str, entry: Any, document: Document, shipped: Mapping[str, Any]) -> Rule:
    """Return one rule, checked. Raises ConfigError."""
    if name not in shipped:
        _check_name(name, document, shipped)
    if not isinstance(entry, dict):
        raise _refused(document, name, f"input should be keys with values below it, got {entry!r:.80}")
    kind = entry.get("kind")
    if kind is None:
        close = difflib.get_close_matches(name, shipped, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(sorted(KINDS))}"
        what = "is no rule that ships, and a rule of your own names its `kind`" if shipped else "has no `kind`"
        raise _refused(document, name, what, hint)
    if not isinstance(kind, str) or kind not in KINDS:
        close = difflib.get_close_matches(str(kind), KINDS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(KINDS))}"
        raise _refused(document, f"{name}.kind", f"no kind of rule is named {kind!r:.80}", hint)
    lines = {key.removeprefix(f"{name}."): n for key, n in document.lines.items() if key.startswith(f"{name}.")}
    try:
        rule = validate(KINDS[kind].settings, Document(document.file, entry, lines))
    except ConfigError as error:
        raise ConfigError(*(_below(name, complaint, document) for complaint in error.complaints)) from None
    return rule if rule.title else replace(rule, title=name)


def _below(name: str, complaint: Complaint, document: Document) -> Complaint:
    key = f"{name}.{complaint.key}" if complaint.key else name
    return replace(complaint, key=key, line=complaint.line or document.line(name))


def _check_name(name: str, document: Document, shipped: Mapping[str, Any]) -> None:
    if not _NAME.fullmatch(name):
        what = "is no name of a rule"
        hint = f"write a letter first, then letters, digits, _ and -; {LONGEST_NAME} characters at most"
        raise _refused(document, name, what, hint)
    same = [known for known in shipped if known.lower() == name.lower()]
    if same:
        raise _refused(document, name, f"differs from the shipped rule {same[0]} in capitals only", f"write {same[0]}")


def _refused(document: Document, key: str, what: str, hint: str | None = None) -> ConfigError:
    line = document.line(key) if key in document.lines or "." in key else None
    return ConfigError(Complaint(file=document.file, line=line or document.line(key), key=key, what=what, hint=hint))


def left_out(document: Document, shipped: Document) -> tuple[str, ...]:
    """Return the shipped rules that a file does not name."""
    return tuple(name for name in shipped.data if name not in document.data)
