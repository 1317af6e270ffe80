"""Runs a command and prints what its whole process tree cost: wall seconds, CPU seconds, peak memory in MiB.

It is a child subreaper: whatever the command leaves behind comes to it, so nothing escapes the count. Processes that somebody
else reaped are counted by their reaper; memory is the sum of proportional set sizes, sampled.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time

import psutil

SAMPLE_S = 0.1


def cpu_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


class Sampler(threading.Thread):
    """The peak of memory, and the last CPU time seen of each process below us (for those whose reaper forgets them)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.cpu: dict[tuple[int, float], float] = {}
        self.stopped = threading.Event()

    def run(self) -> None:
        me = psutil.Process()
        while not self.stopped.wait(SAMPLE_S):
            total = 0
            for process in me.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    self.cpu[(process.pid, process.create_time())] = cpu_of(process)
                    total += process.memory_full_info().pss
            self.peak = max(self.peak, total)


def main() -> None:
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    sampler = Sampler()
    sampler.start()
    began = time.monotonic()
    done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    wall = time.monotonic() - began
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            os.kill(process.pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    sampler.stopped.set()
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        json.dumps(
            {
                "code": done.returncode,
                "wall_s": wall,
                "reaped_cpu_s": own.ru_utime + own.ru_stime,
                "sampled_cpu_s": sum(sampler.cpu.values()),
                "peak_mib": sampler.peak / 2**20,
                "out": done.stdout.decode(errors="replace"),
                "err": done.stderr.decode(errors="replace")[-2000:],
            }
        )
    )


if __name__ == "__main__":
    main()
