"""Files that are their owner's alone: they hold what pages said, purchases, hashes of passwords and keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Tightened(NamedTuple):
    """How many files and folders others had rights to, and how many of them still are open to others."""

    closed: int
    open: int


def create_private() -> None:
    """Give others no right to whatever this process and its children create from now on."""
    os.umask(0o077)


def private_folder(folder: Path) -> None:
    """Make a folder that is its owner's alone; one that is there is left as it is. Raises OSError."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def private_file(file: Path) -> None:
    """See to it that a file is its owner's alone before anything is written to it. Raises OSError where it cannot be made, and
    leaves a folder of that name as it is.

    SQLite gives the files that it puts beside a database (`-wal`, `-shm`) the database's mode.
    """
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        # A folder that somebody named by mistake, such as /tmp, is everybody's.
        if not file.is_dir():
            _close(file)


def tighten(folder: Path, *, spare: str | None = None) -> Tightened:
    """Take the rights of others from a folder and all that is in it, and log it where there were any. `spare` is a name to leave.

    Where the folder was closed already, others could reach nothing in it, and only what lies at its top is looked at: there may be
    a hundred thousand files of evidence below. A folder with the sticky bit is shared, and left as it is.
    """
    if folder.stat().st_mode & stat.S_ISVTX:
        # A folder such as /tmp, which many programs share: its files are not ours to close.
        _log_what(folder, Tightened(closed=0, open=1))
        return Tightened(closed=0, open=1)
    told = [_close(path) for path in _inside(folder, deep=not _is_closed(folder)) if path.name != spare]
    done = Tightened(closed=told.count(True), open=told.count(False))
    if any(done):
        _log_what(folder, done)
    return done


def _log_what(folder: Path, done: Tightened) -> None:
    from process.logs import get_logger  # a quarter of a second that no run needs, and every run makes private files

    log = get_logger("sixfb.files")
    if done.closed:
        log.info("files_made_private", folder=str(folder), files=done.closed)
    if done.open:
        # A file of another owner, or a file system without modes.
        log.warning("files_stay_open", folder=str(folder), files=done.open)


def _inside(folder: Path, *, deep: bool) -> Iterator[Path]:
    yield folder
    for here, folders, files in os.walk(folder):
        yield from (Path(here, name) for name in (*folders, *files))
        if not deep:
            return


def _is_closed(folder: Path) -> bool:
    return not folder.stat().st_mode & _OTHERS


def _close(path: Path) -> bool | None:
    """Whether others lost their rights; None where they had none, or the file is gone or a link."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) or not mode & _OTHERS:
            return None
        path.chmod(mode & ~_OTHERS & 0o7777)
        return not path.lstat().st_mode & _OTHERS
    except FileNotFoundError:
        return None
    except OSError:
        return False
