"""Reads secrets from the environment or from files, in a type that does not print them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from config.complaints import Complaint, ConfigError
from config.files import UnreadableFileError, read_text
from redact.masking import KNOWN

MOST_SECRET_BYTES = 64 * 1024
"""The largest secret file in bytes; a key or a token has a hundredth of it."""


class Secret:
    """A value that prints as `***`; `reveal()` returns it to the code that needs it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def read_secret(name: str, environment: Mapping[str, str], *, masked: bool = True) -> Secret | None:
    """Return the secret in `NAME`, or in the file that `NAME_FILE` names; None if neither is set or it is empty.

    The value is also masked in logs from now on. `masked=False` is for a user name, which is often an ordinary word:
    masking "alerts" would hide it in every sentence that has the word.

    Raises:
        ConfigError: both are set, or the file cannot be read.
    """
    value, file = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    if value and file:
        raise ConfigError(
            Complaint(file="environment", key=name, what=f"is set, and so is {name}_FILE", hint="unset one of them")
        )
    if file:
        value = read_secret_file(Path(file), key=f"{name}_FILE", masked=masked)
    elif masked:
        KNOWN.learn(value)
    return Secret(value) if value else None


_SECRET_NAME = re.compile(r"(TOKEN|KEY|SECRET|PASSWORD|PASSWD|WEBHOOK|HOOK|DSN|CREDENTIALS)(_URL)?(?P<file>_FILE)?$")
_SHORTEST = 8


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return every value of an environment whose name suggests a secret, and the password of every URL in it.

    Some are not secrets of this product; masking them too does no harm.
    """
    found: list[str] = []
    for name, value in environment.items():
        named = _SECRET_NAME.search(name)
        if named and named["file"]:
            with suppress(ConfigError):
                found.append(read_secret_file(Path(value), key=name))
        elif named:
            found.append(value)
        if "://" in value:
            found.append(_password(value))
    # Masking shorter values would hide ordinary words.
    return tuple(sorted({value for value in found if len(value) >= _SHORTEST}))


def _password(address: str) -> str:
    try:
        return unquote(urlsplit(address).password or "")
    except ValueError:
        return ""


def readable_secret(path: Path) -> str | None:
    """Return the content of a secret file without surrounding white space; None if it cannot be read."""
    with suppress(UnreadableFileError):
        return read_text(path, most_bytes=MOST_SECRET_BYTES).strip()
    return None


def read_secret_file(path: Path, *, key: str, masked: bool = True) -> str:
    """Return the content of a secret file without surrounding white space. Raises ConfigError."""
    try:
        value = read_text(path, most_bytes=MOST_SECRET_BYTES).strip()
    except UnreadableFileError as error:
        reason = f"it {error.what}" if error.what.startswith("is ") else f"{error.what[:1].upper()}{error.what[1:]}"
        what = f"the secret cannot be read: {reason}"
        raise ConfigError(Complaint(file=str(path), key=key, what=what, hint=error.hint)) from None
    if masked:
        # A secret like user:password is also masked by its password alone.
        KNOWN.learn(value, value.partition(":")[2])
    return value
