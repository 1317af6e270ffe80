"""Frozen dataclasses to JSON and back.

The wire is versioned by tolerance: a reader ignores keys it does not know and fills in defaults for keys it misses, so that
a runner and a hub of neighbouring versions understand each other.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class WireError(ValueError):
    """JSON that is not the noun it claims to be; the message names the key."""


def to_wire(value: Any) -> Any:
    """JSON-ready form of a noun: enums as their value, times as ISO 8601 UTC, milliseconds with one decimal."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _number(f.name, to_wire(getattr(value, f.name))) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_wire(item) for item in value]
    return value


def _number(name: str, value: Any) -> Any:
    return round(value, 1) if isinstance(value, float) and name.endswith("_ms") else value


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
        return lambda value, path: dict(_a(dict, value, path))
    if origin is typing.Literal:
        return lambda value, path: _one_of(arguments, value, path)
    if dataclasses.is_dataclass(hint):
        return lambda value, path: from_wire(typing.cast(type[Any], hint), value, at=path)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value, path: _enum(hint, value, path)
    if hint is datetime:
        return _time
    if hint is float:
        return lambda value, path: float(_a((int, float), value, path))
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


def _time(value: Any, path: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(_a(str, value, path))
    except ValueError:
        raise WireError(f"{path}: {value!r} is not an ISO 8601 time") from None
    if parsed.tzinfo is None:
        raise WireError(f"{path}: {value!r} has no zone; send UTC with a trailing Z")
    return parsed
