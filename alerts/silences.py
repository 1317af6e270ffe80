"""Silences: reads what a person asks for, and says which alerts a silence holds back. Pure.

An alert that is silenced while it was told to nobody opens no incident; when the silence ends and it still fires, it is told as if
it had just begun. Of an incident that was told already nothing more is said and nobody is called, except that it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from alerts.route import Match
from config.durations import seconds
from facts import SILENCE_KEYS, Alert, Family, Severity, Silence, SilenceState, WireError, moment_of

LONGEST = timedelta(days=30)
"""A longer silence is a rule that should be switched off in sla.yaml, where everybody reads it."""
SHORTEST = timedelta(minutes=1)
_LONGEST_REASON, _MOST_VALUES, _LONGEST_VALUE = 500, 50, 200
_ASKED = ("match", "for", "starts_at", "ends_at", "reason")
_KNOWN = {"severity": [s.value for s in Severity], "family": [f.value for f in Family]}


class SilenceError(ValueError):
    """The silence cannot be created; the message names the key and says what to write."""


def read_silence(asked: Any, *, silence_id: str, by: str, now: datetime) -> Silence:
    """Return the silence that a person asks for.

    `asked` has `match`, `reason`, and an end: `for` (a length like `2h`) or `ends_at`; `starts_at` is now where it is not said. Times
    are ISO 8601 with a zone.

    Raises:
        SilenceError: a key is unknown, missing or wrong.
    """
    if not isinstance(asked, Mapping):
        raise SilenceError("a silence is an object with match, for and reason")
    unknown = [key for key in asked if key not in _ASKED]
    if unknown:
        raise SilenceError(f"{unknown[0]!r:.80} is no key of a silence; there are {', '.join(_ASKED)}")
    starts_at = _moment(asked, "starts_at") or now
    ends_at = _end(asked, starts_at)
    if ends_at <= now:
        raise SilenceError(f"ends_at: {ends_at.isoformat()} is past; nothing would be silenced")
    if not SHORTEST <= ends_at - starts_at <= LONGEST:
        what = "longer than 30 days" if ends_at - starts_at > LONGEST else "shorter than a minute"
        hint = "; switch the rule off in sla.yaml instead" if ends_at - starts_at > LONGEST else ""
        raise SilenceError(f"the silence would be {what}{hint}")
    if starts_at > now + LONGEST:
        raise SilenceError("starts_at: is more than 30 days ahead")
    return Silence(
        id=silence_id,
        # What lies in the past cannot be silenced any more.
        starts_at=max(starts_at, now),
        ends_at=ends_at,
        created_at=now,
        by=by,
        reason=_reason(asked.get("reason")),
        match=read_match(asked.get("match")),
    )


def read_match(asked: Any) -> dict[str, tuple[str, ...]]:
    """Return the values that a silence matches by, under each key. Raises SilenceError."""
    if not isinstance(asked, Mapping) or not asked:
        raise SilenceError('match: name what is silenced, like {"rule": "F0"}; {"rule": "*"} is everything')
    found: dict[str, tuple[str, ...]] = {}
    for key, value in asked.items():
        if key not in SILENCE_KEYS:
            raise SilenceError(f"match.{key!s:.40}: is no key; there are {', '.join(SILENCE_KEYS)}")
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, Sequence) or not values or len(values) > _MOST_VALUES:
            raise SilenceError(f"match.{key}: is a text, or a list of 1 to {_MOST_VALUES} texts")
        for one in values:
            if not isinstance(one, str) or not 1 <= len(one) <= _LONGEST_VALUE or "\0" in one:
                raise SilenceError(f"match.{key}: {one!r:.80} is no text of 1 to {_LONGEST_VALUE} characters")
            if key in _KNOWN and one not in _KNOWN[key]:
                raise SilenceError(f"match.{key}: {one!r:.80} is none of {', '.join(_KNOWN[key])}")
        found[key] = tuple(dict.fromkeys(values))
    return found


def _end(asked: Mapping[str, Any], starts_at: datetime) -> datetime:
    length, ends_at = asked.get("for"), _moment(asked, "ends_at")
    if (length is None) == (ends_at is None):
        raise SilenceError("for: say how long, like 2h, or name the end in ends_at; one of the two")
    if ends_at is not None:
        return ends_at
    if not isinstance(length, str):
        raise SilenceError(f"for: {length!r:.40} is no length; write it like 30m, 2h or 1d")
    try:
        return starts_at + timedelta(seconds=seconds(length, key="for"))
    except OverflowError:
        raise SilenceError(
            "the silence would be longer than 30 days; switch the rule off in sla.yaml instead"
        ) from None
    except ValueError as error:
        raise SilenceError(str(error)) from None


def _moment(asked: Mapping[str, Any], key: str) -> datetime | None:
    value = asked.get(key)
    if value is None:
        return None
    try:
        return moment_of(value)
    except WireError as error:
        raise SilenceError(f"{key}: {error}") from None


def _reason(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SilenceError("reason: say why, so that whoever reads it knows; like 'deploy of the new checkout'")
    text = " ".join(value.replace("\0", " ").split())
    if len(text) > _LONGEST_REASON:
        raise SilenceError(f"reason: has {len(text)} characters; at most {_LONGEST_REASON}")
    return text


def silence_of(alert: Alert, silences: Iterable[Silence], now: datetime) -> Silence | None:
    """Return the silence that holds an alert back now, of several the one that ends last; None if there is none."""
    active = [one for one in silences if one.state(now) is SilenceState.ACTIVE and matches(one, alert)]
    return max(active, key=lambda one: (one.ends_at, one.id), default=None)


def matches(silence: Silence, alert: Alert) -> bool:
    """Return whether an alert is one that a silence is about, whatever the time."""
    return _match(tuple(sorted(silence.match.items()))).matches(alert)


@lru_cache(maxsize=256)
def _match(items: tuple[tuple[str, tuple[str, ...]], ...]) -> Match:
    values: dict[str, Any] = {key: list(texts) for key, texts in items}
    # A later version may know more severities than this one; those match no alert here.
    known = {key: [v for v in values[key] if v in _KNOWN[key]] for key in _KNOWN if key in values}
    severities = {"severity": [Severity(v) for v in known["severity"]]} if "severity" in known else {}
    families = {"family": [Family(v) for v in known["family"]]} if "family" in known else {}
    return Match(**{**values, **severities, **families})
