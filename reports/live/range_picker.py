"""Provides the range picker of a page's header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from urllib.parse import urlencode

from reports.live.frame import Choice
from reports.ranges import CUSTOM, LENGTHS, RANGES, TimeRange

_OF_RANGE = ("range", "from", "to", "back", "page", "part", "period")
"""What another range replaces: also the page of a list, because the list becomes another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangePicker:
    """Holds the links and the form that choose a range; all keep the rest of what the address asks for.

    `hidden` are the form's hidden fields, `first` and `last` the moments in it, of the zone `zone_name`. `bounds` are the two moments
    in words, "" where the range is a named one. `back` is the query of the range from which a reader zoomed into this one, and
    `back_label` its label; both are "" where the reader did not zoom.
    """

    choices: tuple[Choice, ...]
    hidden: tuple[tuple[str, str], ...]
    first: str
    last: str
    is_custom: bool
    zone_name: str
    bounds: str
    key: str
    back: str = ""
    back_label: str = ""


def range_picker(
    shown: TimeRange,
    asked: Mapping[str, str],
    *,
    zone: tzinfo,
    zone_name: str,
    keys: Sequence[str] = tuple(LENGTHS),
) -> RangePicker:
    """Return the picker of a page that shows `shown`; `asked` is the query of its address, and `keys` the ranges that it has."""
    rest = {key: value for key, value in asked.items() if key not in _OF_RANGE and value}
    labels = {option.key: option.label for option in RANGES if option.key in keys}
    first, last = shown.fields(zone)
    return RangePicker(
        choices=tuple(
            Choice(label=label, query=urlencode(rest | {"range": key}, safe="/:"), is_current=key == shown.key)
            for key, label in labels.items()
        ),
        hidden=(*rest.items(), ("range", CUSTOM)),
        first=first,
        last=last,
        is_custom=shown.is_custom,
        zone_name=zone_name,
        bounds=shown.bounds(zone) if shown.is_custom else "",
        key=shown.key,
        back=urlencode(rest | {"range": shown.back}, safe="/:") if shown.back else "",
        back_label=labels.get(shown.back, ""),
    )
