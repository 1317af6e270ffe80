"""Whoever is killed with -9 at an acknowledgement, a flapping alert, a roll-up, an announcement, a ping or a test loses nothing."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from facts import Alert, PingKind, to_wire
from store import Store, incidents, outbox, pings, trials
from store import alerts as alert_rows
from tests.alerts.builders import NOW
from tests.databases import a_migrated_store
from tests.drills.alert_steps import TICK, UUID, Story, done
from tests.drills.dying import dies_at
from tests.forked import Forked

pytestmark = [pytest.mark.slow, pytest.mark.drill]
DEATHS = ("store.writing", "store.written", "sent")
_PATIENCE_S = 120


@dataclass(frozen=True)
class Ending:
    """What is left of a story: its alerts, the messages by id with their state, and the sent ones, each as often as it was sent."""

    alerts: tuple[Alert, ...]
    incidents: int
    messages: tuple[tuple[str, str], ...]
    sent: Counter[str]
    pings: int
    tested: int


def ending(store: Store, folder: Path) -> Ending:
    with store.read() as connection:
        found = alert_rows.listed(connection, limit=100)
        state = pings.states(connection)[UUID]
        assert state.result is not None
        assert state.result.kind is PingKind.SUCCESS
        return Ending(
            alerts=tuple(sorted(found, key=lambda one: one.id)),
            incidents=incidents.last_number(connection),
            messages=tuple(sorted((n.id, n.state.value) for n in outbox.latest(connection, limit=1000))),
            sent=Counter((folder / "sent").read_text(encoding="utf-8").split()),
            pings=state.pings,
            tested=len(trials.latest(connection)),
        )


def test_each_step_is_kept_whole_or_not_at_all_and_a_kill_costs_one_duplicate_at_most(
    database_url: str | None, tmp_path: Path
) -> None:
    calm = tmp_path / "calm"
    with a_migrated_store(None, calm) as store:
        story = Story(store, calm, dies_at(None))
        for number, step in enumerate(story.steps):
            step(NOW + number * TICK)
        wanted = ending(store, calm)
    assert max(wanted.sent.values()) == 1
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if database_url:
        environment["DATABASE_URL"] = database_url
    deaths = Counter[str]()
    folder = tmp_path / "killed"
    folder.mkdir()
    with a_migrated_store(database_url, folder) as store:
        while done(folder) < len(story.steps):
            # Each process dies at another commit, before or after it, or at its first message; so every step meets each of them.
            failpoint, nth = DEATHS[deaths.total() % 3], 2 + 7 * deaths.total() % 11
            arguments = (str(folder), failpoint, "1" if failpoint == "sent" else str(nth))
            process = Forked("tests.drills.alert_steps", *arguments, env=environment)
            ended = process.wait(_PATIENCE_S)
            assert ended in (0, -signal.SIGKILL)
            deaths[failpoint] += ended != 0
        found = ending(store, folder)
    assert set(deaths) == set(DEATHS)
    assert set(found.sent) == set(wanted.sent), "lost, or sent although it was not owed"
    assert found.sent.total() - len(found.sent) <= deaths.total(), "more than one duplicate for one kill"
    assert (found.messages, found.incidents, found.tested) == (wanted.messages, wanted.incidents, wanted.tested)
    assert to_wire(list(found.alerts)) == to_wire(list(wanted.alerts))
    assert wanted.pings <= found.pings <= wanted.pings + deaths.total()
