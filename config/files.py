"""Reads configured files safely: only ordinary files of a limited size in UTF-8."""

from __future__ import annotations

import codecs
import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class UnreadableFileError(Exception):
    """A file cannot be used: `what` is the reason, `hint` the remedy."""

    def __init__(self, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


def read_text(path: Path, *, most_bytes: int) -> str:
    """Return the text of an ordinary file in UTF-8, with or without a byte order mark.

    Raises:
        UnreadableFileError: the file is missing, not an ordinary file, not readable, too large, or not UTF-8.
    """
    data = _read_bytes(path, most_bytes)
    for mark, name in _OTHER_ENCODINGS.items():
        if data.startswith(mark):
            raise UnreadableFileError(f"is {name} text, and not UTF-8", "save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        what = f"is not UTF-8 text: byte 0x{data[error.start]:02x} in line {line}"
        raise UnreadableFileError(what, "save it as UTF-8") from None


def read_json(path: Path, *, most_bytes: int) -> Any:
    """Return the value in one of the product's own JSON files. Raises UnreadableFileError."""
    try:
        return json.loads(read_text(path, most_bytes=most_bytes))
    except (ValueError, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UnreadableFileError(f"is not JSON: {what}") from None


def must_be_a_file(path: Path) -> None:
    """Refuse a path that would block a library which opens it, such as a pipe or a device. Raises UnreadableFileError."""
    try:
        _must_be_ordinary(path.stat().st_mode)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _read_bytes(path: Path, most_bytes: int) -> bytes:
    try:
        _must_be_ordinary(path.stat().st_mode)
        # The path may have become a pipe since the check; without O_NONBLOCK, opening a pipe would wait forever for its writer.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            _must_be_ordinary(os.fstat(handle).st_mode)
            data = file.read(most_bytes + 1)
            size = max(os.fstat(handle).st_size, len(data))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if len(data) > most_bytes:
        raise UnreadableFileError(f"is {size:,} bytes large; at most {most_bytes:,} are read")
    return data


def _must_be_ordinary(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "no file")
        raise UnreadableFileError(f"is {kind}, and not an ordinary file", "put a file there, or remove it")


def _unreadable(path: Path, error: OSError | ValueError) -> UnreadableFileError:
    number = getattr(error, "errno", None)
    if number == errno.ELOOP:
        return UnreadableFileError("is a loop of symbolic links", "remove it, or point it at a file")
    if number == errno.ENOENT and path.is_symlink():
        what = f"is a symbolic link to {path.readlink()}, and nothing is there"
        return UnreadableFileError(what, "remove it, or point it at a file")
    if number == errno.ENOENT:
        return UnreadableFileError("no such file", None)
    if number == errno.EACCES:
        return UnreadableFileError("may not be read: Permission denied", "let this user read it: chmod, chown")
    return UnreadableFileError(f"cannot be read: {getattr(error, 'strerror', None) or error}")
