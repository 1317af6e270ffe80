"""People log in by a form: slowly for who guesses, with a session that nobody else can have and that ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from sqlalchemy import select

from facts import Role
from hub.access import Access, ProxyLogin
from hub.errors import HubError, TooManyError
from hub.login import safe_next
from hub.logins import Logins
from store import Store, users
from store.tables import sessions as session_table
from tests.hub.conftest import CHEAP, KEY, PASSWORD, Bench, a_bench, csrf_of

COOKIE = "sixfb_session"


def is_in(bench: Bench) -> bool:
    status: int = bench.client.get("/api/runs").status_code
    return status == 200


def test_a_person_logs_in_and_out(bench: Bench) -> None:
    bench.log_in()
    assert is_in(bench)
    token = csrf_of(bench.client.get("/alerts").text)
    cookie = bench.client.cookies[COOKIE]
    assert bench.client.post("/logout", data={"csrf": token}).headers["Location"] == "/login"
    assert COOKIE not in bench.client.cookies
    assert bench.client.get("/api/runs", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 401


def test_the_sessions_cookie_is_for_this_hub_alone(light: Bench) -> None:
    light.user()
    cookie = light.try_login("operator").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    assert "Domain" not in cookie


def test_over_https_the_cookie_is_secure_and_no_other_host_can_set_it(sqlite_store: Store, tmp_path: Path) -> None:
    access = Access(proxies=(ip_network("127.0.0.1"),))
    with a_bench(sqlite_store, tmp_path, access=access) as bench:
        bench.user()
        bench.client.base_url = bench.client.base_url.copy_with(scheme="https")
        bench.client.headers["X-Forwarded-Proto"] = "https"
        cookie = bench.try_login("operator").headers["Set-Cookie"]
        assert cookie.startswith("__Host-sixfb_session=")
        assert "Secure" in cookie
        assert is_in(bench)
        value = bench.client.cookies["__Host-sixfb_session"]
        bench.client.cookies.clear()
        assert bench.client.get("/api/runs", headers={"Cookie": f"{COOKIE}={value}"}).status_code == 401


def test_a_forwarded_https_of_just_anybody_is_not_believed(light: Bench) -> None:
    light.user()
    light.client.headers["X-Forwarded-Proto"] = "https"
    assert light.try_login("operator").headers["Set-Cookie"].startswith(f"{COOKIE}=")


def test_a_cookie_that_was_there_before_the_login_is_worth_nothing_after_it(light: Bench) -> None:
    light.log_in()
    mine = light.client.cookies[COOKIE]
    light.client.cookies.set(COOKIE, "chosen-by-somebody-else")
    light.client.cookies.delete(COOKIE, domain="127.0.0.1", path="/")
    light.try_login("operator")
    assert light.client.get("/api/runs", headers={"Cookie": f"{COOKIE}=chosen-by-somebody-else"}).status_code == 401
    assert light.client.cookies.get(COOKIE, domain="127.0.0.1") != mine


def test_logging_in_again_ends_the_session_that_the_browser_had(light: Bench) -> None:
    light.log_in()
    first = light.client.cookies[COOKIE]
    page = csrf_page(light)
    light.client.post("/login", data={"csrf": page, "name": "operator", "password": PASSWORD})
    assert light.client.cookies[COOKIE] != first
    light.client.cookies.clear()
    assert light.client.get("/api/runs", headers={"Cookie": f"{COOKIE}={first}"}).status_code == 401


def csrf_page(bench: Bench) -> str:
    """The login form's token while logged in: the form is fetched without the session."""
    answer = bench.client.get("/login", headers={"Cookie": ""})
    return csrf_of(answer.text)


def test_the_database_holds_no_cookie_and_no_password(light: Bench) -> None:
    light.log_in()
    cookie = light.client.cookies[COOKIE]
    with light.store.read() as connection:
        rows = str(connection.execute(select(session_table)).all())
        stored = users.find(connection, "operator")
    assert cookie not in rows
    assert stored is not None
    assert PASSWORD not in stored.password


def test_a_session_ends_after_twelve_idle_hours(light: Bench) -> None:
    light.log_in()
    for hours, still in ((11, True), (11, True), (13, False)):
        light.now += timedelta(hours=hours)
        assert is_in(light) is still


def test_a_page_that_refreshes_itself_does_not_keep_a_session_alive(light: Bench) -> None:
    light.log_in()
    for hours, status in ((6, 200), (5, 200), (2, 303)):
        light.now += timedelta(hours=hours)
        assert light.client.get("/alerts", headers={"Sec-Fetch-Dest": "empty"}).status_code == status


def test_a_session_ends_after_seven_days_however_busy(light: Bench) -> None:
    light.log_in()
    for _ in range(7 * 24 // 8):
        assert is_in(light)
        light.now += timedelta(hours=8)
    light.now += timedelta(minutes=1)
    assert not is_in(light)


@pytest.mark.parametrize("how", ["password", "removal"])
def test_another_password_or_a_removal_ends_every_session_at_once(bench: Bench, how: str) -> None:
    bench.log_in()
    bench.user(Role.ADMIN)
    if how == "password":
        assert bench.context.guard.logins.set_password("operator", "another password")
    else:
        with bench.store.write() as connection:
            assert users.remove(connection, "operator")
    assert not is_in(bench)
    assert bench.try_login("operator").status_code == 401


def test_a_wrong_password_and_an_unknown_name_are_refused_in_the_same_words(light: Bench) -> None:
    light.user()
    wrong, unknown = light.try_login("operator", "wrong"), light.try_login("nobody-here", "wrong")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("operator", "") == unknown.text.replace("nobody-here", "")
    assert 'role="alert"' in wrong.text


def test_an_unknown_name_costs_as_many_hashes_as_a_wrong_password(sqlite_store: Store) -> None:
    checked: list[str] = []

    def check(_password: str, stored: str) -> bool:
        checked.append(stored.rsplit("$", 2)[0])
        return False

    logins = Logins(sqlite_store, KEY, cost=CHEAP, check=check)
    logins.add("operator", Role.OPERATOR, PASSWORD)
    for name in ("operator", "nobody-here"):
        with pytest.raises(HubError):
            logins.log_in(name, "wrong", client="c")
    assert checked == ["scrypt$n=2,r=8,p=1"] * 2


def test_who_guesses_waits_ever_longer_and_the_right_password_does_not_help(light: Bench) -> None:
    light.user()
    assert [light.try_login("operator", f"guess {n}").status_code for n in range(6)] == [401] * 5 + [429]
    refused = light.try_login("operator")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"]
    light.now += timedelta(seconds=2)
    assert light.try_login("operator").status_code == 303


def test_a_client_that_guesses_at_many_names_waits_too(light: Bench) -> None:
    light.user()
    said = [light.try_login(f"name-{n}", "guess").status_code for n in range(12)]
    assert said == [401] * 10 + [429] * 2
    assert light.try_login("operator").status_code == 429


@pytest.mark.parametrize("token", ["", "0" * 64, None])
def test_a_login_form_that_is_not_ours_is_refused(light: Bench, token: str | None) -> None:
    light.user()
    foreign = csrf_of(light.client.get("/login").text)
    light.client.cookies.clear()  # another browser's form
    answer = light.client.post(
        "/login", data={"csrf": foreign if token is None else token, "name": "operator", "password": PASSWORD}
    )
    assert answer.status_code == 403
    assert COOKIE not in light.client.cookies


def test_a_form_needs_the_token_of_this_very_session(light: Bench) -> None:
    light.log_in(Role.OPERATOR)
    mine = csrf_of(light.client.get("/alerts").text)
    light.client.cookies.clear()
    light.log_in(Role.ADMIN)
    for token in (mine, "", "0" * 64):
        assert light.client.post("/logout", data={"csrf": token}).status_code == 403
    assert is_in(light)
    elsewhere = {"Sec-Fetch-Site": "same-site"}
    token = csrf_of(light.client.get("/alerts").text)
    assert light.client.post("/logout", data={"csrf": token}, headers=elsewhere).status_code == 403
    assert light.client.post("/logout", content="x", headers={"Content-Type": "text/plain"}).status_code == 415


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        ("/alerts?x=1", "/alerts?x=1"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/a\\b", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        ("/" + "a" * 600, "/"),
    ],
)
def test_after_the_login_one_stays_in_the_house(asked: str, goes: str) -> None:
    assert safe_next(asked) == goes


def test_the_login_page_has_the_headers_of_every_page(light: Bench) -> None:
    light.user()
    for path in ("/login", "/", "/api/runs", "/nowhere"):
        headers = light.client.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"


def test_what_a_stranger_types_stands_escaped_on_the_page(light: Bench) -> None:
    light.user()
    page = light.try_login('"><script>alert(1)</script>', "x" * 30, next='/"><img>').text
    assert "<script>" not in page
    assert "<img>" not in page


PROXY = Access(
    proxies=(ip_network("10.0.0.0/8"),),
    proxy_login=ProxyLogin(header="X-Forwarded-User", role=Role.VIEWER, role_header="X-Forwarded-Role"),
)


@pytest.fixture
def proxied(sqlite_store: Store, tmp_path: Path) -> Iterator[Bench]:
    with a_bench(sqlite_store, tmp_path, access=PROXY, address="10.1.2.3") as bench:
        yield bench


def ack(bench: Bench, headers: list[tuple[str, str]]) -> int:
    status: int = bench.client.post("/api/alerts/none/ack", json={}, headers=headers).status_code
    return status


def test_a_believed_proxy_names_the_person_and_the_role(proxied: Bench) -> None:
    ann = ("X-Forwarded-User", "ann")
    assert proxied.client.get("/api/runs").status_code == 401
    assert proxied.client.get("/api/runs", headers=[ann]).status_code == 200
    assert "ann, viewer" in proxied.client.get("/alerts", headers=[ann]).text
    assert 'action="/logout"' not in proxied.client.get("/alerts", headers=[ann]).text
    assert ack(proxied, [ann]) == 403
    assert ack(proxied, [ann, ("X-Forwarded-Role", "operator")]) == 404
    assert ack(proxied, [ann, ("X-Forwarded-Role", "emperor")]) == 403
    assert ack(proxied, [ann, ("X-Forwarded-Role", "viewer"), ("X-Forwarded-Role", "admin")]) == 403


def test_a_proxy_that_names_two_people_names_nobody(proxied: Bench) -> None:
    two = [("X-Forwarded-User", "ann"), ("X-Forwarded-User", "bob")]
    assert proxied.client.get("/api/runs", headers=two).status_code == 401
    assert proxied.client.get("/api/runs", headers={"X-Forwarded-User": "  "}).status_code == 401


def test_the_proxys_header_of_just_anybody_is_not_believed(sqlite_store: Store, tmp_path: Path) -> None:
    with a_bench(sqlite_store, tmp_path, access=PROXY, address="203.0.113.7") as bench:
        for header in ("X-Forwarded-User", "X-Forwarded-For"):
            assert bench.client.get("/api/runs", headers={header: "10.1.2.3"}).status_code == 401
        bench.log_in(Role.VIEWER)
        assert ack(bench, [("X-Forwarded-User", "ann"), ("X-Forwarded-Role", "admin")]) == 403


def test_a_hub_that_others_reach_asks_for_a_login_though_its_last_user_is_gone(
    sqlite_store: Store, tmp_path: Path
) -> None:
    with a_bench(sqlite_store, tmp_path, access=Access(public=True)) as bench:
        assert not is_in(bench)


def test_a_crowd_of_logins_is_sent_away_rather_than_let_the_hub_stand_still(sqlite_store: Store) -> None:
    at_it, done = threading.Semaphore(0), threading.Event()

    def slow(_password: str, _stored: str) -> bool:
        at_it.release()
        return done.wait(10) and False

    logins = Logins(sqlite_store, KEY, cost=CHEAP, check=slow, queues_s=0.01)
    with ThreadPoolExecutor(2) as crowd:
        waiting = [crowd.submit(logins.log_in, f"name-{n}", "guess", client="c") for n in range(2)]
        for _ in waiting:
            assert at_it.acquire(timeout=10)
        with pytest.raises(TooManyError, match="at once"):
            logins.log_in("operator", PASSWORD, client="d")
        done.set()
        assert [type(one.exception()) for one in waiting] == [HubError] * 2
