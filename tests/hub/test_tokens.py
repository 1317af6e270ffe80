"""Runners come with the token of their location; it opens that location's doors and no other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from facts import Role, TokenKind, to_wire
from hub.access import Access
from hub.errors import HubError
from hub.rates import Rate
from hub.server_key import ServerKey
from hub.tokens import Tokens, bearer
from store import Store, tokens
from store.tables import tokens as table
from tests.hub.conftest import KEY, Bench, a_bench

PLAN = "/api/plan?location=us-east"


def plan(bench: Bench, headers: dict[str, str], location: str = "us-east") -> int:
    status: int = bench.client.get("/api/plan", params={"location": location}, headers=headers).status_code
    return status


def the_id(headers: dict[str, str]) -> str:
    return headers["Authorization"].split("_")[2]


def revoke(bench: Bench, headers: dict[str, str]) -> bool:
    return Tokens(bench.store, KEY).revoke(the_id(headers), now=bench.now)


def test_a_hub_without_any_token_is_open_and_says_so_on_its_pages(light: Bench) -> None:
    assert plan(light, {}) == 200
    assert "runners need no token" in light.client.get("/alerts").text


def test_from_the_first_token_on_every_runner_needs_one(light: Bench) -> None:
    token = light.token()
    assert plan(light, {}) == 401
    assert plan(light, token) == 200
    run = light.slot_run()
    assert light.client.post("/api/runs", json={"runs": [to_wire(run)]}).status_code == 401
    assert light.client.put(f"/api/evidence/{'a' * 64}").status_code == 401
    assert "runners need no token" not in light.client.get("/alerts").text


def test_revoking_the_last_token_does_not_open_the_doors_again(bench: Bench) -> None:
    token = bench.token()
    assert revoke(bench, token)
    assert plan(bench, {}) == 401
    assert plan(bench, token) == 401


@pytest.mark.parametrize("access", [Access(public=True), Access(require_tokens=True)])
def test_a_hub_that_others_reach_or_that_is_told_to_asks_for_tokens_from_the_beginning(
    sqlite_store: Store, tmp_path: Path, access: Access
) -> None:
    with a_bench(sqlite_store, tmp_path, access=access) as bench:
        answer = bench.client.get(PLAN)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_opens_no_door_of_another_location(light: Bench) -> None:
    token = light.token(subject="us-east")
    assert plan(light, token, "us-west") == 403
    foreign = light.slot_run("us-west")
    whole = light.client.post("/api/runs", json={"location": "us-west", "runs": [to_wire(foreign)]}, headers=token)
    assert whole.status_code == 403
    mixed = [to_wire(foreign), to_wire(light.slot_run("us-east"))]
    results = light.client.post("/api/runs", json={"runs": mixed}, headers=token).json()["results"]
    assert [r["result"] for r in results] == ["rejected", "accepted"]


def test_a_sources_token_sends_no_runs_and_a_locations_token_no_events(light: Bench) -> None:
    source, location = light.token(TokenKind.SOURCE, "website"), light.token()
    assert plan(light, source) == 403
    assert light.client.post("/api/events", json=[], headers=location).status_code == 403


def test_a_token_reads_nothing_that_people_read(light: Bench) -> None:
    token = light.token()
    light.user(Role.VIEWER)
    for path in ("/api/runs", "/api/alerts", "/api/sla"):
        assert light.client.get(path, headers=token).status_code == 401


def altered(token: dict[str, str]) -> dict[str, dict[str, str]]:
    text = token["Authorization"].removeprefix("Bearer ")
    last = "0" if text[-1] != "0" else "1"
    return {
        "another secret": {"Authorization": f"Bearer {text[:-1]}{last}"},
        "another location": {"Authorization": f"Bearer {text.replace('us-east', 'us-west')}"},
        "another id": {"Authorization": f"Bearer {text.replace(the_id(token), '0' * 8)}"},
        "more behind it": {"Authorization": f"Bearer {text}0"},
        "another scheme": {"Authorization": f"Basic {text}"},
        "no form at all": {"Authorization": "Bearer \xe9"},
        "nothing": {"Authorization": "Bearer "},
    }


def test_whatever_is_wrong_with_a_token_it_is_refused(light: Bench) -> None:
    for what, headers in altered(light.token()).items():
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = light.client.get(PLAN, headers=encoded)
        assert answer.status_code == 401, what


def test_of_a_token_only_a_mac_is_kept(light: Bench) -> None:
    secret = light.token()["Authorization"].rpartition("_")[2]
    with light.store.read() as connection:
        (row,) = connection.execute(select(table)).all()
    assert secret not in str(row)
    assert row.mac != secret


def test_a_third_token_is_refused_until_one_of_the_two_is_revoked(bench: Bench) -> None:
    first, second = bench.token(), bench.token()
    assert plan(bench, first) == plan(bench, second) == 200
    with pytest.raises(HubError, match=rf"{the_id(first)}.*sixfb token revoke") as refused:
        bench.token()
    assert refused.value.status == 409
    bench.token(subject="us-west")
    bench.token(TokenKind.SOURCE, "us-east")
    assert revoke(bench, first)
    assert not revoke(bench, first)
    third = bench.token()
    assert [plan(bench, one) for one in (first, second, third)] == [401, 200, 200]


def test_the_use_of_a_token_is_remembered_to_ten_minutes(bench: Bench) -> None:
    token, began = bench.token(), bench.now

    def used() -> object:
        with bench.store.read() as connection:
            found = tokens.find(connection, the_id(token))
        return found and found.token.last_used_at

    assert used() is None
    for minutes, remembered in ((0, 0), (9, 0), (11, 11)):
        bench.now = began + timedelta(minutes=minutes)
        plan(bench, token)
        assert used() == began + timedelta(minutes=remembered)


def test_tokens_of_another_server_key_are_refused_and_every_page_says_so(light: Bench) -> None:
    other = Tokens(light.store, ServerKey(b"another key"))
    token, text = other.issue(TokenKind.LOCATION, "us-east", now=light.now)
    assert plan(light, {"Authorization": f"Bearer {text}"}) == 401
    page = light.client.get("/alerts").text
    assert "made with another server key" in page
    assert token.id in page


def test_who_asks_too_fast_is_told_when_to_come_back(sqlite_store: Store, tmp_path: Path) -> None:
    with a_bench(sqlite_store, tmp_path, rate=Rate(per_second=0.5, burst=2)) as bench:
        token, other = bench.token(), bench.token(subject="us-west")
        assert [plan(bench, token) for _ in range(3)] == [200, 200, 429]
        assert plan(bench, other, "us-west") == 200
        refused = bench.client.get(PLAN, headers=token)
        assert refused.headers["Retry-After"] == "2"
        bench.now += timedelta(seconds=2)
        assert plan(bench, token) == 200


def test_a_name_that_would_make_a_token_unreadable_gets_none(light: Bench) -> None:
    with pytest.raises(HubError, match="hyphens"):
        light.token(TokenKind.SOURCE, "the_shop")


@pytest.mark.parametrize(
    ("header", "found"),
    [("Bearer x", "x"), ("bearer  x ", "x"), ("Basic x", None), ("Bearer", None), ("", None), (None, None)],
)
def test_only_what_stands_behind_bearer_is_a_token(header: str | None, found: str | None) -> None:
    assert bearer(header) == found
