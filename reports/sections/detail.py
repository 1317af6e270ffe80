"""Defines a named detail: one line of a definition list."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """Holds a detail; `kind` is `text`, `code` (shown in a monospaced font) or `url` (linked if it is http or https)."""

    name: str
    value: str
    kind: str = "text"
    note: str | None = None
