"""A runner's days in seconds: `python -m tests.drills.feeder FOLDER HUB CLOCK UNTIL [FAILPOINT NTH]`.

Every slot of us-east up to UNTIL that has no result yet is begun, run, kept and sent by the runner's own spool and sender; the time
is what CLOCK, a file, says, and each slot sets it. `FEED_FULL_AT` is the time from which the disk takes a result at the fourth try
only, for a quarter of an hour; `FEED_POISON` puts a record into the spool that no hub takes.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from facts import Blame, Run, Status
from runner.spool.hub_client import HubClient
from runner.spool.sender import Sender
from runner.spool.spool import Spool
from tests.drills.dying import dies_at
from tests.drills.hub import the_watched

PLACE = "us-east"
_TRIES_ON_A_FULL_DISK = 3


def read_clock(file: Path) -> datetime:
    """What the clock says."""
    return datetime.fromisoformat(file.read_text(encoding="utf-8"))


def set_clock(file: Path, moment: datetime) -> None:
    """Set it; whoever reads meanwhile reads the one or the other."""
    half = file.with_suffix(".new")
    half.write_text(moment.isoformat(), encoding="utf-8")
    half.replace(file)


class FullDisk(sqlite3.Connection):
    """Takes a result at the fourth try only while `is_full`."""

    is_full = False
    refused = 0

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if "INTO results" in sql and FullDisk.is_full:
            FullDisk.refused += 1
            if FullDisk.refused % (_TRIES_ON_A_FULL_DISK + 1):
                raise sqlite3.OperationalError("database or disk is full")
        return super().execute(sql, *values)


def a_result(journey: str, slot: datetime) -> Run:
    """What a slot comes to: every fifth of an hour's fails, and always the same."""
    failed = (slot.minute // 5) % 12 == 4
    return Run(
        id=f"{slot:%Y%m%dT%H%M%S}-{journey}",
        journey=journey,
        location=PLACE,
        slot=slot,
        status=Status.FAILED if failed else Status.PASSED,
        blame=Blame.SITE if failed else None,
        failed_step="choose_city" if failed else None,
        error="choose_city: GET / answered 500" if failed else None,
        started_at=slot,
        finished_at=slot + timedelta(seconds=20),
        duration_ms=5000.0 + slot.minute,
        site="http://127.0.0.1:9",
        browser="stub",
        plan="p1",
    )


def poison(slot: datetime) -> Run:
    """A record that no hub takes: its id would be two parts of an address."""
    good = a_result("ga_purchase", slot)
    return Run(**{**{name: getattr(good, name) for name in Run.__dataclass_fields__}, "id": "poi/soned", "slot": None})


def main() -> None:
    folder, hub_url, clock, until_text, *failing = sys.argv[1:]
    until, file = datetime.fromisoformat(until_text), Path(clock)
    at = dies_at(failing[0], int(failing[1])) if failing else dies_at(None)
    full_at = datetime.fromisoformat(os.environ["FEED_FULL_AT"]) if "FEED_FULL_AT" in os.environ else None
    spool = Spool(Path(folder), at=at, factory=FullDisk)
    with httpx.Client(timeout=30) as client:
        hub = HubClient(hub_url, location=PLACE, client=client)
        sender = Sender(spool, hub, at=at, about=lambda: {"id": "the-one"}, clock=lambda: read_clock(file))
        since = read_clock(file)
        for journey in the_watched().schedules():
            spool.start_from(journey, since)
        if "FEED_POISON" in os.environ:
            spool.keep(poison(since))
        for lost in spool.unfinished():
            raise SystemExit(f"{lost.run_id} was begun and is lost")
        for journey, slot in _slots(spool, until):
            FullDisk.is_full = full_at is not None and full_at <= slot < full_at + timedelta(minutes=15)
            set_clock(file, max(read_clock(file), slot + timedelta(seconds=21)))
            spool.begin(journey, slot, a_result(journey, slot).id, slot)
            spool.keep(a_result(journey, slot))
            sender.send_all()
        sender.send_all()
        print(f"{spool.depth()} {FullDisk.refused} {','.join(run_id for run_id, _ in spool.rejected())}")  # noqa: T201
    spool.close()


def _slots(spool: Spool, until: datetime) -> list[tuple[str, datetime]]:
    """What is due and not handled, of both journeys in the order of time."""
    due = []
    for journey, schedule in the_watched().schedules().items():
        handled = spool.handled(journey)
        assert handled is not None
        due += [(journey, slot) for slot in schedule.grids[PLACE].between(handled, until)]
    return sorted(due, key=lambda one: (one[1], one[0]))


if __name__ == "__main__":
    main()
