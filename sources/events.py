"""Reads structured events that the site sends: one JSON object each, checked, limited in size and without personal data."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from facts import Event
from redact.masking import MASK
from redact.personal import is_personal_key, mask_personal
from redact.plain_text import plain

EVENTS = "events"
"""The source of the metrics that are counted out of events, whoever sent them."""
LARGEST_EVENT = 16 * 1024
"""The largest event, in bytes of its JSON."""
MOST_EXTRA_KEYS = 20
"""So many keys beside the fixed ones are kept; the others are dropped and counted."""
DROPPED = "dropped_keys"
"""The field that says how many keys of an event were dropped."""
AHEAD = timedelta(seconds=60)
"""An event may be dated so far ahead of the hub's clock."""
OLDEST = {"error": timedelta(days=34), "warn": timedelta(days=30), "info": timedelta(days=7)}
"""How old an event may be when it comes, by level. It is as long as events of the level are kept: one that was deleted and is sent
again would count twice."""
FUNNEL = ("page_view", "form_start", "ticket_selection", "checkout_start", "payment_complete")
"""The steps of the guide's funnel, in order."""
_LEVELS = {
    **dict.fromkeys(("error", "err", "fatal", "critical", "crit", "alert", "emergency", "panic"), "error"),
    **dict.fromkeys(("warn", "warning"), "warn"),
    **dict.fromkeys(("info", "information", "notice", "log", "debug", "trace", "verbose"), "info"),
}
_LONGEST_ID, _LONGEST_NAME, _LONGEST_KEY, _LONGEST_TEXT = 200, 100, 64, 500
_LARGEST_AMOUNT, _LONGEST_MS, _EXACT = 10**12, 86_400_000, 2**53
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_METHOD = re.compile(r"[A-Za-z]{1,16}")
_KEY = re.compile(r"[A-Za-z_][\w.\-]*", re.ASCII)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# A part of a path that names one thing of many: a number, a UUID or another long id.
_ID_PART = re.compile(
    r"\d+|[0-9a-fA-F-]{16,}|(?=[^/]*\d)[\w.~-]{20,}|(?=[^/]*\d)[a-z]{2,4}_(?:test_|live_)?\w{8,}", re.ASCII
)
_Value = str | int | float | bool | None


class EventError(ValueError):
    """An event cannot be kept; the message names the key and says what is wrong. `is_of_the_future` is true where it is its date."""

    def __init__(self, message: str, *, is_of_the_future: bool = False) -> None:
        super().__init__(message)
        self.is_of_the_future = is_of_the_future


def parse_event(text: str) -> dict[str, Any]:
    """Return the JSON object in a text that was decoded with `surrogateescape`.

    Raises:
        EventError: too large, not UTF-8, not JSON, no object, or a key that stands in it twice.
    """
    # A byte takes one character at least, so that a text of this length can be measured without encoding a huge one.
    if len(text) > LARGEST_EVENT or len(text.encode("utf-8", "surrogateescape")) > LARGEST_EVENT:
        raise EventError(f"the event is larger than {LARGEST_EVENT // 1024} KiB")
    if not text.isascii() and _UNSTORABLE.search(text):
        raise EventError("the event is not UTF-8")
    try:
        record = _decoder.decode(text)
    except RecursionError:
        raise EventError("the event is nested too deeply") from None
    except EventError:
        raise
    except ValueError as error:
        raise EventError(f"the event is not JSON: {error}"[:_LONGEST_TEXT]) from None
    if not isinstance(record, dict):
        raise EventError('the event is no JSON object: {"id": ..., "at": ..., "level": ..., "name": ...}')
    return record


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise EventError(f"{_shown(twice)}: stands in the event twice")
    return found


def _no_constant(name: str) -> Any:
    raise EventError(f"{name} is no number in JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_no_constant)


def read_event(record: Mapping[str, Any], *, now: datetime) -> Event:
    """Return the event in a JSON object, as it is stored.

    `id`, `at` and `name` must be there; `level` is `info` where it is missing. The fixed keys are checked; other keys are kept
    where they hold text, a number or a boolean, at most 20 of them, and counted in `dropped_keys` otherwise. Personal data is
    masked everywhere; an id that holds any is replaced by its digest, so that it still tells the event apart.

    Raises:
        EventError: a key is missing or wrong; the message begins with the key.
    """
    level = _level(record.get("level"))
    fields = {key: check(key, record[key]) for key, check in _FIXED.items() if record.get(key) is not None}
    for amount in ("amount_minor", "price_minor"):
        if amount in fields and "currency" not in fields:
            raise EventError(f"currency: is missing beside {amount}; write its three letters, like usd")
    extra, dropped = _extra(record)
    fields |= extra
    if dropped:
        fields[DROPPED] = dropped
    category = record.get("category")
    return Event(
        id=_id(record.get("id")),
        at=_moment(record.get("at"), level, now),
        level=level,
        name=_line("name", record.get("name"), _LONGEST_NAME),
        category=None if category in (None, "") else _line("category", category, _LONGEST_NAME),
        fields=fields,
    )


def dropped_keys(event: Event) -> int:
    """Return how many keys of the event's record were not kept."""
    dropped = event.fields.get(DROPPED, 0)
    return dropped if isinstance(dropped, int) else 0


def _extra(record: Mapping[str, Any]) -> tuple[dict[str, _Value], int]:
    kept: dict[str, _Value] = {}
    dropped = 0
    for key, value in record.items():
        if key in _KNOWN:
            continue
        is_kept = len(kept) < MOST_EXTRA_KEYS and len(key) <= _LONGEST_KEY and _KEY.fullmatch(key) is not None
        if not is_kept or not _is_scalar(value) or mask_personal(key) != key:
            dropped += 1
        else:
            kept[key] = MASK if value is not None and is_personal_key(key) else _masked(value)
    return kept, dropped


def _is_scalar(value: Any) -> bool:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return True
    # Compared first: an integer of hundreds of digits is no float.
    return isinstance(value, int | float) and abs(value) <= _EXACT


def _masked(value: Any) -> _Value:
    if isinstance(value, str):
        return _storable(mask_personal(value[: 2 * _LONGEST_TEXT]))[:_LONGEST_TEXT]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**9:
        # A phone number or a card number may come as a number.
        return value if mask_personal(str(value)) == str(value) else MASK
    return value  # type: ignore[no-any-return]


def _storable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text  # nearly every text; looking at each character costs more than everything else here
    return plain(_UNSTORABLE.sub("\ufffd", text))


def _shown(value: Any) -> str:
    """Return a value for a message: short, and without personal data."""
    return f"{mask_personal(str(value)[:200])!a:.80}"


def _id(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_ID or value != _storable(value).strip():
        raise EventError(f"id: must be a text of 1 to {_LONGEST_ID} characters that is the event's alone")
    masked = mask_personal(value)
    return value if masked == value else "sha256:" + hashlib.sha256(value.encode()).hexdigest()


def _level(value: Any) -> str:
    if value is None:
        return "info"
    level = _LEVELS.get(value.strip().lower()) if isinstance(value, str) else None
    if level is None:
        raise EventError(f"level: {_shown(value)} is none of error, warn and info")
    return level


def _moment(value: Any, level: str, now: datetime) -> datetime:
    if value is None:
        raise EventError("at: is missing; write the moment of the event, like 2026-11-30T12:00:00Z")
    at = None
    if isinstance(value, str) and len(value) <= 40:
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            at = None
    if at is None:
        raise EventError(f"at: {_shown(value)} is no moment; write it like 2026-11-30T12:00:00Z")
    if at.tzinfo is None:
        raise EventError(f"at: {_shown(value)} has no zone; write Z at its end for UTC")
    try:
        at = at.astimezone(UTC)
        ahead = at - now
    except OverflowError:
        raise EventError(f"at: {_shown(value)} is no moment of this time") from None
    if ahead > AHEAD:
        raise EventError(
            f"at: is {ahead.total_seconds():.0f} s in the hub's future; at most {AHEAD.total_seconds():.0f} s are taken",
            is_of_the_future=True,
        )
    if -ahead > OLDEST[level]:
        raise EventError(
            f"at: is older than {OLDEST[level].days} days, and events of level {level} are not kept longer"
        )
    return at


def _line(key: str, value: Any, most: int) -> str:
    if value is None:
        raise EventError(f"{key}: is missing")
    if not isinstance(value, str):
        raise EventError(f"{key}: must be a text, got {_shown(value)}")
    text = mask_personal(_storable(value[: 2 * most + 2])).strip()
    if not 1 <= len(value) <= most or not text or "\n" in text or "\t" in text:
        raise EventError(f"{key}: must be one line of 1 to {most} characters, got {_shown(value)}")
    return text[:most]


def _whole(key: str, value: Any, least: int, most: int, what: str) -> int:
    number = int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT else value
    if not isinstance(number, int) or isinstance(number, bool):
        raise EventError(f"{key}: must be a whole number ({what}), got {_shown(value)}")
    if not least <= number <= most:
        raise EventError(f"{key}: must be {least} to {most} ({what}), got {_shown(value)}")
    return number


def _amount(key: str, value: Any) -> int:
    return _whole(key, value, 0, _LARGEST_AMOUNT, "minor units of its currency, like cents; never negative")


def _number(key: str, value: Any, least: float, most: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or value != value or abs(value) == math.inf:
        raise EventError(f"{key}: must be a number, got {_shown(value)}")
    if not least <= value <= most:
        raise EventError(f"{key}: must be {least:g} to {most:g}, got {_shown(value)}")
    return value


def _currency(key: str, value: Any) -> str:
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise EventError(f"{key}: must be the three letters of one currency, like usd, got {_shown(value)}")
    return value.lower()


def _method(key: str, value: Any) -> str:
    if not isinstance(value, str) or not _METHOD.fullmatch(value):
        raise EventError(f"{key}: must be a method of HTTP, like GET, got {_shown(value)}")
    return value.upper()


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise EventError(f"{key}: must be true or false, got {_shown(value)}")
    return value


def endpoint_of(text: str) -> str:
    """Return the endpoint of a path or an address: without host, query and fragment, and with `{id}` for each part that is an id."""
    path = re.sub(r"^[a-z][a-z0-9+.-]*://[^/?#]*", "", text, flags=re.IGNORECASE)
    path = re.split(r"[?#;]", path, maxsplit=1)[0] or "/"
    parts = [("{id}" if _ID_PART.fullmatch(part) else part) for part in path.split("/")]
    return "/".join(parts)[:_LONGEST_ID]


def _endpoint(key: str, value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 2000 or not re.match(r"/|https?://", value):
        raise EventError(f"{key}: must be a path of the site, like /api/inventory, got {_shown(value)}")
    return endpoint_of(mask_personal(_storable(value)).replace("\n", "").replace("\t", ""))


def _text(most: int) -> Callable[[str, Any], str]:
    return lambda key, value: _line(key, value, most)


_FIXED: Mapping[str, Callable[[str, Any], _Value]] = {
    "amount_minor": _amount,
    "currency": _currency,
    "city": _text(100),
    "tier": lambda key, value: _line(key, value, 32).lower(),
    "is_member": _flag,
    "price_minor": _amount,
    "endpoint": _endpoint,
    "method": _method,
    "status": lambda key, value: _whole(key, value, 100, 599, "a status of HTTP"),
    "duration_ms": lambda key, value: _number(key, value, 0, _LONGEST_MS),
    "funnel_step": _text(64),
    "session": _text(200),
    "channel": _text(64),
    "score": lambda key, value: _number(key, value, -1e6, 1e6),
}
FIXED_KEYS = tuple(_FIXED)
"""The keys that an event may have beside `id`, `at`, `level`, `name` and `category`, and whose values are checked."""
_KNOWN = frozenset({"id", "at", "level", "name", "category", DROPPED, *_FIXED})


def split_batch(text: str) -> Iterator[str | EventError]:
    """Yield the JSON text of each event of a batch, in order: its lines, or the values of its array.

    `text` was decoded with `surrogateescape`. An array that is broken cannot be read past the place: there the error is yielded,
    and nothing after it.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip(_BLANK).startswith("["):
        yield from _values(text)
        return
    whole = text.strip(_BLANK)
    if "\n" in whole and _is_object(whole):
        yield whole  # one event, written over several lines
        return
    yield from (line.strip(_BLANK) for line in text.split("\n") if line.strip(_BLANK))


_BLANK = " \t\r\n"
_plain_decoder = json.JSONDecoder()


def _is_object(text: str) -> bool:
    """Return whether a text is exactly one JSON object; only its first value is parsed, so that lines are read once."""
    if not text.startswith("{"):
        return False
    first = text.partition("\n")[0]
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        pass
    else:
        return False
    try:
        _, end = _plain_decoder.raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return end == len(text)


def _values(text: str) -> Iterator[str | EventError]:
    at = _after_blanks(text, text.index("[") + 1)
    if text[at : at + 1] == "]":
        return
    while True:
        try:
            _, end = _plain_decoder.raw_decode(text, at)
        except RecursionError:
            yield EventError("the event is nested too deeply, and the rest of the array cannot be read; send lines")
            return
        except ValueError as error:
            yield EventError(f"the array is broken here, and the rest of it cannot be read ({error}); send lines")
            return
        yield text[at:end]
        at = _after_blanks(text, end)
        if text[at : at + 1] == "]":
            if text[at + 1 :].strip(_BLANK):
                yield EventError("something follows the array; send one array, or lines")
            return
        if text[at : at + 1] != ",":
            yield EventError(
                "the array ends without `]`, or a comma is missing; the rest of it cannot be read; send lines"
            )
            return
        at = _after_blanks(text, at + 1)


def _after_blanks(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _BLANK:
        at += 1
    return at


def read_events(
    records: Iterable[str | EventError], *, now: datetime
) -> Iterator[tuple[str | None, Event | EventError]]:
    """Yield for each record of a batch its id (None if it has no readable one), and its event or what is wrong with it."""
    for record in records:
        if isinstance(record, EventError):
            yield None, record
            continue
        told: str | None = None
        try:
            parsed = parse_event(record)
            told = _told_id(parsed)
            yield told, read_event(parsed, now=now)
        except EventError as error:
            yield told, error


def read_records(
    records: Iterable[Mapping[str, Any] | EventError], *, now: datetime
) -> Iterator[tuple[str | None, Event | EventError]]:
    """Yield the same for records that are JSON objects already."""
    for record in records:
        if isinstance(record, EventError):
            yield None, record
            continue
        try:
            yield _told_id(record), read_event(record, now=now)
        except EventError as error:
            yield _told_id(record), error


def _told_id(record: Mapping[str, Any]) -> str | None:
    found = record.get("id")
    if not isinstance(found, str):
        return None
    return mask_personal(_storable(found[:_LONGEST_ID])).strip() or None
