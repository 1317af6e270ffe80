"""Frozen dataclasses to JSON and back.

The wire is versioned by tolerance: a reader ignores keys it does not know and fills in defaults for keys it misses, so that
a runner and a hub of neighbouring versions understand each other. `WIRE_VERSION` grows only where that does not do, and then
a reader leaves what is newer alone until it is newer itself.
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
"""What stands as `version` in a run, a plan and the envelope of a batch."""


class WireError(ValueError):
    """JSON that is not the noun it claims to be; the message names the key."""


_PLAIN = frozenset({str, int, float, bool, type(None)})


def to_wire(value: Any) -> Any:
    """JSON-ready form of a noun: enums as their value, times as ISO 8601 UTC, milliseconds with one decimal."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    names = _names(typing.cast(typing.Hashable, kind))
    if names is not None:
        return {name: _told(getattr(value, name), in_ms=in_ms) for name, in_ms in names}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_wire(item) for item in value]
    return value


def _told(value: Any, *, in_ms: bool) -> Any:
    told = value if type(value) in _PLAIN else to_wire(value)
    return round(told, 1) if in_ms and isinstance(told, float) else told


@cache
def _names(kind: Any) -> tuple[tuple[str, bool], ...] | None:
    """The fields of a noun, and which of them are milliseconds; None for what is no noun. A run has thousands of values."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple((field.name, field.name.endswith("_ms")) for field in dataclasses.fields(kind))


def from_wire(noun: type[T], data: Any, *, at: str = "") -> T:
    """The noun that `data` describes.

    Raises:
        WireError: a key is missing or of the wrong shape; the message says which, with its path.
    """
    if not isinstance(data, dict):
        raise WireError(f"{at or noun.__name__}: expected an object, got {type(data).__name__}")
    values: dict[str, Any] = {}
    for field, read in _readers(typing.cast(typing.Hashable, noun)):
        path = f"{at}.{field.name}" if at else field.name
        if field.name in data:
            values[field.name] = read(data[field.name], path)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise WireError(f"{path}: missing")
    return noun(**values)


@cache
def _readers(noun: Any) -> list[tuple[dataclasses.Field[Any], Callable[[Any, str], Any]]]:
    hints = typing.get_type_hints(noun)
    return [(field, _reader(hints[field.name])) for field in dataclasses.fields(noun)]


def _reader(hint: Any) -> Callable[[Any, str], Any]:
    if hint is Any:
        return lambda value, _path: value
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = _reader(next(a for a in arguments if a is not type(None)))
        return lambda value, path: None if value is None else inner(value, path)
    if origin is tuple:
        item = _reader(arguments[0])
        return lambda value, path: tuple(item(v, f"{path}[{i}]") for i, v in enumerate(_a(list, value, path)))
    if origin is list:
        entry = _reader(arguments[0])
        return lambda value, path: [entry(v, f"{path}[{i}]") for i, v in enumerate(_a(list, value, path))]
    if origin is dict:
        of_key = _reader(arguments[1])
        return lambda value, path: {key: of_key(v, f"{path}.{key}") for key, v in _a(dict, value, path).items()}
    if hint is Any:
        return lambda value, path: value
    if origin is typing.Literal:
        return lambda value, path: _one_of(arguments, value, path)
    if dataclasses.is_dataclass(hint):
        return lambda value, path: from_wire(typing.cast(type[Any], hint), value, at=path)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value, path: _enum(hint, value, path)
    if hint is datetime:
        return _time
    if hint is float:
        return _float
    return lambda value, path: _a(hint, value, path)


def _a(kind: Any, value: Any, path: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        wanted = "a number" if isinstance(kind, tuple) else kind.__name__
        raise WireError(f"{path}: expected {wanted}, got {type(value).__name__}")
    return value


def _one_of(known: tuple[Any, ...], value: Any, path: str) -> Any:
    if value not in known:
        raise WireError(f"{path}: {value!r} is none of {', '.join(map(str, known))}")
    return value


def _enum(kind: type[Enum], value: Any, path: str) -> Enum:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(member.value) for member in kind)
        raise WireError(f"{path}: {value!r} is none of {known}") from None


def _float(value: Any, path: str) -> float:
    try:
        number = float(_a((int, float), value, path))
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise WireError(f"{path}: not a finite number")
    return number


def _time(value: Any, path: str) -> datetime:
    text = _a(str, value, path)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise WireError(f"{path}: {text!r:.80} is not an ISO 8601 time") from None
    if parsed.tzinfo is None:
        raise WireError(f"{path}: {text!r:.80} has no zone; send UTC with a trailing Z")
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        raise WireError(f"{path}: {text!r:.80} is before the first year or after the last") from None
