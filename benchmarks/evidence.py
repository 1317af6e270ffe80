"""What each kind of evidence costs: the same ticket bought with one kind recorded and with none, cold processes in turns.

Prints for each kind, beside nothing recorded: step times, wall without settle waits, CPU of the whole process tree, as medians
and as the median of the ratios round by round (which machines that others use as well disturb the least). Ctrl-C ends it
with what there is.

    .venv/bin/python -P benchmarks/evidence.py [--rounds 9] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
from contextlib import suppress
from pathlib import Path

from benchmarks.bare_buyer import KINDS
from benchmarks.cost_of_a_run import HERE, PYTHON, Cost, a_shop, metered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    costs: dict[str, list[Cost]] = {kind: [] for kind in KINDS}
    with suppress(KeyboardInterrupt), a_shop() as url:
        bought(url, "nothing")  # the first pays for cold files
        for number in range(asked.rounds):
            for kind, found in costs.items():
                found.append(bought(url, kind))
            print(f"round {number + 1} of {asked.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    report(costs)
    if asked.json:
        asked.json.write_text(json.dumps({kind: [vars(c) for c in found] for kind, found in costs.items()}, indent=1))


def bought(url: str, kind: str) -> Cost:
    cost = metered([PYTHON, "-P", str(HERE / "bare_buyer.py"), url, "--record", kind])
    told = json.loads(cost["out"].splitlines()[-1])
    return Cost(told["steps"], cost["wall_s"] - told["waited_ms"] / 1000, cost["cpu_s"], cost["peak_mib"])


def report(costs: dict[str, list[Cost]]) -> None:
    numbers = {
        "steps s": lambda cost: sum(cost.steps.values()) / 1000,
        "wall s": lambda cost: cost.wall_s,
        "CPU s": lambda cost: cost.cpu_s,
        "peak MiB": lambda cost: cost.peak_mib,
    }
    print(f"{'recorded: median, median ratio':32}" + "".join(f"{name:>18}" for name in numbers))
    for kind, found in costs.items():
        line = f"{kind.replace('_', ' '):32}"
        for of in numbers.values():
            ratios = [of(one) / of(none) for one, none in zip(found, costs["nothing"], strict=False)]
            line += f"{statistics.median(map(of, found)):>10.2f} {statistics.median(ratios):>5.2f} x"
        print(line)


if __name__ == "__main__":
    main()
