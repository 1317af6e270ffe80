"""Two hours of the watch in four minutes: a real hub and three real runners, outages, and kills with -9.

Runs are stubs of a tenth of a second, so that what is measured is the watch: every slot has one record, nothing is lost or
doubled, each outage is told once and its end once, memory does not grow, and nothing is left behind. All is told to a receiver that
takes it and owed to others that misbehave, each in a way of its own.

    .venv/bin/python -P benchmarks/soak.py [--hours 2] [--scale 30] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from demo.serve import Served, a_socket
from tests.receivers import BEHAVIOURS, Rig

PLACES = ("us-east", "us-west", "eu-west")
PERIODS_MIN = {"ga_purchase": 5, "vip_member_discount": 15}
HUB = "hub"


@dataclass
class Watch:
    """The processes, and what they did."""

    folder: Path
    scale: float
    hook: str
    others: str
    port: int
    processes: dict[str, psutil.Popen] = field(default_factory=dict)
    memory: dict[str, list[float]] = field(default_factory=dict)
    kills: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str) -> None:
        arguments = (
            ["tests.drills.hub", str(self.folder / "hub"), str(self.port), self.hook]
            if name == HUB
            else ["tests.drills.runner", str(self.folder / name), self.url, name]
        )
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {
            "DRILL_SCALE": str(self.scale),
            "DRILL_OTHER_HOOKS": self.others,
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = psutil.Popen(
                [sys.executable, "-P", "-m", *arguments], env=environment, stdout=log, stderr=log
            )

    def kill(self, name: str, *, back_after_min: float = 0.0) -> None:
        self.processes[name].kill()
        self.processes[name].wait()
        self.kills += 1
        time.sleep(back_after_min * 60 / self.scale)
        self.start(name)

    def look(self) -> None:
        for name, process in self.processes.items():
            if process.poll() is not None:
                log = (self.folder / f"{name}.log").read_text(encoding="utf-8")
                raise SystemExit(f"{name} ended with {process.returncode}:\n{log[-2000:]}")
            with contextlib.suppress(psutil.Error):
                self.memory.setdefault(name, []).append(process.memory_full_info().pss / 2**20)

    def stop(self) -> None:
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired, psutil.TimeoutExpired):
                process.wait(20)
            if process.is_running():
                process.kill()


def collecting(got: list[dict[str, Any]]) -> Starlette:
    async def take(request: Request) -> Response:
        got.append(await request.json())
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/hook", take, methods=["POST"])])


def script(watch: Watch) -> list[tuple[float, str, Callable[[], object]]]:
    """What happens in each hour: minute, words, deed. So little of it fails that no error budget burns by itself."""
    broken = watch.folder / "broken"
    return [
        (30, "kill -9 of the hub", lambda: watch.kill(HUB)),
        (33, "kill -9 of a runner", lambda: watch.kill("us-west")),
        (36, "the hub is away for three minutes", lambda: watch.kill(HUB, back_after_min=3)),
        (42, "the payment breaks", broken.touch),
        (44, "kill -9 of the hub in the outage", lambda: watch.kill(HUB)),
        (46, "kill -9 of a runner in the outage", lambda: watch.kill("eu-west")),
        (48, "it is mended", broken.unlink),
    ]


def soak(watch: Watch, hours: int) -> None:
    began = time.monotonic()
    watch.start(HUB)
    for place in PLACES:
        watch.start(place)
    deeds = [(60 * hour + minute, words, deed) for hour in range(hours) for minute, words, deed in script(watch)]
    while True:
        minute = (time.monotonic() - began) * watch.scale / 60
        if minute >= 60 * hours + 6:
            return
        watch.look()
        while deeds and deeds[0][0] <= minute:
            _, words, deed = deeds.pop(0)
            print(f"  minute {minute:5.1f}: {words}", flush=True)
            deed()
        time.sleep(0.2)


def all_runs(url: str) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        page = httpx.get(f"{url}/api/runs", params={"limit": 500, **cursor}, timeout=30).json()
        yield from page["runs"]
        if page["next"] is None:
            return
        cursor = {"cursor": page["next"]}


def slots_found(runs: list[dict[str, Any]], scale: float) -> tuple[int, int, int]:
    """Slots that should have a record, gaps among them, and slots with more than one."""
    expected = gaps = doubled = 0
    for journey, minutes in PERIODS_MIN.items():
        period = minutes * 60 / scale
        for place in PLACES:
            slots = sorted(
                datetime.fromisoformat(r["slot"]).timestamp()
                for r in runs
                if (r["journey"], r["location"]) == (journey, place)
            )
            expected += round((slots[-1] - slots[0]) / period) + 1
            gaps += round((slots[-1] - slots[0]) / period) + 1 - len(set(slots))
            doubled += len(slots) - len(set(slots))
    return expected, gaps, doubled


def growth(values: list[float]) -> float:
    """The last tenth's median over that of the second tenth: the first one is still starting up."""
    tenth = max(1, len(values) // 10)
    return statistics.median(values[-tenth:]) / statistics.median(values[tenth : 2 * tenth])


def findings(watch: Watch, got: list[dict[str, Any]], hours: int) -> dict[str, Any]:
    runs = list({r["run_id"]: r for r in all_runs(watch.url)}.values())
    expected, gaps, doubled = slots_found(runs, watch.scale)
    every = list({m["id"]: m for m in got}.values())
    # That the receivers which misbehave take nothing is told as well, and is no outage of the shop.
    told = [m for m in every if not m["lines"][0]["rule"].startswith("W")]
    by_incident: dict[str, list[str]] = {}
    for message in told:
        by_incident.setdefault(message["dedup_key"], []).append(message["kind"])
    ordered = all(k[0] == "firing" and k[-1] == "resolved" for k in by_incident.values())
    once = all(k.count("firing") == k.count("resolved") == 1 for k in by_incident.values())
    return {
        "slots": expected,
        "slots without a record": gaps,
        "slots with two": doubled,
        "records": dict(Counter(r["status"] for r in runs)),
        "kills": watch.kills,
        "outages": hours,
        "incidents": len(by_incident),
        "what was told": dict(Counter(f"{m['kind']}: {m['lines'][0]['rule']}" for m in told)),
        "each incident begins and ends once, in order": ordered and once,
        "told of the watch itself": dict(
            Counter(f"{m['kind']}: {m['lines'][0]['rule']}" for m in every if m not in told)
        ),
        "duplicates": len(got) - len(every),
        "memory at the end over after the start": {
            n: round(growth(v), 2) for n, v in watch.memory.items() if len(v) > 30
        },
        "memory MiB": {n: round(statistics.median(v[-10:])) for n, v in watch.memory.items()},
    }


def passed(found: dict[str, Any]) -> bool:
    return bool(
        found["slots without a record"] == found["slots with two"] == 0
        and found["incidents"] == found["outages"]
        and found["each incident begins and ends once, in order"]
        and found["duplicates"] <= found["kills"]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=2)
    parser.add_argument("--scale", type=float, default=30)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    got: list[dict[str, Any]] = []
    receiver = Served(collecting(got), [a_socket()])
    receiver.start()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="sixfb-soak-") as folder, Rig() as rig:
        others = " ".join(rig.url(name) for name in BEHAVIOURS if name != "well")
        watch = Watch(
            folder=Path(folder), scale=options.scale, hook=f"{receiver.urls[0]}/hook", others=others, port=port
        )
        try:
            soak(watch, options.hours)
            found = findings(watch, got, options.hours)
        finally:
            watch.stop()
            receiver.stop()
    found["processes left"] = len(psutil.Process().children(recursive=True))
    for name, value in found.items():
        print(f"{name:45} {value}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    sys.exit(0 if passed(found) and not found["processes left"] else 1)


if __name__ == "__main__":
    main()
