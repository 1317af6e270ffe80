"""What a warm browser would save: tickets bought each in a process and a browser of their own, and all with one browser.

The warm one gives each ticket a new context. Both record nothing, in turns, on the same shop. Prints seconds (without settle
waits), CPU seconds of the whole process tree and step times a ticket, medians of the rounds, and warm over fresh.

    .venv/bin/python -P benchmarks/warm_browser.py [--rounds 3] [--tickets 5]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
from contextlib import suppress
from typing import Any

from benchmarks.cost_of_a_run import HERE, PYTHON, a_shop, metered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tickets", type=int, default=5)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found: dict[str, list[dict[str, float]]] = {"fresh": [], "warm": []}
    with suppress(KeyboardInterrupt), a_shop() as url:
        bought(url, 1)  # the first pays for cold files
        for number in range(asked.rounds):
            found["fresh"].append(a_ticket([bought(url, 1) for _ in range(asked.tickets)], asked.tickets))
            found["warm"].append(a_ticket([bought(url, asked.tickets)], asked.tickets))
            print(f"round {number + 1} of {asked.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print(f"{'a ticket':12}{'fresh':>10}{'warm':>10}{'warm / fresh':>15}")
    for name in found["fresh"][0]:
        fresh, warm = (statistics.median(one[name] for one in found[kind]) for kind in ("fresh", "warm"))
        print(f"{name:12}{fresh:>10.2f}{warm:>10.2f}{warm / fresh:>13.2f} x")


def bought(url: str, times: int) -> dict[str, Any]:
    return metered([PYTHON, "-P", str(HERE / "bare_buyer.py"), url, "--times", str(times)])


def a_ticket(processes: list[dict[str, Any]], tickets: int) -> dict[str, float]:
    """The cost of one ticket, from the cost of the processes that bought them all."""
    told = [json.loads(line) for process in processes for line in process["out"].splitlines()]
    waited_s = sum(one["waited_ms"] for one in told) / 1000
    return {
        "wall s": (sum(process["wall_s"] for process in processes) - waited_s) / tickets,
        "CPU s": sum(process["cpu_s"] for process in processes) / tickets,
        "steps s": statistics.median(sum(one["steps"].values()) / 1000 for one in told),
        "peak MiB": max(process["peak_mib"] for process in processes),
    }


if __name__ == "__main__":
    main()
