"""A hub on each kind of database, without threads and without a network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from alerts.policy import Policy
from facts import Role, Run, Severity, Status, TokenKind, to_wire
from hub.access import Access
from hub.app import create_app
from hub.artifacts import Artifacts
from hub.context import HubContext
from hub.cycle import Cycle, Tick
from hub.guard import Guard
from hub.ingest import Ingest
from hub.logins import Logins
from hub.passwords import Cost
from hub.rates import Rate
from hub.server_key import ServerKey
from hub.tokens import Tokens
from hub.watched import Watched
from sla.targets import Targets
from store import Store
from tests.builders import A_MOMENT, a_run
from tests.databases import a_migrated_store
from tests.drills.hub import the_watched
from tests.shipped import shipped_targets

KEY = ServerKey(b"the key of the hub on the bench..")
CHEAP = Cost(n=2, p=1)
PASSWORD = "correct horse battery"


@dataclass
class Bench:
    """The hub's parts with a clock that the test holds."""

    store: Store
    client: TestClient
    cycle: Cycle
    context: HubContext
    now: datetime = A_MOMENT

    def send(self, *runs: Run, **more: Any) -> list[dict[str, Any]]:
        """Send runs as a runner does; what became of each."""
        answer = self.client.post("/api/runs", json={"runs": to_wire(list(runs)), **more})
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def token(self, kind: TokenKind = TokenKind.LOCATION, subject: str = "us-east") -> dict[str, str]:
        """A new token, as a header."""
        _, text = Tokens(self.store, KEY).issue(kind, subject, now=self.now)
        return {"Authorization": f"Bearer {text}"}

    def user(self, role: Role = Role.OPERATOR, name: str | None = None) -> str:
        """A new user's name; their password is PASSWORD."""
        return self.context.guard.logins.add(name or role.value, role, PASSWORD).name

    def try_login(self, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        """Fill the login form in and send it, as a browser does."""
        page = self.client.get("/login").text
        form = {"csrf": csrf_of(page), "name": name, "password": password, **more}
        answer: httpx.Response = self.client.post("/login", data=form)
        return answer

    def log_in(self, role: Role = Role.OPERATOR) -> str:
        """Add a user of a role and log in; the name."""
        name = self.user(role)
        assert self.try_login(name).status_code == 303
        return name

    def tick(self, after_s: float = 10) -> Tick:
        """One tick of the cycle, later."""
        self.now += timedelta(seconds=after_s)
        tick = self.cycle.tick(self.now)
        self.context.health.ticked(tick.at)
        return tick

    def slot_run(self, location: str = "us-east", *, minutes_ago: float = 1, **facts: Any) -> Run:
        """A passed GA run of a slot that finished lately."""
        finished = self.now - timedelta(minutes=minutes_ago)
        name = f"run-{location}-{finished:%H%M%S}"
        return a_run(
            **{
                "id": name,
                "location": location,
                "slot": finished - timedelta(seconds=30),
                "started_at": finished - timedelta(seconds=25),
                "finished_at": finished,
                "status": Status.PASSED,
                **facts,
            }
        )


def csrf_of(page: str) -> str:
    """The token in the first form of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, page
    return found[1]


@contextmanager
def a_bench(
    store: Store,
    folder: Path,
    *,
    access: Access | None = None,
    rate: Rate | None = None,
    address: str = "127.0.0.1",
    watched: Watched | None = None,
    targets: Targets | None = None,
) -> Iterator[Bench]:
    """A hub of both journeys at three locations. Seconds for rates and waits are those of the bench's clock."""
    watched = watched or the_watched()
    policy = Policy(routes={Severity.CRITICAL: ("hook",), Severity.HIGH: ("hook",)}, base_url="http://hub.test")
    holder: list[Bench] = []

    def clock() -> datetime:
        return holder[0].now

    def monotonic() -> float:
        return clock().timestamp()

    targets = targets or shipped_targets()
    periods = {name: schedule.period_s for name, schedule in watched.schedules().items()}
    logins = Logins(store, KEY, cost=CHEAP, clock=clock)
    context = HubContext(
        store=store,
        watched=watched,
        targets=targets,
        policy=policy,
        ingest=Ingest(store, locations=watched.locations.locations, periods=periods),
        artifacts=Artifacts(store, folder / "evidence"),
        guard=Guard(store, KEY, access or Access(), logins=logins, rate=rate, clock=clock, monotonic=monotonic),
        clock=clock,
    )
    cycle = Cycle(store=store, watched=watched, targets=targets, policy=policy, watching_since=A_MOMENT)
    app, ours = create_app(context), "http://127.0.0.1:8600"
    with TestClient(app, base_url=ours, follow_redirects=False, client=(address, 50000)) as client:
        holder.append(Bench(store=store, client=client, cycle=cycle, context=context))
        yield holder[0]


@pytest.fixture
def bench(store: Store, tmp_path: Path) -> Iterator[Bench]:
    """A hub that is open to everybody on this machine."""
    with a_bench(store, tmp_path) as opened:
        yield opened


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """A migrated store, for what does not depend on the kind of database."""
    with a_migrated_store(None, tmp_path / "hub") as opened:
        yield opened


@pytest.fixture
def light(sqlite_store: Store, tmp_path: Path) -> Iterator[Bench]:
    """As `bench`, on SQLite alone."""
    with a_bench(sqlite_store, tmp_path) as opened:
        yield opened
