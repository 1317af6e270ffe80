"""Whatever the clocks of hub and runners do, over restarts too: nothing is told twice or ends by itself, and within two periods after
they are right everything is judged again; what happened is logged, and named on the page."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from facts import Blame, NotificationState, Run, Status, to_wire
from hub.clock_witness import ClockWitness
from hub.errors import HubError
from store import alerts as alert_rows
from store import outbox
from store.tables import leases
from tests.builders import a_run
from tests.hub.conftest import Bench

PLACES = ("us-east", "us-west", "eu-west")
TICK_S, PERIOD_S = 50, 300
OUTAGE = "F0.ga_purchase.1"
FOLLOWS = ("F2a.ga_purchase", "F2b.ga_purchase", "E2")
HOUR = 3600.0


@dataclass
class World:
    """The true time, and by how much each clock is off. GA fails everywhere all the time, VIP passes."""

    bench: Bench
    true: datetime = field(init=False)
    hub_off: float = 0.0
    runner_off: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PLACES, 0.0))
    hub_runs: bool = True
    cut_off: bool = False
    waiting: dict[str, list[Run]] = field(default_factory=lambda: {place: [] for place in PLACES})
    made: int = 0

    def __post_init__(self) -> None:
        self.true = self.bench.now
        self.starts()

    def steady(self) -> float:
        return self.true.timestamp()

    def ends(self, *, killed: bool) -> None:
        """The hub's process. A killed one leaves its lease behind, as far ahead as its clock was; else it gives it back."""
        left_s = self.hub_off + 30 if killed and self.hub_off > 0 else -1
        with self.bench.store.write() as connection:
            connection.execute(update(leases).values(expires_at=datetime.now(UTC) + timedelta(seconds=left_s)))

    def starts(self) -> None:
        """A new process of the hub."""
        self._set_hub_clock()
        witness = self.bench.context.ingest.witness = ClockWitness(steady=self.steady)
        self.bench.cycle = replace(
            self.bench.cycle,
            holder=f"hub-{self.true:%H%M%S}",
            watching_since=self.bench.now,
            steady=self.steady,
            hub_clock=witness.judged,
        )

    def _set_hub_clock(self) -> None:
        self.bench.now = self.true + timedelta(seconds=self.hub_off)

    def goes_on(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.true += timedelta(seconds=TICK_S)
            self._set_hub_clock()
            for place in PLACES:
                self._buy(place)
            if self.hub_runs:
                for place in PLACES if not self.cut_off else ():
                    self._send(place)
                tick = self.bench.cycle.tick(self.bench.now)
                assert tick.wrote
                self.bench.context.health.ticked(tick.at)
                self._deliver()

    def _deliver(self) -> None:
        """Every receiver takes what is owed to it."""
        about: dict[str, Any] = {"holder": self.bench.cycle.holder}
        with self.bench.store.write() as connection:
            while owed := outbox.claim(connection, **about, now=self.bench.now, lease_s=30, limit=500):
                for one in owed:
                    assert outbox.delivered(connection, one.id, **about, at=self.bench.now, detail=None)

    def _buy(self, place: str) -> None:
        now = self.true + timedelta(seconds=self.runner_off[place])
        for journey, schedule in self.bench.context.watched.schedules().items():
            for slot in schedule.grids[place].between(now - timedelta(seconds=TICK_S), now):
                failed: dict[str, Any] = {"status": Status.FAILED, "blame": Blame.SITE, "failed_step": "choose_city"}
                how = failed if journey == "ga_purchase" else {"status": Status.PASSED, "blame": None, "attempts": ()}
                self.made += 1
                name = f"run-{self.made}"
                about = {"journey": journey, "location": place, "slot": slot, "started_at": slot, "finished_at": now}
                self.waiting[place].append(a_run(id=name, **about, **how))

    def _send(self, place: str) -> None:
        sent_at = self.true + timedelta(seconds=self.runner_off[place])
        about = {"id": f"{place}-1", "sent_at": to_wire(sent_at)}
        body = {"location": place, "runner": about, "runs": to_wire(self.waiting[place])}
        try:
            self.bench.context.ingest.batch(json.dumps(body).encode(), now=self.bench.now)
            self.waiting[place] = []
        except HubError as error:
            if error.permanent:
                raise

    def alerts(self) -> dict[str, str]:
        found = self.bench.client.get("/api/alerts", params={"limit": 500}).json()["alerts"]
        return {alert["id"]: alert["state"] for alert in found}


def goes_wrong(world: World, case: Case) -> None:
    """What happens in a case, from the moment when all is well to the moment when the clocks are right again."""
    match case.clock:
        case "hub":
            world.hub_off = case.off_s
        case "runner":
            world.runner_off["us-east"] = case.off_s
        case "runners":
            world.runner_off = dict.fromkeys(PLACES, case.off_s)
    if case.starts_wrong:
        world.ends(killed=False)
        world.starts()
    if case.stopped:
        world.hub_runs = False
    world.goes_on(case.for_s)
    if case.restart:
        world.ends(killed=case.restart == "kill")
    world.hub_runs, world.hub_off = True, 0.0
    world.runner_off = dict.fromkeys(PLACES, 0.0)
    if case.restart:
        world.starts()


@dataclass(frozen=True)
class Case:
    """Whose clock is off by how much, for how long, and how the hub is restarted before it is right. `told` are the alerts there
    may be beside the outage."""

    name: str
    clock: str = ""
    off_s: float = 0.0
    for_s: float = 600.0
    starts_wrong: bool = False
    stopped: bool = False
    restart: str = ""
    told: tuple[str, ...] = ()
    logged: str = "watch_broken"
    page: str = ""


HUB, RUNNER = ("W3.hub",), ("W3.us-east", "W5.us-east", "W1.us-east")
CASES = (
    Case("the hub's clock is ahead", "hub", HOUR, told=HUB, page="set back by 59 min"),
    Case("ahead, kill", "hub", HOUR, restart="kill", told=HUB, page="set back by 59 min"),
    Case("ahead at a start, SIGTERM", "hub", HOUR, starts_wrong=True, restart="term", told=HUB, page="set back by"),
    Case("a year ahead, kill", "hub", 365 * 24 * HOUR, restart="kill", told=HUB, page="set back by"),
    Case("the hub's clock is behind", "hub", -2 * HOUR, told=HUB, page="set forward by"),
    Case("behind, kill", "hub", -2 * HOUR, restart="kill", told=HUB, page="set forward"),
    Case(
        "behind at a start, SIGTERM", "hub", -2 * HOUR, starts_wrong=True, restart="term", told=HUB, page="set forward"
    ),
    Case("the hub is stepped and back at once", "hub", HOUR, for_s=50, page="set back by 59 min"),
    Case("the hub is suspended", stopped=True, page="did not judge for"),
    Case("the hub is down, then killed", stopped=True, restart="kill", page="o hub judged for"),
    Case("the hub is down, then ended", stopped=True, restart="term", page="o hub judged for"),
    Case("a runner's clock is ahead", "runner", HOUR, told=RUNNER, logged="run_rejected"),
    Case("a runner's clock is behind", "runner", -HOUR, told=RUNNER, logged="alert_firing"),
    Case("a runner's clock is ahead, hub killed", "runner", HOUR, restart="kill", told=RUNNER, logged="run_rejected"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_after_a_clock_was_wrong_all_is_judged_again_and_nothing_was_told_that_is_not_so(
    light: Bench, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    world = World(light)
    world.goes_on(2 * PERIOD_S)
    assert world.alerts() == {OUTAGE: "firing"}
    goes_wrong(world, case)
    assert world.alerts()[OUTAGE] == "firing"
    world.goes_on(TICK_S * 2)
    page = light.client.get("/").text.replace("&#39;", "'")
    world.goes_on(2 * PERIOD_S - TICK_S)

    alerts = world.alerts()
    assert alerts.pop(OUTAGE) == "firing", "the outage goes on: nothing has ended it"
    assert {name.rpartition(".")[0] for name in alerts} <= {*case.told, *FOLLOWS}
    assert {state for name, state in alerts.items() if name.startswith(FOLLOWS)} <= {"firing", "pending"}
    assert all(name.endswith(".1") for name in alerts), "nothing was told twice"
    assert not [name for name, state in alerts.items() if state == "firing" and name.startswith("W3.hub")]
    with light.store.read() as connection:
        owed = [n for n in outbox.latest(connection, limit=500) if n.state is not NotificationState.SUPPRESSED]
        fired = [a for a in alert_rows.listed(connection, limit=500) if a.fired_at]
    assert max(Counter((n.thread, n.destination, n.kind) for n in owed if n.kind != "update").values()) == 1
    assert all(a.fired_at <= light.now for a in fired if a.fired_at)

    verdicts = light.client.get("/api/sla").json()
    assert datetime.fromisoformat(verdicts["at"]) == light.now
    f0 = next(v for v in verdicts["verdicts"] if (v["rule"], v["journey"]) == ("F0", "ga_purchase"))
    assert (f0["breached"], f0["n"]) == (True, 3), "every location is judged again"
    assert light.now - datetime.fromisoformat(f0["data_at"]) <= timedelta(seconds=PERIOD_S)
    assert not any(world.waiting.values()), "what waited has come"

    assert case.logged in caplog.text
    assert case.page in page
    assert light.client.get("/readyz").status_code == 200


@pytest.mark.parametrize("off_s", [240.0, -240.0])
def test_a_silence_does_not_end_because_the_hubs_clock_is_set_right(light: Bench, off_s: float) -> None:
    """By so little the clock is off that results are taken; they are dated into the hub's future then."""
    world = World(light)
    world.goes_on(PERIOD_S)
    world.hub_off = off_s
    world.goes_on(2 * PERIOD_S)
    world.cut_off = True
    world.goes_on(500)

    def silent(state: str) -> set[str]:
        return {name for name, is_now in world.alerts().items() if name.startswith("W1.") and is_now == state}

    fired = silent("firing")
    assert "W1.all.1" in fired
    world.hub_off = 0.0
    for _ in range(4):
        world.goes_on(TICK_S)
        assert silent("firing") >= fired
    with light.store.read() as connection:
        assert all(alert.began_at <= light.now for alert in alert_rows.standing(connection))
    world.cut_off = False
    world.goes_on(3 * PERIOD_S)
    assert silent("firing") == set()
