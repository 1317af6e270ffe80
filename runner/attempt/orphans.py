"""Finds and removes processes and folders that runs leave behind if their supervisor is killed with SIGKILL.

Every attempt has a folder of its own. It records the responsible supervisor and the processes seen below it, so that a
later sweep can end exactly those. A process is identified by its id *and* its start time, on this boot, in this process
id namespace.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from facts import WireError, from_wire, to_wire
from runner.attempt.process_tree import Process, below, process, processes, settings_of, words_of

_PREFIX = "sixfb-run-"
_MARK, _SEEN = ".run", ".processes"
_GONE_WITHIN_S = 5.0
_LONGEST = 40
"""The maximum length of the temporary folder's path: 103, less a run's own folder (19) and Chromium's socket below it (44)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOwners:
    """Holds the owners of a folder: the supervisor and the program that started it, each by id and start time, and their boot."""

    supervisor: tuple[int, int]
    owner: tuple[int, int]
    world: str


def temporary(*, longest: int = _LONGEST) -> Path:
    """Return the folder for temporary folders: `TMPDIR`, or /tmp if that path has more than `longest` characters.

    Chromium creates a socket below it, whose path may have 107 characters (103 on macOS, whose own `TMPDIR` is long),
    and does not start if it is longer.
    """
    usual, short = Path(tempfile.gettempdir()), Path("/tmp")
    return short if len(str(usual)) > longest and os.access(short, os.W_OK) else usual


def scratch_of(folder: Path) -> Path:
    """Return the folder for temporary folders of the runner that uses `folder`: a short path that no other program uses.

    It is not inside `folder`, because Chromium creates a socket below it, whose path may have 107 characters.

    Raises:
        OSError: the folder belongs to another user, or is not a folder.
    """
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:10]
    place = temporary(longest=_LONGEST - len("/sixfb-0123456789")) / f"sixfb-{name}"
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o700)
    if place.is_symlink() or not place.is_dir() or not _is_ours(place):
        raise OSError(f"{place} is not ours; whoever made it has to remove it")
    return place


def make_folder(scratch: Path) -> Path:
    """Create a temporary folder for an attempt, marked with this process as its supervisor.

    Raises:
        OSError: there is no space for it.
    """
    # A cleaner of temporary files may have removed what no run has used for days.
    scratch.mkdir(mode=0o700, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=scratch))
    mark = FolderOwners(supervisor=_named(os.getpid()), owner=_named(os.getppid()), world=_world())
    try:
        (folder / _MARK).write_text(json.dumps(to_wire(mark)), encoding="utf-8")
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


class SeenProcesses:
    """Records on disk every process that is seen below an attempt, as soon as it is seen."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _SEEN
        self._seen: set[tuple[int, int]] = set()

    def record(self, members: Iterable[Process]) -> None:
        """Record the processes that are new."""
        new = {(p.pid, p.started) for p in members} - self._seen
        if not new:
            return
        self._seen |= new
        # On a full disk the other signs must do: the process tree and the environment of each process.
        with contextlib.suppress(OSError), self._file.open("a", encoding="utf-8") as file:
            file.write("".join(f"{pid} {started}\n" for pid, started in sorted(new)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """Holds how many processes were ended and how many folders removed."""

    processes: int = 0
    folders: int = 0


def sweep(scratch: Path, *, exclusive: bool = False, of: int | None = None) -> Swept:
    """End processes and remove folders that runs have left behind; those of a living supervisor stay.

    `exclusive` means that only this program uses `scratch` and no run is under way, so that everything in it is left
    over. `of` limits the sweep to what the supervisor with this process id has left, which has ended.
    """
    ended = removed = 0
    for folder in sorted(scratch.glob(f"{_PREFIX}*")):
        if folder.is_symlink() or not _is_ours(folder):
            continue
        mark = _read(folder)
        if of is not None and (mark is None or mark.supervisor[0] != of):
            continue
        if mark is None and not exclusive:
            continue
        if mark is not None and _is_answered_for(mark, exclusive=exclusive):
            continue
        ended += _end(folder, mark)
        shutil.rmtree(folder, ignore_errors=True)
        removed += not folder.exists()
    if removed or ended:
        from process.logs import get_logger  # its import takes a quarter of a second that no run needs

        get_logger("sixfb.runner").info("remains_swept", processes=ended, folders=removed)
    return Swept(processes=ended, folders=removed)


def _is_answered_for(mark: FolderOwners, *, exclusive: bool) -> bool:
    if mark.world != _world():
        # Another boot, or another container's process ids: none of these processes can be checked from here. In an
        # exclusive folder they belong to an earlier process; elsewhere only another boot proves that they are gone.
        return not exclusive and mark.world.partition(" ")[0] == _world().partition(" ")[0]
    return _lives(mark.supervisor) and _lives(mark.owner)


def _end(folder: Path, mark: FolderOwners | None) -> int:
    """Kill the remaining processes of the attempt, stopped ones included; return how many there were."""
    killed: set[tuple[int, int]] = set()
    ends = time.monotonic() + _GONE_WITHIN_S
    while time.monotonic() < ends:
        left = _left_of(folder, mark)
        if not left:
            break
        for p in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(p.pid, signal.SIGKILL)
        killed |= {(p.pid, p.started) for p in left}
        time.sleep(0.02)
    return len(killed)


def _left_of(folder: Path, mark: FolderOwners | None) -> list[Process]:
    everyone = processes()
    named = _names_in(folder / _SEEN) if mark and mark.world == _world() else set()
    if mark and mark.world == _world():
        named.add(mark.supervisor)
    roots = [p for p in everyone if (p.pid, p.started) in named or _works_in(p, folder)]
    found = {p.pid: p for root in roots for p in (root, *below(root.pid, everyone))}
    found.pop(os.getpid(), None)
    return list(found.values())


def _works_in(p: Process, folder: Path) -> bool:
    """Return whether a process was started with its temporary files in `folder`, which only processes of a run are."""
    return f"TMPDIR={folder}" in settings_of(p.pid) or f"--user-data-dir={folder}/" in words_of(p.pid)


def _names_in(file: Path) -> set[tuple[int, int]]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    pairs = (line.split() for line in lines)
    return {(int(p[0]), int(p[1])) for p in pairs if len(p) == 2 and p[0].isdigit() and p[1].isdigit()}


def _read(folder: Path) -> FolderOwners | None:
    try:
        return from_wire(FolderOwners, json.loads((folder / _MARK).read_text(encoding="utf-8")))
    except (OSError, ValueError, WireError):
        return None  # the supervisor was killed while it wrote the mark


def _named(pid: int) -> tuple[int, int]:
    found = process(pid)
    return pid, found.started if found else 0


def _lives(named: tuple[int, int]) -> bool:
    found = process(named[0])
    return found is not None and found.started == named[1]


def _world() -> str:
    """Return an id of the process id namespace: the boot and, in a container, the namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - the link's target is not a path
    except OSError:
        return "here"


def _is_ours(folder: Path) -> bool:
    return not hasattr(os, "geteuid") or folder.lstat().st_uid == os.geteuid()
