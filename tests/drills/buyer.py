"""What a runner is to one run: starts it and waits; `python -m tests.drills.buyer`, the job as JSON on standard input."""

from __future__ import annotations

import json
import sys

from facts import from_wire
from runner.attempt.job import Job
from runner.attempt.start import make_run


def main() -> None:
    make_run(from_wire(Job, json.load(sys.stdin.buffer)))


if __name__ == "__main__":
    main()
