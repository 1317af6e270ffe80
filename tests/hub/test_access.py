"""By which names the hub is reached, and whom it believes about who asks."""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path

import pytest
from starlette.requests import Request

from config import Secret
from hub.access import Access, is_local_name, is_loopback, networks, prefix_of
from hub.errors import HubError
from hub.passwords import Cost, accepted, hashed, is_right
from hub.rates import Buckets, Rate
from hub.server_key import ServerKey, server_key
from tests.hub.conftest import Bench
from tests.hub.routes import routes_of

NAMED = Access(hosts=("hub.example.com", "*.example.net"))
BEHIND = Access(proxies=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))


@pytest.mark.parametrize(
    ("base_url", "prefix"),
    [
        (None, ""),
        ("https://hub.example.com", ""),
        ("https://hub.example.com/", ""),
        ("https://example.com/monitor", "/monitor"),
        ("https://example.com/monitor/", "/monitor"),
        ("https://example.com/a/b-c_d.e~f", "/a/b-c_d.e~f"),
    ],
)
def test_the_prefix_is_the_path_of_the_address_of_links(base_url: str | None, prefix: str) -> None:
    assert prefix_of(base_url) == prefix


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/a//b", "/a/../b", "/.", "/a b", "/a%20b", "/ä", "/alerts", "/api/x", "/x?y", "/x#y", "/a\\b"],
)
def test_a_path_that_cannot_be_a_prefix_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"path|\?"):
        prefix_of(f"https://example.com{path}")


def test_no_page_of_the_hub_begins_with_what_may_be_a_prefix(light: Bench) -> None:
    routes = [route.path for route in routes_of(light.client.app)]
    assert "/runs/{run_id}" in routes
    for first in {path.split("/")[1] for path in routes} - {""}:
        with pytest.raises(ValueError, match="choose another path"):
            prefix_of(f"https://example.com/{first}")


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("localhost", True),
        ("LOCALHOST:8600", True),
        ("127.0.0.1:8600", True),
        ("[::1]:8600", True),
        ("[::1]", True),
        ("192.0.2.7", True),
        ("hub.example.com", True),
        ("Hub.Example.com.:443", True),
        ("a.example.net", True),
        ("example.net", False),
        ("evil.example", False),
        ("hub.example.com.evil.example", False),
        ("evilexample.net", False),
        ("127.0.0.1.evil.example", False),
        ("localhost:x", False),
        ("[::1", False),
        ("[::1]x", False),
        ("a" * 300, False),
        ("", False),
        (None, False),
    ],
)
def test_the_hub_answers_to_its_own_names_and_to_plain_addresses(host: str | None, answered: bool) -> None:
    assert NAMED.answers_to(host) is answered


def a_request(peer: str | None, headers: dict[str, str] | None = None, scheme: str = "http") -> Request:
    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    return Request(
        {"type": "http", "headers": raw, "client": (peer, 1) if peer else None, "scheme": scheme, "method": "GET"}
    )


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        (None, "198.51.100.1", "unknown"),
        ("testclient", "198.51.100.1", "unknown"),
    ],
)
def test_a_client_is_the_last_address_before_the_believed_proxies(
    peer: str | None, forwarded: str | None, client: str
) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert BEHIND.client(a_request(peer, headers)) == client


@pytest.mark.parametrize(
    ("peer", "proto", "scheme", "https"),
    [
        ("10.0.0.1", "https", "http", True),
        ("10.0.0.1", "http, https", "http", True),
        ("10.0.0.1", "http", "https", False),
        ("10.0.0.1", "", "https", True),
        ("203.0.113.7", "https", "http", False),
        ("203.0.113.7", "", "https", True),
    ],
)
def test_https_is_what_the_browser_speaks_by_a_believed_proxys_word(
    peer: str, proto: str, scheme: str, https: bool
) -> None:
    headers = {"X-Forwarded-Proto": proto} if proto else {}
    assert BEHIND.is_https(a_request(peer, headers, scheme)) is https


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("hub.example.com", False),
        ("", False),
    ],
)
def test_only_loopback_is_this_machine_alone(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert is_local_name(host) is loopback


def test_a_network_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        networks(["10.0.0.1/8"])


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    buckets = Buckets(Rate(per_second=2, burst=3))
    assert [buckets.take("a", 0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b", 0) == 0
    assert buckets.take("a", 0.5) == 0
    assert [buckets.take("a", 100) for _ in range(4)] == [0, 0, 0, 0.5]


def test_a_password_is_right_or_not_by_the_parameters_it_was_kept_with() -> None:
    kept = hashed("pässword of twelve", cost=Cost(n=4, p=2))
    assert kept.startswith("scrypt$n=4,r=8,p=2$")
    assert is_right("pa\u0308ssword of twelve", kept)
    assert not is_right("password of twelve", kept)
    assert not is_right("x" * 10_000, kept)
    assert hashed("pässword of twelve", cost=Cost(n=4, p=2)) != kept
    with pytest.raises(ValueError, match="no hash"):
        is_right("x", "plain text")


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 257])
def test_a_password_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(HubError, match="12 to 256"):
        accepted(password)


def test_the_default_cost_is_one_that_this_machine_can_pay() -> None:
    assert is_right("correct horse battery", hashed("correct horse battery", cost=Cost()))


def test_the_hubs_key_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    key = server_key(tmp_path / "hub")
    file = tmp_path / "hub" / "secret.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert server_key(tmp_path / "hub").fingerprint == key.fingerprint
    assert list(file.parent.iterdir()) == [file]
    os.chmod(file, 0o640)  # noqa: PTH101
    with pytest.raises(HubError, match="chmod 600"):
        server_key(tmp_path / "hub")


def test_a_key_from_the_environment_must_be_long_enough(tmp_path: Path) -> None:
    assert server_key(tmp_path, Secret("k" * 32)).fingerprint == ServerKey(b"k" * 32).fingerprint
    assert not list(tmp_path.iterdir())
    with pytest.raises(HubError, match="openssl rand"):
        server_key(tmp_path, Secret("short"))


def test_a_signature_holds_for_its_purpose_and_text_alone() -> None:
    key = ServerKey(b"k" * 32)
    signature = key.sign("token", "text")
    assert key.signed("token", "text", signature)
    for purpose, text, told in (
        ("csrf", "text", signature),
        ("token", "texts", signature),
        ("token", "text", signature[:-1]),
        ("token", "text", "é"),
        ("token", "text", ""),
    ):
        assert not key.signed(purpose, text, told)
    assert not ServerKey(b"l" * 32).signed("token", "text", signature)
