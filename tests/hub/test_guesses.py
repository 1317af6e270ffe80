"""Who guesses passwords waits, and keeps nobody out: neither the owner's browser, nor for long the owner at another one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from sqlalchemy import func, select

from facts import Role
from hub.access import Access
from hub.devices import LASTS, Devices, cookie_name
from hub.errors import HubError, TooManyError
from hub.guesses import Guesses, GuessLimit, Limit, limits
from hub.logins import Logins
from hub.server_key import ServerKey
from store import Store, users
from store.tables import login_failures
from tests.builders import A_MOMENT
from tests.hub.conftest import CHEAP, KEY, PASSWORD, Bench, a_bench

A_LIMIT = [Limit("ann", GuessLimit(free=2, longest_s=8))]


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_each_guess_beyond_the_free_ones_doubles_the_wait_up_to_a_limit(store: Store) -> None:
    guesses, now, waits = Guesses(store), A_MOMENT, []
    for _ in range(8):
        wait_s = guesses.count(A_LIMIT, now=now)
        if wait_s:
            now += at(wait_s)
            assert guesses.count(A_LIMIT, now=now) == 0
        waits.append(wait_s)
    assert waits == [0, 0, 1, 2, 4, 8, 8, 8]


def test_guesses_made_all_at_once_count_before_the_first_is_checked(store: Store) -> None:
    two_hubs = [Guesses(store), Guesses(store)]
    with ThreadPoolExecutor(4) as crowd:
        waits = list(crowd.map(lambda n: two_hubs[n % 2].count(A_LIMIT, now=A_MOMENT), range(8)))
    assert sum(wait == 0 for wait in waits) == 2


def test_an_hour_without_a_guess_forgives_all(sqlite_store: Store) -> None:
    guesses = Guesses(sqlite_store)
    assert [guesses.count(A_LIMIT, now=A_MOMENT) for _ in range(3)] == [0, 0, 1]
    assert guesses.count(A_LIMIT, now=A_MOMENT + at(3601)) == 0


def test_a_clock_that_was_set_back_makes_nobody_wait_for_longer(sqlite_store: Store) -> None:
    guesses = Guesses(sqlite_store)
    for _ in range(2):
        guesses.count(A_LIMIT, now=A_MOMENT + timedelta(days=300))
    assert guesses.count(A_LIMIT, now=A_MOMENT) == 1


def test_a_right_guess_is_taken_back_and_forgives_no_other(sqlite_store: Store) -> None:
    guesses = Guesses(sqlite_store)
    guesses.count(A_LIMIT, now=A_MOMENT)
    guesses.count(A_LIMIT, now=A_MOMENT)
    guesses.take_back(A_LIMIT)
    assert [guesses.count(A_LIMIT, now=A_MOMENT) for _ in range(2)] == [0, 1]


def test_the_table_stays_small_and_a_flood_does_not_wash_out_who_is_under_attack(store: Store) -> None:
    guesses = Guesses(store, most=20)
    attacked = limits("ann", network="203.0.113.1", device=None)[-1:]
    for _ in range(9):
        guesses.count(attacked, now=A_MOMENT)
    for n in range(60):
        guesses.count(limits(f"name-{n}", network=f"198.51.100.{n}", device=None), now=A_MOMENT + at(1))
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(login_failures)).scalar_one() <= 23
    assert [guesses.count(attacked, now=A_MOMENT + at(1)) for _ in range(2)] == [0, 1]


def test_the_table_holds_no_name_that_was_typed(light: Bench) -> None:
    light.user()
    light.try_login("my secret typed into the wrong field", "guess")
    with light.store.read() as connection:
        rows = connection.execute(select(login_failures)).all()
    assert len(rows) == 3
    assert "secret" not in str(rows)


@pytest.fixture
def reached(sqlite_store: Store, tmp_path: Path) -> Iterator[Bench]:
    """A hub behind a proxy that is believed, so that each request can come from a network of its own."""
    with a_bench(sqlite_store, tmp_path, access=Access(proxies=(ip_network("127.0.0.1"),))) as bench:
        bench.user(Role.OPERATOR)
        yield bench


def login_from(bench: Bench, network: str, password: str = PASSWORD, name: str = "operator") -> int:
    bench.client.headers["X-Forwarded-For"] = network
    status: int = bench.try_login(name, password).status_code
    return status


def guess_from(bench: Bench, network: str, times: int = 1) -> list[int]:
    """Guess with a browser that nobody knows."""
    mine = list(bench.client.cookies.jar)
    bench.client.cookies.clear()
    said = [login_from(bench, network, f"guess {n}") for n in range(times)]
    bench.client.cookies.clear()
    for cookie in mine:
        bench.client.cookies.jar.set_cookie(cookie)
    return said


def test_one_network_that_guesses_at_a_name_does_not_keep_its_owner_out(reached: Bench) -> None:
    assert guess_from(reached, "203.0.113.1", 8) == [401] * 5 + [429] * 3
    assert login_from(reached, "198.51.100.9") == 303


def test_whoever_changes_networks_is_held_up_by_the_name(reached: Bench) -> None:
    said = [guess_from(reached, f"203.0.113.{n}")[0] for n in range(14)]
    assert said == [401] * 10 + [429] * 4
    for _ in range(10):
        reached.now += timedelta(seconds=60)
        said += [guess_from(reached, f"198.51.100.{n}")[0] for n in range(3)]
    assert said[14:].count(401) == 10


def test_many_addresses_of_one_ipv6_network_are_one(reached: Bench) -> None:
    said = [guess_from(reached, f"2001:db8:0:1:{n:x}::1")[0] for n in range(1, 9)]
    assert said == [401] * 5 + [429] * 3


def test_the_browser_of_the_owner_is_let_in_whatever_strangers_do(reached: Bench) -> None:
    assert login_from(reached, "192.0.2.1") == 303
    reached.client.cookies.delete("sixfb_session")
    for n in range(14):
        guess_from(reached, f"203.0.113.{n}")
    assert guess_from(reached, "192.0.2.1")[0] == 429
    assert login_from(reached, "192.0.2.1") == 303


def test_nor_do_guesses_from_its_own_network_keep_a_known_browser_out(reached: Bench) -> None:
    assert login_from(reached, "192.0.2.1") == 303
    reached.client.cookies.delete("sixfb_session")
    assert 429 in guess_from(reached, "192.0.2.1", 12)
    assert login_from(reached, "192.0.2.1") == 303


def test_a_known_browser_is_no_way_to_guess(reached: Bench) -> None:
    assert login_from(reached, "192.0.2.1") == 303
    reached.client.cookies.delete("sixfb_session")
    said = [login_from(reached, f"203.0.113.{n}", "guess") for n in range(8)]
    assert said == [401] * 5 + [429] * 3


def test_a_browser_is_known_for_the_name_that_logged_in_there_alone(reached: Bench) -> None:
    reached.user(Role.ADMIN)
    assert login_from(reached, "192.0.2.1") == 303
    reached.client.cookies.delete("sixfb_session")
    for n in range(11):
        login_from(reached, f"203.0.113.{n}", "guess", name="admin")
    assert login_from(reached, "192.0.2.1", name="admin") == 429


def test_another_password_makes_every_browser_a_stranger(reached: Bench) -> None:
    assert login_from(reached, "192.0.2.1") == 303
    reached.client.cookies.delete("sixfb_session")
    reached.context.guard.logins.set_password("operator", "another password")
    for n in range(11):
        guess_from(reached, f"203.0.113.{n}")
    assert login_from(reached, "192.0.2.1", "another password") == 429


def test_the_cookie_of_a_browser_is_for_the_hub_alone_and_tells_nobody_who_logged_in(light: Bench) -> None:
    light.user()
    told = light.try_login("operator").headers.get_list("Set-Cookie")
    cookie = next(one for one in told if one.startswith("sixfb_known_"))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert f"Max-Age={LASTS.days * 86400}" in cookie
    assert "operator" not in cookie


def test_a_cookie_of_a_browser_holds_for_its_name_password_key_and_time() -> None:
    devices = Devices(KEY)
    cookie = devices.cookie("ann", password="hash", now=A_MOMENT)
    known = devices.known(cookie, "ann", password="hash", now=A_MOMENT)
    assert known is not None
    again = devices.cookie("ann", password="hash", now=A_MOMENT, device=known)
    assert devices.known(again, "ann", password="hash", now=A_MOMENT + LASTS - at(1)) == known
    device, ends, mac = cookie.split(".")
    for told, name, password, key, now in (
        (cookie, "bob", "hash", KEY, A_MOMENT),
        (cookie, "ann", "other", KEY, A_MOMENT),
        (cookie, "ann", "hash", ServerKey(b"another key, as long as it must be"), A_MOMENT),
        (cookie, "ann", "hash", KEY, A_MOMENT + LASTS + at(1)),
        (f"{device}.{int(ends) + 1}.{mac}", "ann", "hash", KEY, A_MOMENT),
        (f"{'0' * 32}.{ends}.{mac}", "ann", "hash", KEY, A_MOMENT),
        (f"{device}.{ends}.{'0' * 64}", "ann", "hash", KEY, A_MOMENT),
        (f"{device}.{'9' * 400}.{mac}", "ann", "hash", KEY, A_MOMENT),
        ("", "ann", "hash", KEY, A_MOMENT),
        (None, "ann", "hash", KEY, A_MOMENT),
        ("é.1.x", "ann", "hash", KEY, A_MOMENT),
    ):
        assert Devices(key).known(told, name, password=password, now=now) is None
    assert cookie_name("ann") != cookie_name("bob")


def test_an_unknown_name_is_limited_in_the_same_words_as_a_known_one(reached: Bench) -> None:
    for name in ("operator", "nobody-here"):
        network = f"192.0.2.{len(name)}"
        said = [login_from(reached, network, f"guess {n}", name=name) for n in range(7)]
        assert said == [401] * 5 + [429] * 2


def test_the_first_guess_at_an_unknown_name_costs_no_more_than_the_next(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    logins = Logins(sqlite_store, KEY, cost=CHEAP)
    logins.add("operator", Role.OPERATOR, PASSWORD)
    made: list[str] = []

    def hashed(_password: str, **_how: object) -> str:
        made.append("hash")
        return "scrypt$n=2,r=8,p=1$AAAA$AAAA"

    monkeypatch.setattr("hub.logins.hashed", hashed)
    for name in ("operator", "nobody-here"):
        with pytest.raises(HubError):
            logins.log_in(name, "wrong", client="c")
    # The hash that unknown names are compared with is made at the first login, whoever it is.
    assert made == ["hash"]


def test_two_hubs_on_one_database_count_together(store: Store) -> None:
    hubs = [Logins(store, KEY, cost=CHEAP, clock=lambda: A_MOMENT) for _ in range(2)]
    hubs[0].add("operator", Role.OPERATOR, PASSWORD)
    said = []
    for n in range(7):
        with pytest.raises(HubError) as refused:
            hubs[n % 2].log_in("operator", "guess", client="203.0.113.1")
        said.append(refused.value.status)
    assert said == [401] * 5 + [429] * 2


def test_a_crowd_of_strangers_does_not_keep_a_known_browser_waiting(sqlite_store: Store) -> None:
    logins = Logins(sqlite_store, KEY, cost=CHEAP, clock=lambda: A_MOMENT, queues_s=0.01)
    logins.add("operator", Role.OPERATOR, PASSWORD)
    device = logins.log_in("operator", PASSWORD, client="192.0.2.1").device
    places = logins._strangers
    assert places.acquire(blocking=False)
    assert places.acquire(blocking=False)
    for _ in range(7):  # to be sent away is no wrong guess
        with pytest.raises(TooManyError, match="at once"):
            logins.log_in("operator", PASSWORD, client="192.0.2.2")
    assert logins.log_in("operator", PASSWORD, client="192.0.2.1", device=device).session


def test_a_person_who_was_removed_and_added_anew_is_not_known_by_the_old_cookie(sqlite_store: Store) -> None:
    logins = Logins(sqlite_store, KEY, cost=CHEAP, clock=lambda: A_MOMENT)
    logins.add("operator", Role.OPERATOR, PASSWORD)
    device = logins.log_in("operator", PASSWORD, client="c").device
    with sqlite_store.write() as connection:
        users.remove(connection, "operator")
    logins.add("operator", Role.OPERATOR, PASSWORD)
    with sqlite_store.read() as connection:
        stored = users.find(connection, "operator")
    assert stored is not None
    assert Devices(KEY).known(device, "operator", password=stored.password, now=A_MOMENT) is None
