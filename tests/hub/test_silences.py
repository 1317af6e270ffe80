"""Silences at the hub: made and ended by programs, by the page and by the cycle's clock, and shown with who and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from facts import NotificationState, Role, Silence, Status
from store import Store, outbox
from store import silences as rows
from tests.builders import A_MOMENT
from tests.hub.conftest import Bench, csrf_of

ASKED: dict[str, Any] = {"match": {"rule": "F0"}, "for": "2h", "reason": "deploy"}


def outage(bench: Bench) -> None:
    """Two locations fail; the cycle looks."""
    for place in ("us-east", "us-west"):
        bench.send(bench.slot_run(place, status=Status.FAILED, failed_step="choose_city", error="no city"))
    bench.tick()


def told(bench: Bench) -> list[str]:
    with bench.store.read() as connection:
        found = outbox.of_threads(connection, [f"inc-{n}" for n in range(1, 9)])
    return [n.kind.value for n in found if n.state is NotificationState.OWED]


def test_a_silence_outlives_the_process_and_its_end_is_kept_with_who_ended_it(store: Store) -> None:
    one = Silence(
        id="silence-1",
        starts_at=A_MOMENT,
        ends_at=A_MOMENT + timedelta(hours=2),
        created_at=A_MOMENT,
        by="ann",
        reason="deploy \N{EURO SIGN}",
        match={"rule": ("F0", "A1s")},
    )
    with store.write() as connection:
        rows.save(connection, one)
    with store.read() as connection:
        assert rows.get(connection, "silence-1") == one
        assert rows.active(connection, A_MOMENT) == [one]
        assert rows.active(connection, one.ends_at) == rows.active(connection, A_MOMENT - timedelta(seconds=1)) == []
    later = A_MOMENT + timedelta(hours=1)
    with store.write() as connection:
        ended = rows.end(connection, "silence-1", by="bob", at=later)
        again = rows.end(connection, "silence-1", by="eve", at=later + timedelta(hours=1))
        assert rows.end(connection, "silence-2", by="eve", at=later) is None
    assert ended is not None
    assert (ended, ended.ends_at, ended.ended_by) == (again, later, "bob")
    with store.read() as connection:
        assert rows.active(connection, later) == []
        assert rows.listed(connection, since=A_MOMENT) == [ended]


def test_what_is_silenced_is_told_when_the_silence_is_ended(light: Bench) -> None:
    made = light.client.post("/api/silences", json=ASKED)
    assert made.status_code == 200, made.text
    silence = made.json()
    assert (silence["now"], silence["match"], silence["reason"]) == ("active", {"rule": ["F0"]}, "deploy")
    outage(light)
    firing = [a for a in light.client.get("/api/alerts").json()["alerts"] if a["state"] == "firing"]
    assert "F0" in {alert["rule"] for alert in firing}
    assert told(light) == []
    ended = light.client.delete(f"/api/silences/{silence['id']}").json()
    assert ended["now"] == "ended"
    light.tick()
    assert told(light) == ["firing"]
    (shown,) = light.client.get("/api/silences").json()["silences"]
    assert shown["id"] == silence["id"]
    light.now += timedelta(days=8)
    assert light.client.get("/api/silences").json()["silences"] == []


def test_a_preview_lists_what_would_have_been_silenced(light: Bench) -> None:
    outage(light)
    found = light.client.get("/api/silences/preview", params={"rule": "F*"}).json()
    assert [alert["rule"] for alert in found["alerts"]] == ["F0"]
    assert found["critical"] == 1
    assert light.client.get("/api/silences/preview", params={"rule": "A2"}).json()["alerts"] == []
    light.now += timedelta(days=9)
    assert light.client.get("/api/silences/preview").status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"not json", 400, "JSON"),
        (b"[]", 422, "send an object, like"),
        (b'{"match": {"rule": "F0"}, "for": "2h"}', 422, "reason: say why"),
        (b'{"match": {"colour": "F0"}, "for": "2h", "reason": "x"}', 422, "match.colour: is no key"),
        (b'{"reason": "' + b"x" * 40_000 + b'"}', 413, "bytes"),
    ],
)
def test_a_wrong_request_gets_a_sentence_and_nothing_is_silenced(
    light: Bench, body: bytes, status: int, says: str
) -> None:
    answer = light.client.post("/api/silences", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, says in answer.text) == (status, True), answer.text
    assert light.client.get("/api/silences").json()["silences"] == []
    assert light.client.delete("/api/silences/none").status_code == 404


def test_the_page_silences_and_ends_by_forms(light: Bench) -> None:
    name = light.log_in(Role.OPERATOR)
    outage(light)
    page = light.client.get("/alerts").text
    assert "Nothing is silenced." in page
    form = {"csrf": csrf_of(page), "rule": "F0, A1s", "for": "2h", "reason": "<b>deploy</b>"}
    answer = light.client.post("/api/silences", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/alerts#silences")
    page = light.client.get("/alerts").text
    assert "rule F0 or A1s" in page
    assert "&lt;b&gt;deploy&lt;/b&gt;" in page
    assert "holds back 1 firing alert" in page
    assert f"silenced by {name} until" in page
    (silence,) = light.client.get("/api/silences").json()["silences"]
    answer = light.client.post(f"/api/silences/{silence['id']}/end", data={"csrf": csrf_of(page)})
    assert answer.status_code == 303
    assert f"ended by {name}" in light.client.get("/alerts").text
    assert light.client.post("/api/silences", data={**form, "csrf": "another page's"}).status_code == 403


def test_a_viewer_sees_silences_and_makes_none(light: Bench) -> None:
    light.client.post("/api/silences", json=ASKED)
    light.log_in(Role.VIEWER)
    page = light.client.get("/alerts").text
    assert "rule F0" in page
    assert "New silence" not in page
    assert light.client.post("/api/silences", json=ASKED).status_code == 403
