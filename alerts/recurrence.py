"""Reads the recurrence rules of iCalendar (RFC 5545) of maintenance windows and shifts, and refuses those that take forever.

A rule is evaluated at each tick of the hub, so one that is repeated each second, or that never comes, would stop it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

FIRST_YEAR, LAST_YEAR = 1970, 2200
"""The years in which a window or a shift may begin first."""
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_LISTS = ("BYDAY", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYHOUR", "BYMINUTE", "BYSECOND")
_NAMES = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", *_LISTS)
_MOST_TIMES, _LONGEST_INTERVAL, _MOST_COUNTED, _LONGEST_TEXT = 24, 1000, 10_000, 1000
_HORIZON = timedelta(days=36_525)
"""The time after its start during which a recurrence rule is followed."""


def recurrence(text: str, start: datetime) -> Any:
    """Return the rule of dateutil of a text like `FREQ=WEEKLY;BYDAY=TU` that begins at `start`; it ends within 100 years.

    Raises:
        ValueError: it is no such rule, or never comes; the message says what is wrong, and what to write.
    """
    from dateutil.rrule import rrulestr

    told = text.strip().upper().removeprefix("RRULE:")
    parts = _parts(told)
    if not FIRST_YEAR <= start.year <= LAST_YEAR:
        raise ValueError(f"begins in the year {start.year}, which is not between {FIRST_YEAR} and {LAST_YEAR}")
    until = parts.get("UNTIL", "")
    if start.tzinfo is None and until.endswith("Z"):
        raise ValueError(f"ends in UTC, and begins on the wall clock; write UNTIL={until[:20].removesuffix('Z')}")
    try:
        rule: Any = rrulestr(told, dtstart=start)
        # Bounded first: a rule that never comes is followed to the year 9999 otherwise.
        last = start + _HORIZON
        bounded = rule.replace(count=None, until=min(rule._until or last, last))
        times = int(parts["COUNT"]) if "COUNT" in parts else 1
        found = list(islice(bounded, times))
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError) as error:
        raise ValueError(f"is no rule of iCalendar ({error!s:.100}); write it like FREQ=WEEKLY;BYDAY=TU") from None
    if not found:
        raise ValueError("never comes; look at its UNTIL and its days")
    # The last of those that are counted is the end, too.
    return bounded.replace(until=found[-1]) if "COUNT" in parts else bounded


def _parts(text: str) -> dict[str, str]:
    """Return the value of each part of a rule, by its name. Raises ValueError."""
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"has {len(text)} characters; at most {_LONGEST_TEXT}")
    pairs = [part.partition("=") for part in text.split(";") if part]
    parts = {name: value for name, _, value in pairs}
    if parts.get("FREQ") not in _FREQUENCIES:
        raise ValueError(
            "has no FREQ of DAILY, WEEKLY, MONTHLY or YEARLY; write it like FREQ=WEEKLY;BYDAY=TU",
        )
    if len(parts) < len(pairs):
        raise ValueError("is no rule of iCalendar (a part stands there twice); write it like FREQ=WEEKLY;BYDAY=TU")
    unknown = next((name for name in parts if name not in _NAMES), None)
    if unknown is not None:
        raise ValueError(f"is no rule of iCalendar ({unknown!r:.40} is no part of one); there are {', '.join(_NAMES)}")
    for name, most in (("INTERVAL", _LONGEST_INTERVAL), ("COUNT", _MOST_COUNTED)):
        value = parts.get(name, "1")
        if not re.fullmatch("[0-9]{1,9}", value) or not 1 <= int(value) <= most:
            raise ValueError(f"has {name}={value:.40}, which is no number from 1 to {most}")
    times = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        times *= len(parts.get(name, "0").split(","))
    if times > _MOST_TIMES:
        raise ValueError(f"comes {times} times a day; at most {_MOST_TIMES}")
    return parts
