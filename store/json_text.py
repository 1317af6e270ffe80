"""Encodes and decodes JSON as it is stored."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def json_text(value: Any) -> str:
    """Return plain values as JSON text."""
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError):  # a lone surrogate, or a key that is not text
        return json.dumps(value)


def from_json_text(text: str | bytes) -> Any:
    """Return the value of a JSON text."""
    return decoded_as(Any, text)


def decoded_as(kind: type[T], text: str | bytes) -> T:
    """Return the value of a JSON text as a msgspec struct; its keys without a field are skipped.

    Raises:
        msgspec.ValidationError: the text describes something else.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeError):  # text that only `json.dumps` can have written
        return msgspec.convert(json.loads(text), kind)
