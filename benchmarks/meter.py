"""Runs a command and prints as JSON what its whole process tree cost: wall seconds, CPU seconds, peak memory in MiB.

CPU is counted by a control group of its own where we may make one (root on Linux): nothing escapes that, however a browser's
helpers are started and reaped. Elsewhere the tree is sampled, which misses the last moments of short-lived helpers.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

SAMPLE_S = 0.2
V1 = Path("/sys/fs/cgroup/cpuacct")
V2 = Path("/sys/fs/cgroup")


class Group:
    """A control group that counts the CPU of everything started inside it."""

    def __init__(self) -> None:
        root = V2 if (V2 / "cgroup.controllers").exists() else V1
        self.folder = root / f"sixfb-meter-{os.getpid()}"
        self.folder.mkdir()

    def join(self) -> None:
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def cpu_s(self) -> float:
        usage = self.folder / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text()) / 1e9
        return int((self.folder / "cpu.stat").read_text().split()[1]) / 1e6

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.folder.rmdir()


class Sampler(threading.Thread):
    """The peak of memory (proportional set size), and the last CPU time seen of each process."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.root = psutil.Process(pid)
        self.peak = 0
        self.cpu: dict[tuple[int, float], float] = {}
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(SAMPLE_S):
            total = 0
            with contextlib.suppress(psutil.Error):
                for process in [self.root, *self.root.children(recursive=True)]:
                    with contextlib.suppress(psutil.Error):
                        times = process.cpu_times()
                        self.cpu[(process.pid, process.create_time())] = times.user + times.system
                        total += process.memory_full_info().pss
            self.peak = max(self.peak, total)


def main() -> None:
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: what the command leaves behind comes to us
    try:
        group: Group | None = Group()
    except OSError:
        group = None
    began = time.monotonic()
    child = subprocess.Popen(
        sys.argv[1:],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=group.join if group else None,
    )
    sampler = Sampler(child.pid)
    sampler.start()
    out, errors = child.communicate()
    wall = time.monotonic() - began
    sampler.stopped.set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.kill()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = group.cpu_s() if group else max(sum(sampler.cpu.values()), reaped.ru_utime + reaped.ru_stime)
    if group:
        group.close()
    cost = {"code": child.returncode, "wall_s": wall, "cpu_s": cpu, "peak_mib": sampler.peak / 2**20}
    print(json.dumps({**cost, "out": out.decode(errors="replace"), "err": errors.decode(errors="replace")[-2000:]}))


if __name__ == "__main__":
    main()
