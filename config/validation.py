"""Data against the shape a room wants: pydantic does the checking, we do the complaining."""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from config.complaints import Complaint, ConfigError
from config.documents import Document

T = TypeVar("T")


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def validate(shape: type[T], document: Document, *, overridden: frozenset[str] = frozenset()) -> T:
    """The shape filled from a document.

    `shape` is a standard-library dataclass (or a pydantic model); unknown keys are refused where it says
    `__pydantic_config__ = {"extra": "forbid"}`. Keys in `overridden` came from `--set` and are blamed on that, not on the file.

    Raises:
        ConfigError: one complaint for each thing that is wrong, with file, line, key and a hint.
    """
    try:
        return _adapter(cast(Hashable, shape)).validate_python(document.data)  # type: ignore[no-any-return]
    except ValidationError as error:
        complaints = {_complaint(item, shape, document, overridden) for item in error.errors(include_url=False)}
        raise ConfigError(*sorted(complaints, key=lambda c: (c.line or 0, c.key or ""))) from None


def _complaint(item: ErrorDetails, shape: type[Any], document: Document, overridden: frozenset[str]) -> Complaint:
    key = ".".join(str(part) for part in item["loc"])
    what, hint = _words(item, key, shape)
    if item["type"] in ("value_error", "assertion_error"):
        key, what = _own_key(key, what)
    from_set = any(key == name or key.startswith(f"{name}.") for name in overridden)
    line = None if from_set else _line(document, key)
    return Complaint(file="--set" if from_set else document.file, line=line, key=key or None, what=what, hint=hint)


def _own_key(key: str, what: str) -> tuple[str, str]:
    """A shape's own check speaks of the shape as a whole, and names the key it means first: `vip_member: a member would pay`."""
    named = re.match(r"([a-z]\w*(?:\.[\w-]+)*): (?=.)", what)
    if not named:
        return key, what
    return f"{key}.{named[1]}".lstrip("."), what[named.end() :]


def _line(document: Document, key: str) -> int | None:
    """The line of the key, or of the nearest key around it (a missing key has none of its own)."""
    while key:
        if key in document.lines:
            return document.lines[key]
        key = key.rpartition(".")[0]
    return None


def _words(item: ErrorDetails, key: str, shape: type[Any]) -> tuple[str, str | None]:
    match item["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            known = _names_beside(key, shape)
            close = difflib.get_close_matches(key.rpartition(".")[2], known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}" if known else None
            return "unknown key", hint
        case "missing" | "missing_argument":
            return "is missing", None
        case "value_error" | "assertion_error":
            return str(item.get("ctx", {}).get("error", item["msg"])), None
        case _:
            message = item["msg"][:1].lower() + item["msg"][1:]
            return f"{message}, got {item['input']!r:.80}", None


def _names_beside(key: str, shape: type[Any]) -> list[str]:
    """The names that would have been accepted where `key` stands."""
    schema = _adapter(cast(Hashable, shape)).json_schema()
    here: dict[str, Any] = schema
    for part in key.split(".")[:-1]:
        here = _resolve(schema, here)
        here = here.get("properties", {}).get(part) or here.get("additionalProperties") or {}
    return sorted(_resolve(schema, here).get("properties", {}))


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for option in (node, *node.get("anyOf", [])):
        reference = option.get("$ref")
        if reference:
            found: dict[str, Any] = schema["$defs"][reference.rpartition("/")[2]]
            return found
    return node
