"""How a command gives up: a sentence on standard error and an exit code."""

from __future__ import annotations

from pathlib import Path

from cli.output import say_error

USAGE = 2
OUR_FAULT = 3


class Failing(Exception):  # noqa: N818 - the command is failing, with a code; it is not an error of the program
    """A command that cannot go on; the message says what to do."""

    def __init__(self, message: str, *, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code


def complain(message: str) -> None:
    """One message on standard error, every line marked as ours."""
    for line in message.split("\n"):
        say_error(f"sixfb: {line}")


def writable_file(path: Path, *, option: str) -> Path:
    """The path, once it is sure that a file can be written there. Raises Failing."""
    if path.is_dir():
        raise Failing(f"{option}: {path} is a folder; name a file")
    writable_folder(path.parent, option=option)
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise Failing(f"{option}: {path} cannot be written: {error.strerror}") from None
    return path


def writable_folder(path: Path, *, option: str) -> Path:
    """The path, made and tried: a file can be written into it. Raises Failing."""
    probe = path / ".sixfb-probe"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Failing(f"{option}: the folder {path} cannot be written: {error.strerror}") from None
    return path
