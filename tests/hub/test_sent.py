"""A batch that a runner sent is read the quick way, and comes to the very same as the patient one would make of it."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from facts import Run, Status, from_wire, outcome_of, to_wire
from hub.records import LARGEST_RUN, sanitized
from hub.sent import read_batch, read_run
from store.rows import Arrival, row_of
from tests.builders import a_run

NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)
EMPTY = a_run(id="empty", status=Status.MISSED, attempts=(), steps=(), vitals=())
ADHOC = a_run(id="adhoc", slot=None, error="the page said 'prices in \N{EURO SIGN}' \U0001f600 and C:\\u00", plan="")


def wire(run: Run | None = None, **changes: Any) -> dict[str, Any]:
    told = json.loads(json.dumps(to_wire(run or a_run())))
    return {**told, **changes}


def in_attempt(**changes: Any) -> dict[str, Any]:
    told = wire()
    return {**told, "attempts": [{**told["attempts"][0], **changes}]}


def in_first(kind: str, **changes: Any) -> dict[str, Any]:
    told = wire()
    told["attempts"][0][kind][0] |= changes
    return told


def without(*names: str) -> dict[str, Any]:
    return {key: value for key, value in wire().items() if key not in names}


def deep(levels: int) -> Any:
    nested: Any = []
    for _ in range(levels):
        nested = [nested]
    return nested


def text(told: Any, **how: Any) -> bytes:
    return json.dumps(told, separators=(",", ":"), **how).encode()


QUICK: dict[str, bytes] = {
    "a run": text(wire()),
    "one without attempts": text(wire(EMPTY)),
    "an ad-hoc run with odd characters": text(wire(ADHOC)),
    "the same in UTF-8": text(wire(ADHOC), ensure_ascii=False),
    "with spaces": json.dumps(wire(), indent=1).encode(),
    "without what has a default": text(without("notes", "cut", "version", "slow", "steps", "evidence")),
    "whole numbers for milliseconds": text(in_attempt(duration_ms=6000)),
    "a large number": text(in_first("requests", body_bytes=10**30)),
    "an exponent": text(wire()).replace(b'"slow_after_ms":30000.0', b'"slow_after_ms":3E4'),
    "a time of another zone": text(wire(started_at="2026-11-23T18:20:00.123456+02:00")),
    "a time of many digits": text(wire(started_at="2026-11-23T16:20:00.123456789Z")),
    "a key told twice": text(wire())[:-1] + b',"plan":"second"}',
    "an empty id": text(wire(id="")),
    "near the limit": text(wire(error="e" * 90_000)),
}
PATIENT: dict[str, bytes] = {
    "an unknown key": text(wire(colour="blue")),
    "an unknown key further in": text(in_first("requests", colour="blue")),
    "nested deeply": text(wire(colour=deep(40))),
    "NUL": text(wire(error="a\0b")),
    "half a pair": text(wire(error="a\ud800b")),
    "NaN": text(wire(duration_ms=float("nan"))),
    "out of range": text(wire()).replace(b'"duration_ms":', b'"duration_ms":1e999,"duration_ms":', 1),
    "more than a float": text(wire(duration_ms=10**400)),
    "a newer version": text(wire(version=2)),
    "a word for a number": text(wire(duration_ms="6")),
    "yes for a number": text(wire(duration_ms=True)),
    "yes for a whole number": text(in_first("requests", status=True)),
    "a number for yes": text(wire(slow=1)),
    "a decimal for a whole number": text(in_first("requests", status=200.0)),
    "null for a list": text(wire(steps=None)),
    "an unknown word": text(wire(status="fine")),
    "no time": text(wire(started_at="yesterday")),
    "no zone": text(wire(started_at="2026-11-23T16:20:00")),
    "before the calendar": text(wire(slot="0001-01-01T00:00:00+10:00")),
    "phases that are none": text(in_first("vitals", phases={"ttfb": "slow"})),
    "missing": text(without("journey")),
    "a list": b"[]",
    "too large": text(wire(error="e" * LARGEST_RUN)),
    "too large when written out": text(wire(error="\N{SNOWMAN}" * 30_000), ensure_ascii=False),
    "numbers that are too large when written out": text(
        wire(cut={}) | {"attempts": [{**wire()["attempts"][0], "left_out": {}}]}
    ).replace(b'"phases":{', b'"phases":{' + b",".join(b'"%d":1e15' % n for n in range(9000)) + b",", 1),
}


@pytest.mark.parametrize("record", QUICK.values(), ids=QUICK.keys())
def test_what_a_runner_sends_is_read_the_quick_way_to_the_same_values(record: bytes) -> None:
    sent = read_run(record)
    assert sent is not None
    patient = from_wire(Run, sanitized(json.loads(record)))
    assert as_noun(Run, sent.run) == patient
    assert from_wire(Run, json.loads(sent.text)) == patient


@pytest.mark.parametrize("record", QUICK.values(), ids=QUICK.keys())
def test_what_is_kept_of_it_is_the_same(record: bytes) -> None:
    sent = read_run(record)
    assert sent is not None
    patient = from_wire(Run, sanitized(json.loads(record)))
    quick_row = row_of(Arrival(sent.run, True, sent.text), received_at=NOW)
    row = row_of(Arrival(patient, True), received_at=NOW)
    assert quick_row.outcome == row.outcome
    assert quick_row.details == row.details
    assert to_wire(from_wire(Run, json.loads(quick_row.record))) == json.loads(row.record)
    assert [v for v in quick_row.values() if v != sent.text] == [v for v in row.values() if v != row.record]


@pytest.mark.parametrize("record", PATIENT.values(), ids=PATIENT.keys())
def test_what_is_odd_is_left_to_the_patient_reader(record: bytes) -> None:
    assert read_run(record) is None


def nouns_of(noun: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The noun and those in its fields, each with the names of the fields that lead to it."""
    yield path, noun
    hints = typing.get_type_hints(noun)
    for field in dataclasses.fields(noun):
        inner = (typing.get_args(hints[field.name]) or (None,))[0]
        if dataclasses.is_dataclass(inner):
            yield from nouns_of(inner, (*path, field.name))


MILLISECONDS = [
    (path, field.name)
    for path, noun in nouns_of(Run)
    for field in dataclasses.fields(noun)
    if field.name.endswith("_ms")
]


@pytest.mark.parametrize(("path", "name"), MILLISECONDS, ids=[".".join((*path, name)) for path, name in MILLISECONDS])
@pytest.mark.parametrize(("value", "quick"), [(12.3, True), (12.34, False), (12.300000000000002, False), (1e-7, False)])
def test_milliseconds_with_a_second_decimal_are_left_to_be_rounded(
    path: tuple[str, ...], name: str, value: float, quick: bool
) -> None:
    told = wire()
    inner = told
    for place in path:
        inner = inner[place][0]
    inner[name] = value
    assert (read_run(text(told)) is not None) is quick


def test_every_tenth_of_a_millisecond_is_taken_for_one() -> None:
    told = text(wire(EMPTY, duration_ms=-1))
    odd = [n for n in range(0, 1_000_000, 7) if not read_run(told.replace(b":-1,", b":%d.%d," % divmod(n, 10)))]
    assert odd == []


def test_what_the_first_attempt_did_is_kept_as_an_outcome_tells_it() -> None:
    run = a_run()
    details = json.loads(row_of(Arrival(run), received_at=NOW).details)
    outcome = outcome_of(run, received_at=NOW)
    assert details == {name: to_wire(getattr(outcome, name)) for name in ("steps", "requests", "vitals", "skipped")}


def test_milliseconds_of_a_noun_are_rounded_where_they_are_kept() -> None:
    run = a_run()
    attempt = run.attempts[0]
    odd = replace(run, attempts=(replace(attempt, requests=(replace(attempt.requests[0], duration_ms=1.26),)),))
    row = row_of(Arrival(odd), received_at=NOW)
    assert json.loads(row.details)["requests"][0]["duration_ms"] == 1.3
    assert json.loads(row.record)["attempts"][0]["requests"][0]["duration_ms"] == 1.3


BATCHES = {
    "a list": (b'[{"id":1}]', False),
    "an unknown key": (b'{"runs":[],"colour":1}', False),
    "a newer version": (b'{"runs":[],"version":2}', False),
    "a place that is none": (b'{"runs":[],"location":7}', False),
    "no UTF-8": (b'{"runs":["\xff"]}', False),
    "half a pair in UTF-8": (b'{"runs":["\xed\xa0\x80"]}', False),
    "cut short": (b'{"runs":[', False),
    "nested deeply": (b"[" * 100_000, False),
    "a runner's": (b'{"version": 1, "location": "eu", "runner": {"spool": 0},"runs":[{"id":"a"},7]}', True),
}


@pytest.mark.parametrize(("body", "quick"), BATCHES.values(), ids=BATCHES.keys())
def test_an_envelope_is_read_the_quick_way_only_where_a_runner_made_it(body: bytes, quick: bool) -> None:
    read = read_batch(body)
    assert (read is not None) is quick
    if read:
        assert (read.location, json.loads(read.runner), read.records) == ("eu", {"spool": 0}, [b'{"id":"a"}', b"7"])


def as_noun(kind: Any, value: Any) -> Any:
    """What the quick way read, as the noun that it stands for; nothing is made of a value."""
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return typing.cast(Any, kind)(
            **{f.name: as_noun(hints[f.name], getattr(value, f.name)) for f in dataclasses.fields(kind)}
        )
    if typing.get_origin(kind) is tuple:
        assert type(value) is tuple
        return tuple(as_noun(typing.get_args(kind)[0], item) for item in value)
    return value
