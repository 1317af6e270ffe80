"""Something is broken, and a buyer gets through all the same: the run has to pass."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from facts import Run, Status, from_wire, to_wire
from runner.attempt.job import Job
from tests.blame.labelled.site import DATA
from tests.blame.sockets import a_closed_port
from tests.blame.stage import GA, Case, Stage
from tests.blame.toll import Rule, answers


def _case(name: str, how: str, provoke: object) -> Case:
    return Case(name, how, Status.PASSED, None, provoke)  # type: ignore[arg-type]


def _full_disk(stage: Stage) -> Run:
    """A tiny file system that only the run sees, full but for a few KiB: mounted in a namespace of its own."""

    def make(job: Job) -> Run:
        # Its name is short: the browser's sockets stand in it, and a socket's path may have 107 characters.
        place = tempfile.mkdtemp(prefix="d-", dir="/tmp")
        command = [
            "unshare",
            "--map-root-user",
            "--mount",
            sys.executable,
            "-P",
            "-m",
            "tests.blame.small_disk",
            place,
        ]
        done = subprocess.run(command, input=json.dumps(to_wire(job)), capture_output=True, text=True, check=False)
        Path(place).rmdir()
        assert done.returncode == 0, done.stderr
        return from_wire(Run, json.loads(done.stdout.splitlines()[-1]))

    return stage.look_at({"/": "<button>Buy</button>"}, make=make)


def can_mount() -> bool:
    """Whether this machine lets us mount a small file system of our own."""
    if shutil.which("unshare") is None:
        return False
    probe = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


CASES = (
    _case(
        "third_party_down",
        "a third party's script answers 503",
        lambda s: s.buy(faults=("third_party_down",), journey=GA),
    ),
    _case("js_error", "a script of the page throws", lambda s: s.buy(faults=("js_error",), journey=GA)),
    _case(
        "script_refused",
        "a third party's script is refused",
        lambda s: s.look_at(
            {"/": f"<button>Buy</button><script src='http://127.0.0.1:{a_closed_port()}/a.js'></script>"}
        ),
    ),
    _case(
        "data_500",
        "the next page's data answers 500, and the shop loads the page whole",
        lambda s: s.buy(Rule("GET", DATA, answers(500, "no")), journey=GA),
    ),
    _case("layout_shift", "a banner pushes the page down", lambda s: s.buy(faults=("layout_shift",))),
    *(
        (_case("disk_full", "the disk that the browser writes its profile to is full", _full_disk),)
        if can_mount()
        else ()
    ),
)
