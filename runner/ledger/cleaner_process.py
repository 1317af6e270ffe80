"""Keeps a cleaner running in a process of its own as long as the runner runs."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from process.logs import get_logger

_log = get_logger("sixfb.runner")
_AGAIN_AFTER_S = 5.0
_STOPS_WITHIN_S = 30.0


class CleanerProcess:
    """Starts the cleaner, and restarts it if it ends. Call `start`, and later `stop`.

    Without `stripe_key` it undoes only the orders of the journeys in `journeys_dir`.
    """

    def __init__(
        self,
        ledger: Path,
        *,
        stripe_key: str | None,
        stripe_api_base: str | None,
        journeys_dir: str | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        order = {
            "ledger": str(ledger.resolve()),
            "stripe_key": stripe_key,
            "stripe_api_base": stripe_api_base,
            "journeys_dir": str(Path(journeys_dir).resolve()) if journeys_dir else None,
            "proxies": dict(proxies or {}),
            "parent": os.getpid(),
        }
        self._order = json.dumps(order).encode() + b"\n"
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="cleaner", daemon=True)

    def start(self) -> None:
        """Start the thread that runs the cleaner."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the cleaner, which first completes its current entry; wait up to 30 seconds."""
        self._ended.set()
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()
        self._thread.join(_STOPS_WITHIN_S)

    def _keep(self) -> None:
        # The kernel sends the death signal when the *thread* that started a child ends, so this thread lives as long as
        # the child.
        while not self._ended.is_set():
            code = self._run()
            if not self._ended.is_set():
                _log.error("cleaner_ended", code=code, again_in_s=_AGAIN_AFTER_S)
                self._ended.wait(_AGAIN_AFTER_S)

    def _run(self) -> int:
        with self._lock:
            if self._ended.is_set():
                return 0
            process = self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "runner.ledger.cleaner"],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(self._order)
            process.stdin.close()
        return process.wait()
