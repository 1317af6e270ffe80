"""What a run with everything recorded costs beside bare Playwright walking the same steps and recording nothing.

All are cold processes with the same browser, side by side in one run, in turns. Prints medians and their ratios:
step times, wall without settle waits, CPU of the whole process tree, peak memory; then how long the settle waits are, which is
what whole vitals cost in time.

    .venv/bin/python -P benchmarks/cost_of_a_run.py [--rounds 15] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
SIXFB = str(Path(PYTHON).with_name("sixfb"))
SHOP = """
import sys
from demo import DemoSettings, serve_demo
with serve_demo(settings=DemoSettings(rate_limit=10**9)) as demo:
    print(demo.shop_url, flush=True)
    sys.stdin.read()
"""
BARE, TUNED, OURS = "bare Playwright", "bare Playwright, our start options", "sixfb run"
LIMITS = {"steps": 1.05, "wall": 1.20, "cpu": 1.15}


@dataclass(frozen=True)
class Cost:
    """One cold process: sums of step times and of what it cost. `steps` is by name in ms.

    `waited_s` is how long it waited for pages to come to rest, so that their vitals are whole; `wall_s` is without that.
    """

    steps: dict[str, float]
    wall_s: float
    cpu_s: float
    peak_mib: float
    waited_s: float = 0.0


@contextmanager
def a_shop() -> Iterator[str]:
    """The demo shop in a process of its own, so that its cost is nobody's here."""
    shop = subprocess.Popen([PYTHON, "-P", "-c", SHOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert shop.stdout is not None
    assert shop.stdin is not None
    try:
        yield shop.stdout.readline().strip()
    finally:
        shop.stdin.close()
        shop.wait(10)
        shop.stdout.close()


def metered(command: list[str]) -> dict[str, Any]:
    done = subprocess.run([PYTHON, "-P", str(HERE / "meter.py"), *command], capture_output=True, text=True, check=True)
    cost: dict[str, Any] = json.loads(done.stdout)
    if cost["code"] != 0:
        raise SystemExit(f"{command[0]} ended with {cost['code']}: {cost['err']} {cost['out'][-500:]}")
    return cost


def bare(url: str) -> Cost:
    """Playwright as it comes."""
    return _bare(url, "--plain")


def bare_with_our_options(url: str) -> Cost:
    """The same, with the start options that make the product's browser cheaper."""
    return _bare(url)


def _bare(url: str, *options: str) -> Cost:
    cost = metered([PYTHON, "-P", str(HERE / "bare_buyer.py"), url, *options])
    told = json.loads(cost["out"].splitlines()[-1])
    return Cost(told["steps"], cost["wall_s"] - told["waited_ms"] / 1000, cost["cpu_s"], cost["peak_mib"])


def ours(url: str) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "run.json"
        cost = metered(
            ["env", f"SIXFB_VAR={folder}", SIXFB, "run", "ga_purchase", "--site", url, "--json", str(record)],
        )
        run = json.loads(record.read_text())
    steps = {step["name"]: step["duration_ms"] for step in run["steps"]}
    waited = run["attempts"][0]["waited_ms"] / 1000
    return Cost(steps, cost["wall_s"] - waited, cost["cpu_s"], cost["peak_mib"], waited)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    kinds = {BARE: bare, TUNED: bare_with_our_options, OURS: ours}
    costs: dict[str, list[Cost]] = {name: [] for name in kinds}
    with a_shop() as url:
        for measure in kinds.values():
            measure(url)  # the first of each pays for cold files
        for number in range(asked.rounds):
            for name, measure in kinds.items():
                costs[name].append(measure(url))
            print(f"round {number + 1} of {asked.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    report(costs)
    if asked.json:
        asked.json.write_text(json.dumps({name: [vars(c) for c in found] for name, found in costs.items()}, indent=1))


def medians(costs: list[Cost]) -> dict[str, float]:
    return {
        "steps": statistics.median(sum(c.steps.values()) / 1000 for c in costs),
        "wall": statistics.median(c.wall_s for c in costs),
        "cpu": statistics.median(c.cpu_s for c in costs),
        "peak MiB": statistics.median(c.peak_mib for c in costs),
    }


def report(costs: dict[str, list[Cost]]) -> None:
    reference = medians(costs[BARE])
    print(f"{'medians, ratio to the first':38}" + "".join(f"{name:>18}" for name in reference))
    for kind, found in costs.items():
        of = medians(found)
        print(f"{kind:38}" + "".join(f"{of[name]:>10.2f} {of[name] / reference[name]:>5.2f} x" for name in reference))
    print("\nsteps, median ms:")
    for name in costs[BARE][0].steps:
        of_step = [statistics.median(c.steps[name] for c in found) for found in costs.values()]
        print(f"{name:38}" + "".join(f"{value:>18.0f}" for value in of_step))
    waited, wall = (statistics.median(getattr(c, name) for c in costs[OURS]) for name in ("waited_s", "wall_s"))
    print(
        f"\nwhole vitals: waiting for pages to come to rest takes {waited:.1f} s of a run beside {wall:.1f} s for all else"
    )
    for kind in (BARE, TUNED):
        print(f"\n{OURS} beside {kind}:")
        of, beside = medians(costs[OURS]), medians(costs[kind])
        for name, limit in LIMITS.items():
            ratio = of[name] / beside[name]
            print(f"  {name}: {ratio:.2f} x, limit {limit:.2f} x: {'holds' if ratio <= limit else 'BROKEN'}")


if __name__ == "__main__":
    main()
