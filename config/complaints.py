"""Defines how a wrong setting is reported: file, line, key, problem, and remedy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Holds one problem. `file` may also be `--set` or an environment variable; `line` counts from 1."""

    file: str
    what: str
    key: str | None = None
    hint: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = f"{self.key}: " if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {key}{self.what}{hint}"


class ConfigError(Exception):
    """The configuration cannot be used; carries every complaint, and prints one per line."""

    def __init__(self, *complaints: Complaint) -> None:
        super().__init__(*complaints)
        self.complaints = complaints

    def __str__(self) -> str:
        return "\n".join(str(complaint) for complaint in self.complaints)
