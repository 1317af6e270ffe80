"""What an idle runner holds of memory: `sixfb runner` with a plan, no run under way, and its cleaner, in MiB.

Prints for each process its proportional set size (shared pages counted once among those that share them), what it shares
with nobody, and all that is resident; then the sum over the tree against the limit, and with `--imports` what was imported.

    .venv/bin/python -P benchmarks/idle_memory.py [--settle 20] [--imports]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.drills.counting_hub import a_counting_hub

LIMIT_MIB = 120
MIB = 2**20
SIXFB = str(Path(sys.executable).with_name("sixfb"))
A_DAY_S = 86_400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settle", type=float, default=20, help="seconds before it is looked at")
    parser.add_argument("--imports", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, a_counting_hub(period_s=A_DAY_S) as (_, url):
        environment = {
            **os.environ,
            "SIXFB_VAR": folder,
            "SIXFB_HUB_URL": url,
            "STRIPE_SECRET_KEY": "sk_test_of_nobody",
            "STRIPE_API_BASE": url,
            **({"PYTHONPROFILEIMPORTTIME": "1"} if asked.imports else {}),
        }
        log = Path(folder) / "log"
        with log.open("wb") as said:
            command = [SIXFB, "runner", "--location", "us-east"]
            runner = psutil.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
        try:
            time.sleep(asked.settle)
            if runner.poll() is not None:
                raise SystemExit(f"the runner ended with {runner.returncode}: {log.read_text()[-1000:]}")
            total = table([runner, *runner.children(recursive=True)])
        finally:
            runner.terminate()
            runner.wait(30)
        if asked.imports:
            print(packages(log.read_text(errors="replace")))
    print(f"\nload {os.getloadavg()[0]:.1f}; {total:.0f} MiB, limit {LIMIT_MIB} MiB: {verdict(total)}")
    sys.exit(0 if total <= LIMIT_MIB else 1)


def table(tree: list[psutil.Process]) -> float:
    """Print what each process holds; the sum of the proportional sizes."""
    print(f"{'process':34}{'PSS':>9}{'its own':>9}{'resident':>10}   MiB")
    total = 0.0
    for process in tree:
        held = process.memory_full_info()
        name = " ".join(process.cmdline()[1:4]).replace(str(Path(SIXFB).parent) + "/", "")
        print(f"{name[:33]:34}{held.pss / MIB:>9.1f}{held.uss / MIB:>9.1f}{held.rss / MIB:>10.1f}")
        total += held.pss / MIB
    return total


def packages(log: str) -> str:
    """How many modules of each package were imported, of the runner and of its cleaner together."""
    names = [line.rpartition("|")[2].strip() for line in log.splitlines() if line.startswith("import time:")]
    counts: dict[str, int] = {}
    for name in names:
        root = name.partition(".")[0]
        counts[root] = counts.get(root, 0) + 1
    most = sorted(counts.items(), key=lambda item: -item[1])[:25]
    return "\nmodules imported: " + ", ".join(f"{name} {count}" for name, count in most)


def verdict(total: float) -> str:
    return "holds" if total <= LIMIT_MIB else "BROKEN"


if __name__ == "__main__":
    main()
