"""The verdicts that pages share: those of the last tick, decoded once for each tick."""

from __future__ import annotations

from datetime import timedelta

from facts import Verdict, VerdictStatus, to_wire
from hub.cycle import VERDICTS
from hub.kept_verdicts import KeptVerdicts
from store import Store, meta
from tests.builders import A_MOMENT

MET = Verdict(rule="F0", verdict=VerdictStatus.MET, summary="3 of 3", journey="ga_purchase")


def tell(store: Store, minutes: int, *verdicts: Verdict) -> None:
    with store.write() as connection:
        at = to_wire(A_MOMENT + timedelta(minutes=minutes))
        meta.put(connection, VERDICTS, {"at": at, "verdicts": to_wire(list(verdicts))})


def test_verdicts_are_those_of_the_last_tick_and_decoded_once(store: Store) -> None:
    kept = KeptVerdicts()
    with store.read() as connection:
        assert kept.read(connection) == (None, ())
    tell(store, 0, MET)
    with store.read() as connection:
        first, again = kept.read(connection), kept.read(connection)
    assert first == (A_MOMENT, (MET,))
    assert again is first
    tell(store, 1)
    with store.read() as connection:
        assert kept.read(connection) == (A_MOMENT + timedelta(minutes=1), ())
