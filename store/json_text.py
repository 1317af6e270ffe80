"""JSON as it is kept."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def json_text(value: Any) -> str:
    """JSON's text of plain values."""
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError):  # half of a surrogate pair, a key that is no text
        return json.dumps(value)


def from_json_text(text: str | bytes) -> Any:
    """What it says."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):  # what only `json.dumps` could write
        return json.loads(text)
