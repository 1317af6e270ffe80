"""Checks records: JSON that both databases can store, with limits on its depth and size."""

from __future__ import annotations

import json
import math
import re
from typing import Any

LARGEST_RUN = 128 * 1024
DEEPEST = 32
# PostgreSQL cannot store NUL in text, and a lone surrogate cannot be encoded.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Finds possibly unstorable characters in ASCII JSON; halves of valid pairs match too, and are checked one by one.
_SUSPECT = re.compile(r"\\u0000|\\ud[89a-f]|NaN|Infinity")
_SHALLOW = 16


class UnfitError(ValueError):
    """A record cannot be stored; the message names the key."""


def sanitized(record: Any) -> Any:
    """Return the record with U+FFFD for characters that no database stores; a page's odd character must not cost its run.

    Raises:
        UnfitError: larger than 128 KiB, nested deeper than 32 levels, or with NaN or Infinity.
    """
    try:
        # Measured as the runner does: characters beyond ASCII count as their escapes.
        text = json.dumps(record, separators=(",", ":"))
    except RecursionError:
        raise UnfitError(f"nested deeper than {DEEPEST} levels") from None
    if len(text) > LARGEST_RUN:
        raise UnfitError(f"the record is larger than {LARGEST_RUN // 1024} KiB")
    if _is_shallow(record) and not _SUSPECT.search(text):
        return record  # true of nearly all records; a full walk costs more than saving one
    return _sanitized(record, "", DEEPEST)


def _is_shallow(record: Any) -> bool:
    """Return whether a record is nested much less deeply than allowed."""
    level = [record] if type(record) in (dict, list) else []
    for _ in range(_SHALLOW):
        inside = [
            i for one in level for i in (one.values() if isinstance(one, dict) else one) if type(i) in (dict, list)
        ]
        if not inside:
            return True
        level = inside
    return False


def storable(text: str) -> str:
    """Return the text with U+FFFD for characters that no database stores."""
    return _UNSTORABLE.sub("\ufffd", text)


def _sanitized(value: Any, path: str, levels: int) -> Any:
    if levels == 0:
        raise UnfitError(f"{path[:80]}: nested deeper than {DEEPEST} levels")
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): _sanitized(item, f"{path}.{key}".lstrip("."), levels - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_sanitized(item, f"{path}[{i}]", levels - 1) for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise UnfitError(f"{storable(path)[:80] or 'the record'}: not a finite number")
    return value
