"""Secrets from the environment or from files, in a type that does not print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from config.complaints import Complaint, ConfigError


class Secret:
    """A value that prints as `***`; `reveal()` gives it to the one place that needs it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def read_secret(name: str, environment: Mapping[str, str]) -> Secret | None:
    """The secret in `NAME`, or in the file that `NAME_FILE` names; None where neither is set or it is empty.

    Raises:
        ConfigError: both are set, or the file cannot be read.
    """
    value, file = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    if value and file:
        raise ConfigError(
            Complaint(file="environment", key=name, what=f"is set, and so is {name}_FILE", hint="unset one of them")
        )
    if file:
        value = read_secret_file(Path(file), key=f"{name}_FILE")
    return Secret(value) if value else None


def read_secret_file(path: Path, *, key: str) -> str:
    """The content of a secret file without surrounding white space. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(Complaint(file=str(path), key=key, what=f"the secret cannot be read: {reason}")) from None
