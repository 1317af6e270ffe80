"""Nothing measured is lost: a runner that loses its hub for hours, is killed twice, meets a full disk and a record that no hub
takes, against a twin that nothing happens to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from facts import to_wire
from hub.cycle import Cycle
from store import runners
from tests.builders import A_MOMENT
from tests.databases import a_migrated_store
from tests.drills.feeder import read_clock, set_clock
from tests.drills.hub import the_watched
from tests.drills.shared_hub import SharedHub

NOWHERE = "http://127.0.0.1:9"
HOURS = 8


def hour(number: float) -> datetime:
    return A_MOMENT + timedelta(hours=number)


@dataclass
class Pair:
    """A hub with its clock, and its one runner's folder."""

    hub: SharedHub
    folder: Path

    @property
    def clock(self) -> Path:
        return self.folder / "clock"

    def feed(self, until: float, *failing: str, away: bool = False, **environment: str) -> tuple[int, int, str]:
        """Live until an hour, or until it dies; how many results wait then, how often the disk refused one, and what the hub
        refused for good."""
        arguments = [str(self.folder / "runner"), NOWHERE if away else self.hub.url, str(self.clock), str(hour(until))]
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tests.drills.feeder", *arguments, *failing],
            env={**os.environ, **environment},
            check=False,
            capture_output=True,
            text=True,
        )
        if failing:
            assert done.returncode == -signal.SIGKILL, done.stderr
            return 0, 0, ""
        assert done.returncode == 0, done.stderr
        depth, refused, rejected = done.stdout.strip("\n").split(" ")
        return int(depth), int(refused), rejected

    def results(self) -> list[tuple[str, datetime, str]]:
        return self.hub.outcomes()

    def verdicts(self) -> list[Any]:
        watched, targets = the_watched(), self.hub.targets
        cycle = Cycle(
            store=self.hub.store, watched=watched, targets=targets, policy=self.hub.policy, watching_since=A_MOMENT
        )
        now = hour(HOURS) + timedelta(seconds=45)
        set_clock(self.clock, now)
        verdicts: list[Any] = to_wire(cycle.tick(now).verdicts)
        return verdicts


@contextmanager
def a_pair(folder: Path) -> Iterator[Pair]:
    folder.mkdir()
    set_clock(folder / "clock", A_MOMENT)
    with a_migrated_store(None, folder / "hub") as store:
        hub = SharedHub(store, folder / "hub", watched=the_watched(), clock=lambda: read_clock(folder / "clock"))
        hub.start()
        yield Pair(hub=hub, folder=folder)
        hub.stop()


def test_a_runner_in_every_trouble_loses_and_doubles_nothing_and_is_judged_as_its_twin(tmp_path: Path) -> None:
    with a_pair(tmp_path / "calm") as calm, a_pair(tmp_path / "troubled") as troubled:
        assert calm.feed(HOURS) == (0, 0, "")

        troubled.feed(2)
        troubled.feed(5, "spool.kept", "7", away=True)
        waits, refused, _ = troubled.feed(5, away=True, FEED_FULL_AT=str(hour(4)), FEED_POISON="1")
        assert waits > 3 * 12
        assert refused >= 3 * 4
        troubled.feed(HOURS, "send.answered", "1")
        assert troubled.feed(HOURS) == (0, 0, "poi/soned")

        slots = [
            (journey, slot)
            for journey, schedule in the_watched().schedules().items()
            for slot in schedule.grids["us-east"].between(A_MOMENT, hour(HOURS))
        ]
        assert len(slots) == HOURS * (12 + 4)
        assert sorted((journey, slot) for journey, slot, _ in troubled.results()) == sorted(slots)
        assert troubled.results() == calm.results()
        assert troubled.hub.duplicates() == []
        assert {status for _, _, status in calm.results()} == {"passed", "failed"}
        pairs = list(zip(troubled.verdicts(), calm.verdicts(), strict=True))
        told = [(mine["rule"], mine["verdict"]) for mine, its in pairs if mine != its]
        assert told == [("W5", "warning")], "the poisoned record is told, and nothing else is other"
        with troubled.hub.store.read() as connection:
            (runner,) = runners.heard(connection, since=hour(HOURS))
        assert (runner.id, runner.spool, runner.rejected, runner.skew_s) == ("the-one", 0, 1, 0.0)
