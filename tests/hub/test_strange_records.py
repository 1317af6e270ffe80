"""Whatever a record holds, its batch is answered: taken as far as it makes sense, rejected with the reason, never a 500."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from facts import Status, to_wire
from store import runners, runs
from store.tables import duplicates
from tests.builders import a_run
from tests.hub.conftest import Bench


def deep(levels: int) -> Any:
    nested: Any = []
    for _ in range(levels):
        nested = [nested]
    return nested


REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "not a number": ({"duration_ms": float("nan")}, "duration_ms: not a finite number"),
    "infinite": ({"duration_ms": float("inf")}, "duration_ms: not a finite number"),
    "too large for a float": ({"duration_ms": 10**400}, "duration_ms: not a finite number"),
    "infinite where anything may stand": ({"cut": {"requests": float("-inf")}}, "cut.requests: not a finite number"),
    "a negative duration": ({"duration_ms": -1}, "between 0 and a day"),
    "nested deeply": ({"unknown": deep(40)}, "nested deeper than 32 levels"),
    "before the calendar": ({"started_at": "0001-01-01T00:00:00+10:00"}, "before the first year"),
    "after the calendar": ({"finished_at": "9999-12-31T23:59:59-10:00"}, "after the last"),
    "a slot of long ago": ({"slot": "1970-01-01T00:00:00Z"}, "is before 2020"),
    "no zone": ({"started_at": "2026-01-01T00:00:00"}, "has no zone"),
    "no time": ({"started_at": "yesterday"}, "not an ISO 8601 time"),
    "a long journey": ({"journey": "j" * 101}, "journey: 1 to 100 characters"),
    "no journey": ({"journey": ""}, "journey: 1 to 100 characters"),
    "a long step": ({"failed_step": "s" * 101}, "failed_step: 1 to 100 characters"),
    "an odd id": ({"id": "run\ud800"}, "id: 1 to 200"),
    "an id of another line": ({"id": "run\n"}, "id: 1 to 200"),
    "a list for an object": ({"attempts": {}}, "attempts: expected list"),
    "a list for a word": ({"status": []}, "status"),
}


def test_records_that_nobody_can_keep_are_rejected_with_the_reason_and_the_next_is_taken(bench: Bench) -> None:
    good = to_wire(bench.slot_run())
    bad = [{**good, "id": "bad", **facts} for facts, _ in REJECTED.values()]
    answer = bench.client.post("/api/runs", content=json.dumps({"runs": [*bad, good]}))
    assert answer.status_code == 200, answer.text
    *results, last = answer.json()["results"]
    assert last["result"] == "accepted"
    for (name, (_, says)), result in zip(REJECTED.items(), results, strict=True):
        assert result["result"] == "rejected", name
        assert says in result["reason"], name


def test_what_is_no_record_at_all_is_rejected_and_the_next_is_taken(bench: Bench) -> None:
    good = to_wire(bench.slot_run())
    answer = bench.client.post("/api/runs", json={"runs": [7, None, True, "run", [], good]})
    assert answer.status_code == 200, answer.text
    *results, last = answer.json()["results"]
    assert last["result"] == "accepted"
    assert [(one["id"], one["result"]) for one in results] == [(f"runs[{n}]", "rejected") for n in range(5)]
    assert all("expected an object" in one["reason"] for one in results)


BODIES = [
    (b"[" * 100_000, "nested too deeply"),
    (b"\xff\xfe[\x00]\x00", "not JSON in UTF-8"),
    ('{"runs": []}'.encode("utf-16"), "not JSON in UTF-8"),
    (b'{"runs": ["\xed\xa0\x80"]}', "not JSON in UTF-8"),
    (b'{"runs": [' + b"9" * 5000 + b"]}", "not JSON in UTF-8"),
    (b"", "not JSON in UTF-8"),
]


def test_a_body_that_is_no_json_is_refused_whole(light: Bench) -> None:
    for body, says in BODIES:
        answer = light.client.post("/api/runs", content=body)
        assert answer.status_code == 400, body[:20]
        assert says in answer.json()["error"]


def test_a_compressed_body_is_refused_with_what_to_do(light: Bench) -> None:
    answer = light.client.post("/api/runs", content=b"x", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_a_pages_odd_characters_do_not_cost_its_run(bench: Bench) -> None:
    run = bench.slot_run(status=Status.FAILED, error="the page said \0 and \ud83d alone", failed_step="choose_city")
    body = json.dumps({"runs": [{**to_wire(run), "new_key": {"of\0a": "later version"}}]})
    assert bench.client.post("/api/runs", content=body).json()["results"][0]["result"] == "accepted"
    assert bench.client.get(f"/api/runs/{run.id}").json()["error"] == "the page said \ufffd and \ufffd alone"
    assert bench.client.get(f"/runs/{run.id}").status_code == 200


ABOUT: dict[str, tuple[bytes, str | None]] = {
    "plain": (b'"trouble":"no disk"', "no disk"),
    "beyond ASCII": ('"trouble":"\N{SNOWMAN}\x7f"'.encode(), "\N{SNOWMAN}\x7f"),
    "an escape": (rb'"trouble":"\u2603 \"\u0000\ud83d"', '\N{SNOWMAN} "\ufffd\ufffd'),
    "a key of later": (b'"trouble":"no disk","colour":{"of":[1e3,null]}', "no disk"),
    "twice the same key": (b'"trouble":"first","trouble":"no disk"', "no disk"),
    "many digits": (b'"trouble":"no disk","spool":' + b"9" * 400, "no disk"),
    "no number": (b'"trouble":"no disk","colour":NaN', None),
    "no finite one": (b'"trouble":"no disk","colour":1e999', None),
    "far too much": (b'"trouble":"no disk","colour":"' + b"x" * 200_000 + b'"', None),
    "of another kind": (b'"trouble":7', None),
}


@pytest.mark.parametrize(("said", "trouble"), ABOUT.values(), ids=ABOUT.keys())
def test_what_a_runner_says_of_itself_is_kept_where_it_can_be_and_costs_no_run(
    light: Bench, said: bytes, trouble: str | None
) -> None:
    place, run = b"us-east", json.dumps(to_wire(light.slot_run(location="us-east"))).encode()
    body = b'{"location":"%s","runs":[%s],"runner":{"id":"r1",%s}}' % (place, run, said)
    (result,) = light.client.post("/api/runs", content=body).json()["results"]
    assert result["result"] == "accepted"
    with light.store.read() as connection:
        heard = runners.heard(connection, since=light.now - timedelta(hours=1))
    assert [state.trouble for state in heard] == ([] if trouble is None else [trouble])


def test_a_record_is_measured_as_the_runner_measures_it(light: Bench) -> None:
    run = light.slot_run(error="\N{SNOWMAN}" * 30_000)
    assert len(json.dumps(to_wire(run))) > 128 * 1024 > len(json.dumps(to_wire(run), ensure_ascii=False).encode())
    assert light.send(run)[0]["result"] == "rejected"


def test_the_reason_of_a_rejection_is_short(light: Bench) -> None:
    (result,) = light.client.post("/api/runs", json={"runs": [{"id": "x" * 9000, "status": "y" * 9000}]}).json()[
        "results"
    ]
    assert len(result["id"]) <= 200
    assert len(result["reason"]) <= 500


def test_a_measured_run_takes_the_place_of_a_missed_one_and_never_the_reverse(bench: Bench) -> None:
    measured = bench.slot_run()
    missed = replace(measured, id="missed", status=Status.MISSED, error="no word")
    assert bench.send(missed)[0]["result"] == "accepted"
    assert bench.send(measured)[0]["result"] == "accepted"
    assert bench.send(replace(missed, id="missed-again"))[0]["result"] == "duplicate"
    listed = bench.client.get("/api/runs").json()["runs"]
    assert [(r["run_id"], r["status"]) for r in listed] == [(measured.id, "passed")]


def test_of_two_measured_runs_of_a_slot_the_first_holds_and_the_later_is_kept(bench: Bench) -> None:
    first = bench.slot_run()
    later = replace(first, id="later", status=Status.FAILED)
    assert [r["result"] for r in bench.send(first, later)] == ["accepted", "duplicate"]
    assert bench.client.get("/api/runs").json()["runs"][0]["run_id"] == first.id
    with bench.store.read() as connection:
        assert [row.id for row in connection.execute(duplicates.select())] == ["later"]


def test_an_id_that_another_slot_has_already_cannot_take_a_missed_slots_place(bench: Bench) -> None:
    taken = bench.slot_run(minutes_ago=3)
    missed = bench.slot_run(minutes_ago=1, status=Status.MISSED, id="missed")
    impostor = replace(missed, id=taken.id, status=Status.PASSED)
    assert [r["result"] for r in bench.send(taken, missed, impostor)] == ["accepted", "accepted", "duplicate"]
    with bench.store.read() as connection:
        assert runs.count(connection) == 2


def test_an_ad_hoc_run_of_a_long_location_is_rejected(light: Bench) -> None:
    run = a_run(id="adhoc", slot=None, location="l" * 65, started_at=light.now, finished_at=light.now)
    assert "location: 1 to 64" in light.send(run)[0]["reason"]


def test_no_name_holds_a_nul(bench: Bench) -> None:
    for path in ("/api/runs/%00", "/api/runs?journey=%00", "/runs/%00", "/evidence/%00", "/api/alerts/%00"):
        assert bench.client.get(path).status_code == 400, path


def test_a_time_without_a_zone_is_refused_where_runs_are_listed(light: Bench) -> None:
    answer = light.client.get("/api/runs", params={"from": "2026-01-01T00:00:00"})
    assert answer.status_code == 422
    assert "from: " in answer.json()["error"]
