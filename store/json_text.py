"""Encodes and decodes JSON as it is stored."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def json_text(value: Any) -> str:
    """Return plain values as JSON text."""
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError):  # a lone surrogate, or a key that is not text
        return json.dumps(value)


def from_json_text(text: str | bytes) -> Any:
    """Return the value of a JSON text."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):  # text that only `json.dumps` can have written
        return json.loads(text)
