"""Makes files readable by their owner only: they contain page texts, purchases, hashes of passwords and keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Tightened(NamedTuple):
    """Holds how many files and folders were closed to others, and how many are still open to others."""

    closed: int
    open: int


def create_private() -> None:
    """Create all files of this process and its children without rights for others from now on."""
    os.umask(0o077)


def private_folder(folder: Path) -> None:
    """Create a folder that only its owner can use; an existing one is left as it is. Raises OSError."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def private_file(file: Path) -> None:
    """Make a file accessible to its owner only, before anything is written to it. Raises OSError if it cannot be created.

    A folder of that name is left as it is. SQLite gives the files beside a database (`-wal`, `-shm`) the database's
    mode.
    """
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        # A folder that was named by mistake, such as /tmp, may belong to everyone.
        if not file.is_dir():
            _close(file)


def tighten(folder: Path, *, spare: str | None = None) -> Tightened:
    """Remove the rights of others from a folder and its content, and log it if there were any. `spare` is a file name to leave out.

    If the folder was closed already, others could reach nothing in it, so only its top level is checked: there may be a
    hundred thousand evidence files below. A folder with the sticky bit is shared, and left as it is.
    """
    if folder.stat().st_mode & stat.S_ISVTX:
        # Many programs share a folder such as /tmp; its other files must stay accessible.
        _log_what(folder, Tightened(closed=0, open=1))
        return Tightened(closed=0, open=1)
    told = [_close(path) for path in _inside(folder, deep=bool(folder.stat().st_mode & _OTHERS)) if path.name != spare]
    done = Tightened(closed=told.count(True), open=told.count(False))
    if any(done):
        _log_what(folder, done)
    return done


def _log_what(folder: Path, done: Tightened) -> None:
    from process.logs import get_logger  # slow to import, and every run makes private files

    log = get_logger("sixfb.files")
    if done.closed:
        log.info("files_made_private", folder=str(folder), files=done.closed)
    if done.open:
        # The file belongs to another user, or the file system has no modes.
        log.warning("files_stay_open", folder=str(folder), files=done.open)


def _inside(folder: Path, *, deep: bool) -> Iterator[Path]:
    yield folder
    for here, folders, files in os.walk(folder):
        yield from (Path(here, name) for name in (*folders, *files))
        if not deep:
            return


def _close(path: Path) -> bool | None:
    """Return whether others lost their rights; None if they had none, or the file is missing or a link."""
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
