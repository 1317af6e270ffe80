"""What a runner's ledger says comes with its batch, and more purchases than planned raise an alert until they are over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from facts import LedgerState, Status, to_wire
from store import ledgers
from store import runs as run_rows
from tests.hub.conftest import Bench


def said(bench: Bench, **facts: Any) -> dict[str, Any]:
    """A batch's word of us-east's ledger."""
    state = LedgerState(**{"at": bench.now, "location": "us-east", "purchases": 16, "scheduled": 16, **facts})
    return {"spool": 0, "ledger": to_wire(state)}


def send(bench: Bench, **facts: Any) -> None:
    bench.send(bench.slot_run(), location="us-east", runner=said(bench, **facts))


def alerts(bench: Bench) -> list[tuple[str, str]]:
    found = bench.client.get("/api/alerts").json()["alerts"]
    return [(alert["key"], alert["state"]) for alert in found if alert["rule"] == "P1"]


def test_an_alert_fires_over_the_number_and_resolves_below_it(bench: Bench) -> None:
    send(bench)
    bench.tick()
    assert alerts(bench) == []
    send(bench, purchases=16, refused=1)
    bench.tick()
    assert alerts(bench) == [("P1/us-east", "firing")]
    bench.now += timedelta(minutes=20)
    bench.tick()
    assert alerts(bench) == [("P1/us-east", "firing")], "silence resolves nothing"
    send(bench)
    bench.tick()
    assert alerts(bench) == [("P1/us-east", "resolved")]


def test_an_alert_about_the_payment_is_closed_where_nothing_is_paid_any_more(bench: Bench) -> None:
    bench.send(*(bench.slot_run(place, status=Status.FAILED) for place in ("us-east", "us-west")))
    bench.tick()
    watched = bench.cycle.watched
    bench.cycle.watched = replace(watched, site=replace(watched.site, payment="stop_before_payment"))
    bench.tick()
    found = {alert["key"]: alert["state"] for alert in bench.client.get("/api/alerts").json()["alerts"]}
    assert (found["A1s/ga_purchase"], found["F0/ga_purchase"]) == ("resolved", "firing")


@pytest.mark.parametrize(
    "runner",
    [None, "busy", {"spool": 3}, {"ledger": "full"}, {"ledger": {"location": "us-east", "at": "yesterday"}}],
)
def test_a_word_that_cannot_be_read_holds_no_run_up(bench: Bench, runner: Any) -> None:
    assert [r["result"] for r in bench.send(bench.slot_run(), location="us-east", runner=runner)] == ["accepted"]
    with bench.store.read() as connection:
        assert ledgers.states(connection) == {}


def test_nobody_speaks_for_another_location(bench: Bench) -> None:
    bench.send(bench.slot_run("us-west"), location="us-west", runner=said(bench))
    with bench.store.read() as connection:
        assert ledgers.states(connection) == {}


def test_an_older_word_changes_nothing_and_a_word_from_the_future_is_of_now(bench: Bench) -> None:
    send(bench, at=bench.now + timedelta(hours=1), purchases=5)
    send(bench, at=bench.now - timedelta(minutes=1), purchases=99)
    with bench.store.read() as connection:
        (state,) = ledgers.states(connection).values()
    assert (state.purchases, state.at) == (5, bench.now)


def test_the_store_keeps_what_a_passed_run_left_out(bench: Bench) -> None:
    run = bench.slot_run()
    bench.send(run)
    with bench.store.read() as connection:
        (outcome,) = run_rows.outcomes(connection, since=bench.now - timedelta(hours=1))
    assert outcome.skipped == ()
