"""Network namespaces: made under a prefix of their own, entered by a thread, and removed whatever happens."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.leaving_out import leave_out

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_FOLDER = Path("/run/netns")
_TUN = Path("/dev/net/tun")
T = TypeVar("T")


def ip(*arguments: str) -> str:
    """What `ip` says. Raises AssertionError with its complaint."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def standing(prefix: str) -> list[str]:
    """The namespaces whose name begins so."""
    return sorted(file.name for file in _FOLDER.glob(f"{prefix}*")) if _FOLDER.is_dir() else []


def why_not() -> str | None:
    """Why this machine can make none; None where it can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    if shutil.which("ip") is None:
        return "there is no `ip` (iproute2)"
    if not _TUN.exists():
        return f"there is no {_TUN}"
    return None


@contextmanager
def namespaces(prefix: str, names: Sequence[str]) -> Iterator[None]:
    """Namespaces `PREFIX-NAME`, each with its loopback up. The test is left out where they cannot be made."""
    missing = why_not()
    if missing:
        leave_out(missing)
    try:
        for name in names:
            whole = f"{prefix}-{name}"
            done = subprocess.run(["ip", "netns", "add", whole], capture_output=True, text=True, check=False)
            if done.returncode:
                leave_out(f"this machine makes no network namespaces: {done.stderr.strip()}")
            ip("-n", whole, "link", "set", "lo", "up")
        yield
    finally:
        for whole in standing(f"{prefix}-"):
            ip("netns", "del", whole)


@contextmanager
def entered(name: str) -> Iterator[None]:
    """This thread inside a namespace: sockets and devices that it makes belong there, also after it has left."""
    with Path("/proc/thread-self/ns/net").open("rb") as home, (_FOLDER / name).open("rb") as there:
        _move_to(there.fileno())
        try:
            yield
        finally:
            _move_to(home.fileno())


def _move_to(file: int) -> None:
    # os.setns came with Python 3.12; https://man7.org/linux/man-pages/man2/setns.2.html
    if _LIBC.setns(file, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Inside:
    """A thread that stays in a namespace and does there what it is asked to."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)

    def __call__(self, do: Callable[[], T]) -> T:
        """What `do` returns when it is done inside."""
        return self._pool.submit(self._done, do).result()

    def _done(self, do: Callable[[], T]) -> T:
        with entered(self._name):
            return do()

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown()
