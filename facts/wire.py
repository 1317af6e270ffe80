"""Converts frozen dataclasses to JSON and back.

The wire format is versioned by tolerance: a reader ignores unknown keys and fills in defaults for missing ones, so that
a runner and a hub of neighbouring versions understand each other. `WIRE_VERSION` increases only if that is not enough;
a reader then refuses newer data until it is upgraded.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
WIRE_VERSION = 1
"""The value of `version` in a run, a plan and the envelope of a batch."""


class WireError(ValueError):
    """JSON does not match the expected data type; the message names the key."""


_PLAIN = frozenset({str, int, float, bool, type(None)})


def to_wire(value: Any) -> Any:
    """Return the JSON-ready form of an object: enums as their value, times as ISO 8601 UTC, milliseconds with one decimal."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    names = _names(typing.cast(typing.Hashable, kind))
    if names is not None:
        return _told(value, names)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_wire(item) for item in value]
    return value


def left_out_when_none() -> dict[str, bool]:
    """Return the metadata of a field that is left out of the JSON while it is None, because an older reader does not accept None."""
    return {"left_out_when_none": True}


def _told(noun: Any, names: tuple[tuple[str, bool], ...]) -> dict[str, Any]:
    # A run has thousands of values, nearly all of them plain; they are copied without a function call.
    told: dict[str, Any] = {}
    for name, in_ms in names:
        value = getattr(noun, name)
        if type(value) not in _PLAIN:
            value = to_wire(value)
        told[name] = round(value, 1) if in_ms and isinstance(value, float) else value
    for name in _may_be_left_out(typing.cast(typing.Hashable, type(noun))):
        if told[name] is None:
            del told[name]
    return told


@cache
def _may_be_left_out(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.metadata.get("left_out_when_none"))


@cache
def _names(kind: Any) -> tuple[tuple[str, bool], ...] | None:
    """Return the fields of a dataclass, each with whether it is in milliseconds; None for other types."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple((field.name, field.name.endswith("_ms")) for field in dataclasses.fields(kind))


class _WrongError(Exception):
    """A value is wrong; the path grows while the error propagates, so that correct values cost nothing."""

    def __init__(self, what: str) -> None:
        self.what, self.path = what, ""

    def inside(self, place: str) -> _WrongError:
        self.path = place + self.path
        return self


def from_wire(noun: type[T], data: Any, *, at: str = "") -> T:
    """Return the object that `data` describes.

    Raises:
        WireError: a key is missing or of the wrong type; the message names it with its path.
    """
    try:
        return _read(noun, data)
    except _WrongError as wrong:
        path = (at + wrong.path if at else wrong.path.removeprefix(".")) or noun.__name__
        raise WireError(f"{path}: {wrong.what}") from None


def moment_of(text: str) -> datetime:
    """Return the UTC time of an ISO 8601 text with a zone.

    Raises:
        WireError: the text is not such a time.
    """
    try:
        return _time(text)
    except _WrongError as wrong:
        raise WireError(wrong.what) from None


def _read(noun: type[T], data: Any) -> T:
    if not isinstance(data, dict):
        raise _WrongError(f"expected an object, got {type(data).__name__}")
    values: dict[str, Any] = {}
    name = ""
    try:
        for name, read, must in _readers(typing.cast(typing.Hashable, noun)):
            if name in data:
                values[name] = read(data[name])
            elif must:
                raise _WrongError("missing")
    except _WrongError as wrong:
        raise wrong.inside(f".{name}") from None
    return noun(**values)


_Reader = Callable[[Any], Any]


@cache
def _readers(noun: Any) -> tuple[tuple[str, _Reader, bool], ...]:
    """Return each field with its reader, and whether it is required."""
    hints = typing.get_type_hints(noun)
    return tuple(
        (
            field.name,
            _reader(hints[field.name]),
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(noun)
    )


def _reader(hint: Any) -> _Reader:
    if hint is Any:
        return lambda value: value
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = _reader(next(a for a in arguments if a is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _reader(arguments[0])
        return lambda value: tuple(_items(item, value))
    if origin is list:
        entry = _reader(arguments[0])
        return lambda value: _items(entry, value)
    if origin is dict:
        of_key = _reader(arguments[1])
        return lambda value: _entries(of_key, value)
    if origin is typing.Literal:
        return lambda value: _one_of(arguments, value)
    if dataclasses.is_dataclass(hint):
        return lambda value: _read(typing.cast(type[Any], hint), value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value: _enum(hint, value)
    if hint is datetime:
        return _time
    if hint is float:
        return _float
    return lambda value: value if type(value) is hint else _a(hint, value)


def _items(read: _Reader, value: Any) -> list[Any]:
    found: list[Any] = []
    items = _a(list, value)
    try:
        for item in items:
            found.append(read(item))
    except _WrongError as wrong:
        raise wrong.inside(f"[{len(found)}]") from None
    return found


def _entries(read: _Reader, value: Any) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    entries = _a(dict, value)
    key: Any = None
    try:
        for key, entry in entries.items():
            found[key] = read(entry)
    except _WrongError as wrong:
        raise wrong.inside(f".{key}") from None
    return found


def _a(kind: Any, value: Any) -> Any:
    # A bool is an int in Python, but not a number in JSON.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        wanted = "a number" if isinstance(kind, tuple) else kind.__name__
        raise _WrongError(f"expected {wanted}, got {type(value).__name__}")
    return value


def _one_of(known: tuple[Any, ...], value: Any) -> Any:
    if value not in known:
        raise _WrongError(f"{value!r} is none of {', '.join(map(str, known))}")
    return value


def _enum(kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(member.value) for member in kind)
        raise _WrongError(f"{value!r} is none of {known}") from None


def _float(value: Any) -> float:
    try:
        number = float(value if type(value) is float else _a((int, float), value))
    except OverflowError:
        # An integer too large for a float is refused like infinity.
        number = math.inf
    if not math.isfinite(number):
        raise _WrongError("not a finite number")
    return number


def _time(value: Any) -> datetime:
    text = _a(str, value)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise _WrongError(f"{text!r:.80} is not an ISO 8601 time") from None
    if parsed.tzinfo is None:
        raise _WrongError(f"{text!r:.80} has no zone; send UTC with a trailing Z")
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        raise _WrongError(f"{text!r:.80} is before the first year or after the last") from None
