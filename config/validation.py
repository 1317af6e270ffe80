"""Validates data against a shape: pydantic checks it, and this file writes the complaints."""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Iterator
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
    """Return an instance of the shape filled from a document.

    `shape` is a standard-library dataclass (or a pydantic model); unknown keys are refused if it sets
    `__pydantic_config__ = {"extra": "forbid"}`. Keys in `overridden` came from `--set`, which complaints name instead
    of the file.

    Raises:
        ConfigError: one complaint for each problem, with file, line, key and a hint.
    """
    try:
        return _adapter(cast(Hashable, shape)).validate_python(document.data)  # type: ignore[no-any-return]
    except ValidationError as error:
        # A set, because pydantic may report one problem several times.
        complaints = {
            complaint
            for item in error.errors(include_url=False)
            for complaint in _complaints(item, shape, document, overridden)
        }
        raise ConfigError(*sorted(complaints, key=lambda c: (c.line or 0, c.key or ""))) from None


def _complaints(
    item: ErrorDetails, shape: type[Any], document: Document, overridden: frozenset[str]
) -> Iterator[Complaint]:
    at = ".".join(str(part) for part in _keys(item["loc"], document.data, shape))
    if item["type"] in ("union_tag_invalid", "union_tag_not_found"):
        at = f"{at}.{_discriminator(item)}".lstrip(".")
    whole, hint = _words(item, at, shape)
    for line in whole.splitlines() or [""]:
        key, what = _own_key(at, line) if item["type"] in ("value_error", "assertion_error") else (at, line)
        from_set = any(key == name or key.startswith(f"{name}.") for name in overridden)
        yield Complaint(
            file="--set" if from_set else document.file,
            line=None if from_set else document.line(key),
            key=key or None,
            what=what,
            hint=hint,
        )


def _keys(location: tuple[int | str, ...], data: Any, shape: Any) -> Iterator[int | str]:
    """Return the keys of a place in a document. Where a shape is one of several, told apart by `kind`, pydantic names that kind too."""
    here, untold = data, not isinstance(shape, type)
    for part in location:
        if untold and isinstance(here, dict) and part == here.get("kind"):
            untold = False
        elif part != "[key]":
            yield part
            here, untold = _below(here, part), True


def _below(here: Any, part: int | str) -> Any:
    try:
        return here[part]
    except (KeyError, IndexError, TypeError):
        return None


def _discriminator(item: ErrorDetails) -> str:
    return str(item.get("ctx", {}).get("discriminator", "kind")).strip("'")


def _own_key(key: str, what: str) -> tuple[str, str]:
    """Return the key and the text of a complaint from a shape's own check.

    Such a check concerns the whole shape, and names its key first: `vip_member: a member would pay`.
    """
    named = re.match(r"([A-Za-z]\w*(?:\.[^:\n]+)*): (?=.)", what)
    if not named:
        return key, what
    return f"{key}.{named[1]}".lstrip("."), what[named.end() :]


def _words(item: ErrorDetails, key: str, shape: type[Any]) -> tuple[str, str | None]:
    match item["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            known = _names_beside(item["loc"], shape)
            close = difflib.get_close_matches(key.rpartition(".")[2], known, n=1)
            if close:
                hint = f"did you mean {close[0]}?"
            elif known:
                hint = f"known keys: {', '.join(known)}"
            else:
                hint = None
            return "unknown key", hint
        case "missing" | "missing_argument" | "union_tag_not_found":
            return "is missing", None
        case "union_tag_invalid":
            context = item.get("ctx", {})
            return f"input should be {context['expected_tags']}, got {context['tag']!r:.80}", None
        case "value_error" | "assertion_error":
            return str(item.get("ctx", {}).get("error", item["msg"])), None
        case "dataclass_type" | "dict_type" | "mapping_type" | "model_attributes_type":
            return f"input should be keys with values below it, got {item['input']!r:.80}", None
        case "list_type" | "tuple_type":
            return f"input should be a list, like [one, two], got {item['input']!r:.80}", None
        case _:
            message = item["msg"][:1].lower() + item["msg"][1:]
            quotes = "YAML reads yes, no, on and off as true and false: write it in quotes"
            return f"{message}, got {item['input']!r:.80}", quotes if isinstance(item["input"], bool) else None


def _names_beside(location: tuple[int | str, ...], shape: type[Any]) -> list[str]:
    """Return the names that would have been accepted at a place."""
    schema = _adapter(cast(Hashable, shape)).json_schema()
    here: dict[str, Any] = schema
    for part in location[:-1]:
        here = _resolve(schema, here)
        kinds = here.get("discriminator", {}).get("mapping", {})
        if part in kinds:
            here = {"$ref": kinds[part]}
            continue
        here = here.get("properties", {}).get(part) or here.get("additionalProperties") or {}
    return sorted(_resolve(schema, here).get("properties", {}))


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for option in (node, *node.get("anyOf", [])):
        reference = option.get("$ref")
        if reference:
            found: dict[str, Any] = schema["$defs"][reference.rpartition("/")[2]]
            return found
    return node
