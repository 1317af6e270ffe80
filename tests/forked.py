"""Programs of `tests.drills` in processes of their own, forked from one that has imported them.

Importing the hub costs 2.5 s of CPU, which a drill that kills it forty times would pay forty times over.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["tests.drills.hub", "tests.drills.runner", "tests.drills.feeder", "tests.drills.alert_steps"]
)


class Forked:
    """A process that runs `main()` of a module as `python -m MODULE ARGUMENT...` would.

    It has the methods of `subprocess.Popen` that tests use. `env` is its whole environment; without one it has this process's.
    """

    def __init__(self, module: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        given = (module, arguments, dict(os.environ if env is None else env))
        self._process = _CONTEXT.Process(target=_main, args=given)
        self._process.start()

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, or None while the process runs; `-9` means that signal 9 killed it, as in `subprocess`."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once the process has ended.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL to the process if it still runs."""
        self.send_signal(signal.SIGKILL)


def _main(module: str, arguments: tuple[str, ...], env: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [module, *arguments]
    importlib.import_module(module).main()
