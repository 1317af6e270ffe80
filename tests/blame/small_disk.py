"""Makes one run whose temporary folder is a full disk: `python -m tests.blame.small_disk FOLDER` in a mount namespace of its own.

The job comes on standard input; the record leaves as the last line on standard output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from facts import from_wire, to_wire
from runner.attempt.job import Job
from runner.attempt.start import make_run

# Enough for Python to take it for its temporary folder, and not enough for a browser's profile.
_SIZE, _LEFT = 1 << 20, 12 << 10


def main() -> None:
    place = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "none", str(place)], check=True)
    os.environ["TMPDIR"] = str(place)
    (place / "filler").write_bytes(b"\0" * (_SIZE - _LEFT))
    sys.stdout.write(json.dumps(to_wire(make_run(from_wire(Job, json.load(sys.stdin))))) + "\n")


if __name__ == "__main__":
    main()
