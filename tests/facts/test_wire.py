"""What goes over the wire comes back the same, and what is not a run is refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from facts import Run, WireError, from_wire, to_wire
from tests.builders import a_run


def wire(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(to_wire(a_run()))), **changes}


def test_a_run_survives_the_wire() -> None:
    assert to_wire(from_wire(Run, wire())) == wire()


def test_times_are_utc_with_a_z() -> None:
    assert wire()["started_at"].endswith("Z")


def test_a_key_of_a_later_version_is_ignored() -> None:
    assert from_wire(Run, wire(colour="blue")).id == wire()["id"]


def test_a_key_that_an_older_version_did_not_send_has_its_default() -> None:
    older = wire()
    del older["notes"]
    assert from_wire(Run, older).notes == ()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": "fine"}, "status: 'fine' is none of passed, failed"),
        ({"started_at": "yesterday"}, "started_at: 'yesterday' is not an ISO 8601 time"),
        ({"started_at": "2026-11-23T10:00:00"}, "has no zone"),
        ({"duration_ms": "long"}, "duration_ms: expected a number, got str"),
        ({"steps": [{"name": 7}]}, "steps[0].name: expected str, got int"),
        ({"steps": "none"}, "steps: expected list, got str"),
        ({"slow": 1}, "slow: expected bool, got int"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WireError) as refused:
        from_wire(Run, wire(**changes))
    assert sentence in str(refused.value)


def test_a_missing_key_is_named() -> None:
    without = wire()
    del without["journey"]
    with pytest.raises(WireError, match="journey: missing"):
        from_wire(Run, without)


def test_something_else_than_an_object_is_refused() -> None:
    with pytest.raises(WireError, match="expected an object, got list"):
        from_wire(Run, [])


def test_phases_that_are_no_numbers_are_refused_with_their_path() -> None:
    data = to_wire(a_run())
    data["vitals"][0]["phases"] = {"ttfb": "slow"}
    with pytest.raises(WireError, match=r"vitals\[0\]\.phases\.ttfb: expected a number"):
        from_wire(Run, data)


def test_a_record_of_an_older_runner_is_read_without_phases_and_bytes() -> None:
    data = to_wire(a_run())
    new = {"vitals": ("url", "event", "phases", "estimated"), "requests": ("phases", "transferred_bytes", "body_bytes")}
    attempt = data["attempts"][0]
    for kind, names in new.items():
        for noun in attempt[kind]:
            for name in names:
                del noun[name]
    read = from_wire(Run, data).attempts[0]
    assert {tuple(v.phases) for v in read.vitals} == {()}
    assert {r.transferred_bytes for r in read.requests} == {None}
