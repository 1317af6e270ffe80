"""The settings that every rule has, and the bounds of the settings that several kinds share."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from config.bounds import Bounds, Flag, Form, Length, Whole, refuse
from facts import Severity
from sla.durations import seconds

Locations = Annotated[int, Whole(1, 100, "it is how many locations must see it")]
InARow = Annotated[int, Whole(1, 100, "it is how many in a row")]
Runs = Annotated[int, Whole(1, 1_000, "it is how many runs must see it")]
Samples = Annotated[int, Whole(1, 100_000, "it is how many samples are needed before anything is said")]
Share = Annotated[float, Bounds(0.01, 1, "it is a share: 0.95 is 95 %, and nothing is less than 0")]
SmallShare = Annotated[float, Bounds(0.0001, 1, "it is a share: 0.05 is 5 %, and nothing is less than 0")]
Percentile = Annotated[float, Bounds(1, 100, "it is a percentile: 95 is the value that 95 % stay below")]
Value = Annotated[float, Bounds(-1e12, 1e12, "it is in the metric's unit")]
Window = Annotated[str, Length("1m", "35d", "passed runs are kept for 35 days, and a run takes up to a minute")]
Wait = Annotated[str, Length("0s", "35d", "passed runs are kept for 35 days")]
Settle = Annotated[str, Length("0s", "1h", "it is how long late results are waited for")]
Apart = Annotated[str, Length("1s", "1h", "it is how far two looks are apart")]
Silence = Annotated[
    str, Length("1m", "7d", "it is how old the last word may be; after a week nobody is heard of any more")
]
Late = Annotated[str, Length("10s", "24h", "the hub looks every ten seconds, and a message is given up after a day")]
MetricName = Annotated[
    str, Form(r"[a-z][a-z0-9_]{0,79}", "is no name of a metric; it is written like inventory_remaining_tickets")
]
WidgetName = Annotated[str, Form(r"[a-z][a-z0-9_]{0,79}", "is no name of a widget; it is written like revenue_today")]
Label = Annotated[str, Form(r"[a-z][a-z0-9_]{0,39}", "is no name of a label; it is written like city")]


@dataclass(frozen=True, slots=True)
class _NumberOrTable:
    """A number, or a table of numbers by the value of a label."""

    bounds: Bounds

    def check(self, value: Any) -> Any:
        """Return the value. Raises ValueError."""
        if not isinstance(value, dict):
            if isinstance(value, list):
                raise ValueError(f"input should be a number, or keys with numbers below it, got {value!r:.80}")
            return self.bounds.check(value)
        wrong = [f"{key}: {error}" for key, one in value.items() if (error := self._wrong_with(one))]
        refuse(wrong)
        return value

    def _wrong_with(self, value: Any) -> str | None:
        try:
            self.bounds.check(value)
        except ValueError as error:
            return str(error)
        return None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema  # a run reads no file, and should not pay for it

        return core_schema.no_info_before_validator_function(self.check, core_schema.any_schema())


Limits = Annotated[float | dict[str, float], _NumberOrTable(Bounds(-1e12, 1e12, "it is in the metric's unit"))]

R = TypeVar("R", bound="Rule")


def rung_of(ladder: Mapping[Severity, float], value: float, *, falls: bool = False) -> Severity | None:
    """Return the most urgent severity of a ladder whose limit a value is beyond; None where it is beyond none.

    It is beyond a limit above it, or, where the ladder `falls`, below it.
    """
    reached = [severity for severity, limit in ladder.items() if (value < limit if falls else value > limit)]
    return min(reached, key=lambda severity: severity.rank, default=None)


def wrong_ladder(
    severity: Severity, limit: float, ladder: Mapping[Severity, float], *, falls: bool = False
) -> Iterator[str]:
    """Yield what is wrong with the limits of `escalate`: each has to be more urgent, and further away, than the one before it."""
    before, so_far = severity, limit
    for rung in sorted(ladder, key=lambda one: -one.rank):
        if rung.rank >= severity.rank:
            yield f"escalate.{rung.value}: is no more urgent than the rule's own severity, {severity.value}"
        elif ladder[rung] >= so_far if falls else ladder[rung] <= so_far:
            yield f"escalate.{rung.value}: {ladder[rung]:g} is reached no later than the {so_far:g} of {before.value}"
        before, so_far = rung, ladder[rung]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule has: its kind, a title, the guide's own line, where to look first, and how urgent it is.

    `title_past` is the title once it is over; without one the title stays as it is. `needs_review`: a person has to look at its
    alerts after they are resolved. `escalation` are roles of alerts.yaml that are added to the tiers of the
    escalation matrix, one a tier. `widgets` are those of the dashboards that show what the rule says as their state.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    REAL_TIME: ClassVar[frozenset[str]] = frozenset()
    """The durations that a faster clock leaves as they are."""

    kind: str
    title: str = ""
    guide: str = ""
    runbook: str | None = None
    severity: Severity = Severity.HIGH
    enabled: Annotated[bool, Flag()] = True
    title_past: str = ""
    needs_review: Annotated[bool, Flag()] = False
    escalation: list[str] = field(default_factory=list)
    widgets: list[WidgetName] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in durations_of(cast(Hashable, type(self))):
            if getattr(self, name) is not None:
                seconds(getattr(self, name), key=name)
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        """Yield what of its settings does not fit together, a sentence each that names its key first."""
        yield from ()

    def s(self, name: str) -> float:
        """Return a duration of this rule in seconds; it must be set."""
        return seconds(getattr(self, name), key=name)


def _is_duration(hint: Any) -> bool:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return any(isinstance(note, Length) for option in options for note in getattr(option, "__metadata__", ()))


@cache
def durations_of(rule: Any) -> tuple[str, ...]:
    """Return the names of the durations of a class of rules."""
    return tuple(name for name, hint in get_type_hints(rule, include_extras=True).items() if _is_duration(hint))


@cache
def _collections_of_durations(rule: Any) -> tuple[str, ...]:
    hints = get_type_hints(rule, include_extras=True)
    return tuple(
        n for n, hint in hints.items() if get_origin(hint) in (dict, list) and _is_duration(get_args(hint)[-1])
    )


def scaled(rule: R, factor: float) -> R:
    """Return a rule with every duration `factor` times shorter, except those of `REAL_TIME`."""

    def shorter(text: str) -> str:
        return f"{seconds(text) / factor:.6f}s"

    kind = cast(Hashable, type(rule))
    changes: dict[str, Any] = {
        name: shorter(getattr(rule, name))
        for name in durations_of(kind)
        if name not in rule.REAL_TIME and getattr(rule, name) is not None
    }
    for name in _collections_of_durations(kind):
        found = getattr(rule, name)
        if isinstance(found, dict):
            changes[name] = {key: shorter(text) for key, text in found.items()}
        else:
            changes[name] = [shorter(text) for text in found]
    return replace(rule, **changes)
