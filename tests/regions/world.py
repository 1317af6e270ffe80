"""Everything that runs on the map: the shop, the hub with its tokens and its login, a runner in each region, and the receivers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.hub import DEMO_INBOX, DEMO_SCALE, DEMO_SHOP
from demo import Served, a_socket
from demo.inbox import Inbox
from process.signals import ENDS_WITH_INPUT
from tests.regions.configuration import HUB_PORT, HUB_URL, INBOX_PORT, SCALE, SHOP_PORT, SHOP_URL, configure
from tests.regions.namespaces import Inside, ip
from tests.regions.network import ADDRESS, HUB, SHOP, Network

ROOT = Path(__file__).resolve().parents[2]
_OURS = ("SIXFB_", "DATABASE_", "STRIPE_", "SLACK_", "ALERT_")
_STARTS_WITHIN_S, _STOPS_WITHIN_S = 60.0, 40.0
_PERSON, _PASSWORD = "ann", "correct horse battery staple"
Run = dict[str, Any]


@dataclass
class World:
    """The world while it turns. Every question to the hub goes over HTTP, from a person who is logged in."""

    network: Network
    folder: Path
    inbox: Inbox
    programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _stripe_key: str = "sk_test_regions"
    _tokens: dict[str, str] = field(default_factory=dict)
    _person: httpx.Client = field(default_factory=lambda: httpx.Client(base_url=HUB_URL, timeout=10, trust_env=False))

    @property
    def regions(self) -> list[str]:
        """Every region, the nearest first."""
        return list(self.network.rtt_ms)

    # -- its programs

    def open_shop(self) -> None:
        """`sixfb demo --shop-only`, and wait for its answer."""
        command = ("demo", "--shop-only", "--host", "0.0.0.0", "--name", ADDRESS[SHOP], "--port", str(SHOP_PORT))
        self._start(SHOP, SHOP, *command, STRIPE_SECRET_KEY=self._stripe_key)
        self._wait_for(SHOP, SHOP, f"{SHOP_URL}/__faults")

    def open_hub(self) -> None:
        """Set up the login and the tokens by command, then `sixfb hub`, and log in."""
        password = self.folder / "password"
        password.write_text(_PASSWORD)
        self._say("user", "add", _PERSON, "--role", "admin", "--password-file", str(password))
        self._tokens = {r: self._say("token", "create", "--location", r).strip() for r in self.regions}
        self._start(HUB, HUB, "hub", "--host", ADDRESS[HUB], "--port", str(HUB_PORT))
        self._wait_for(HUB, HUB, f"{HUB_URL}/healthz")
        page = self._ask(lambda: self._person.get("/login")).text
        (csrf,) = re.findall(r'name="csrf" value="([^"]+)"', page)
        form = {"csrf": csrf, "name": _PERSON, "password": _PASSWORD}
        assert self._ask(lambda: self._person.post("/login", data=form)).status_code == 303

    def start_runner(self, region: str) -> None:
        """`sixfb runner` in its region, with that region's token."""
        self._start(
            region,
            region,
            "runner",
            "--location",
            region,
            SIXFB_HUB_URL=HUB_URL,
            SIXFB_TOKEN=self._tokens[region],
            STRIPE_SECRET_KEY=self._stripe_key,
            STRIPE_API_BASE=f"http://{ADDRESS[SHOP]}:{SHOP_PORT + 1}",
        )

    def end(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End a program, and wait until it is gone."""
        program = self.programs.pop(name)
        program.send_signal(number)
        try:
            program.communicate(timeout=_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            program.kill()
            program.communicate()
            raise

    def _start(self, name: str, where: str, *command: str, **settings: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.programs[name] = subprocess.Popen(
                self.network.command(where, sys.executable, "-P", "-m", "cli", *command),
                cwd=ROOT,
                env=self._environment(**settings),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _say(self, *command: str) -> str:
        program = [sys.executable, "-P", "-m", "cli", *command]
        done = subprocess.run(program, cwd=ROOT, env=self._environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _environment(self, **settings: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_OURS) and not k.lower().endswith("_proxy")}
        receivers = f"http://{ADDRESS[HUB]}:{INBOX_PORT}"
        return {
            **kept,
            "SIXFB_CONFIG": str(self.folder / "config"),
            "SIXFB_VAR": str(self.folder / "var"),
            "SLACK_EMERGENCY_WEBHOOK": f"{receivers}/slack/emergency",
            "SLACK_OPS_WEBHOOK": f"{receivers}/slack/ops",
            "ALERT_WEBHOOK": f"{receivers}/webhook/all",
            DEMO_SHOP: SHOP_URL,
            DEMO_INBOX: f"{receivers}/inbox.json",
            DEMO_SCALE: f"{SCALE:g}",
            ENDS_WITH_INPUT: "1",
            **settings,
        }

    # -- what it has seen

    def _ask(self, question: Callable[[], httpx.Response]) -> httpx.Response:
        with self.inside(HUB) as inside:
            return inside(question)

    def get(self, path: str) -> Any:
        """What the hub answers to a person who is logged in."""
        return self._ask(lambda: self._person.get(path)).raise_for_status().json()

    @contextmanager
    def inside(self, name: str) -> Iterator[Inside]:
        """A thread in a namespace."""
        thread = Inside(self.network.namespace(name))
        try:
            yield thread
        finally:
            thread.close()

    def runs(self, region: str | None = None, *, since: datetime | None = None) -> list[Run]:
        """The slots' results in short, oldest first; those that began since a moment."""
        found = [r for r in self.get("/api/runs?limit=500")["runs"] if region in (None, r["location"])]
        return sorted((r for r in found if since is None or moment(r["started_at"]) >= since), key=lambda r: r["slot"])

    def told(self) -> dict[str, list[str]]:
        """What the webhook got: the kinds of messages of each incident, by what it began with (`F3 eu-west`)."""
        kinds: dict[str, list[str]] = defaultdict(list)
        names: dict[str, str] = {}
        for one in self._messages("webhook"):
            lead = one["lines"][0]
            name = names.setdefault(one["incident"], " ".join(filter(None, (lead["rule"], lead["subject"]))))
            kinds[name].append(one["kind"])
        return dict(kinds)

    def lines(self) -> set[str]:
        """Every alert that stood in any message."""
        lines = [line for one in self._messages("webhook") for line in one["lines"]]
        return {" ".join(filter(None, (line["rule"], line["subject"]))) for line in lines}

    def message(self, name: str) -> dict[str, Any]:
        """The first message of what began so."""
        found = (one for one in self._messages("webhook") if name.split()[0] == one["lines"][0]["rule"])
        return next(found)

    def assert_slack_got_the_same(self) -> None:
        """What is critical goes to one channel, everything else to the other, and the webhook has both."""
        urgent = sum(one["severity"] == "critical" for one in self._messages("webhook"))
        here = [one.channel for one in self.inbox.all() if one.receiver == "slack"]
        assert (here.count("emergency"), len(here)) == (urgent, len(self._messages("webhook"))), self.told()

    def _messages(self, receiver: str) -> list[dict[str, Any]]:
        return [one.body for one in self.inbox.all() if one.receiver == receiver]

    def until(self, holds: Callable[[], bool], *, within_s: float, what: str) -> float:
        """Wait until something holds; how many seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < within_s:
            if holds():
                return time.monotonic() - began
            time.sleep(0.5)
        pytest.fail(f"{what}: not within {within_s:.0f} s\n{self.story()}")

    def story(self) -> str:
        """What happened, for whoever reads a failure."""
        runs = [f"{r['slot']} {r['location']} {r['status']} {r['blame']} {r['error']}" for r in self.runs()]
        logs = [f"== {file.name}\n{file.read_text()[-1500:]}" for file in sorted(self.folder.glob("*.log"))]
        return "\n".join([json.dumps(self.told()), *runs, *logs])

    def left(self) -> list[str]:
        """The processes that are still in one of its namespaces."""
        return [pid for place in (SHOP, HUB, *self.regions) for pid in self._pids(place)]

    def _pids(self, place: str) -> list[str]:
        return ip("netns", "pids", self.network.namespace(place)).split()

    def _wait_for(self, name: str, where: str, url: str) -> None:
        ends = time.monotonic() + _STARTS_WITHIN_S
        with self.inside(where) as inside:
            while time.monotonic() < ends and self.programs[name].poll() is None:
                with contextlib.suppress(httpx.HTTPError):
                    if inside(lambda: httpx.get(url, timeout=2, trust_env=False)).status_code == 200:
                        return
                time.sleep(0.1)
        pytest.fail(f"{name} did not start: {(self.folder / f'{name}.log').read_text()[-2000:]}")

    def close(self) -> None:
        """End everything, in good order if it can; nothing may be left in any namespace."""
        self._person.close()
        # Whoever cannot reach the hub takes half a minute to give up at his end.
        self.network.hear(*self.regions)
        for program in self.programs.values():
            program.terminate()
        for name in list(self.programs):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.end(name)
        left = self.left()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        assert left == [], "processes were left behind"


@contextmanager
def a_world(network: Network) -> Iterator[World]:
    """Shop, hub, runners and receivers, started in this order, and ended whatever happens."""
    # Not pytest's own folder: its name is long, and a socket's path may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="sixfb-regions-", dir="/tmp"))
    world = World(network=network, folder=folder, inbox=Inbox())
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        with world.inside(HUB) as inside:
            receivers = Served(world.inbox.app(), [inside(lambda: a_socket(ADDRESS[HUB], INBOX_PORT))])
        receivers.start()
        stack.callback(receivers.stop)
        stack.callback(world.close)
        configure(folder / "config", world.regions)
        world.open_shop()
        world.open_hub()
        for region in world.regions:
            world.start_runner(region)
        yield world


def moment(text: str) -> datetime:
    """A moment as the hub writes it."""
    return datetime.fromisoformat(text)


def now() -> datetime:
    """This machine's clock; there is only one."""
    return datetime.now(UTC)


def phases(runs: list[Mapping[str, Any]], phase: str) -> list[float]:
    """How long a phase of the requests to the shop took, in ms: first attempts that passed."""
    first = [run["attempts"][0] for run in runs if run["attempts"][0]["status"] == "passed"]
    found = [r["phases"].get(phase) for attempt in first for r in attempt["requests"] if r["party"] == "first"]
    return [ms for ms in found if ms is not None]
