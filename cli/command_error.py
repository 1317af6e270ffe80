"""Defines how a command fails: with a sentence on standard error and an exit code."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from process.sqlite_errors import sqlite_sentence

if TYPE_CHECKING:
    from store import StoreError

from cli.output import say, say_error
from redact.masking import KNOWN

USAGE = 2
OUR_FAULT = 3


class CommandError(Exception):
    """The command cannot continue; the message says what to do."""

    def __init__(self, message: str, *, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code


def without_store(error: StoreError) -> CommandError:
    """Return the error for a database of the hub that cannot be used now, with another exit code than bad usage."""
    from store import StoreUnavailableError

    return CommandError(str(error), code=OUR_FAULT if isinstance(error, StoreUnavailableError) else USAGE)


@contextmanager
def using(file: Path) -> Iterator[None]:
    """Use another SQLite file than the hub's. Raises CommandError with the remedy if it cannot be used."""
    try:
        yield
    except sqlite3.Error as error:
        told = sqlite_sentence(error, file) or f"{file} cannot be used: {error}"
        raise CommandError(told, code=OUR_FAULT) from None


def complain(message: str) -> None:
    """Print one message on standard error; every line begins with the command's name."""
    with suppress(OSError):  # a full disk behind it keeps nobody from going on
        for line in message.split("\n"):
            say_error(f"sixfb: {line}")


def announce(message: str) -> None:
    """Print one line on standard output for a long-running program, which continues even if nobody can read it."""
    with suppress(OSError):
        say(KNOWN.mask(message))


def writable_file(path: Path, *, option: str) -> Path:
    """Return the path after checking that a file can be written there. Raises CommandError."""
    if path.is_dir():
        raise CommandError(f"{option}: {path} is a folder; name a file")
    writable_folder(path.parent, option=option)
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise CommandError(f"{option}: {path} cannot be written: {error.strerror}") from None
    return path


def writable_folder(path: Path, *, option: str) -> Path:
    """Return the path of a folder after creating it and checking that it is writable. Raises CommandError."""
    probe = path / ".sixfb-probe"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise CommandError(f"{option}: the folder {path} cannot be written: {error.strerror}") from None
    return path
