"""Whether the way to the other side stood, by the browser's name of what went wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeys.net_errors import in_words, is_ours, never_connected


@pytest.mark.parametrize(
    ("name", "no_way"),
    [
        ("ERR_NAME_NOT_RESOLVED", True),
        ("ERR_DNS_TIMED_OUT", True),
        ("ERR_CONNECTION_REFUSED", True),
        ("ERR_CONNECTION_TIMED_OUT", True),
        ("ERR_CONNECTION_RESET", True),
        ("ERR_ADDRESS_UNREACHABLE", True),
        ("ERR_INTERNET_DISCONNECTED", True),
        ("ERR_NETWORK_CHANGED", True),
        ("ERR_PROXY_CONNECTION_FAILED", True),
        ("ERR_HTTPS_PROXY_TUNNEL_RESPONSE_REDIRECT", True),
        ("ERR_PAC_SCRIPT_FAILED", True),
        ("ERR_NO_SUPPORTED_PROXIES", True),
        ("ERR_EMPTY_RESPONSE", False),
        ("ERR_CONNECTION_CLOSED", False),
        ("ERR_CONTENT_LENGTH_MISMATCH", False),
        ("ERR_INVALID_HTTP_RESPONSE", False),
        ("ERR_CERT_DATE_INVALID", False),
        ("ERR_CERT_COMMON_NAME_INVALID", False),
        ("ERR_CERT_AUTHORITY_INVALID", False),
        ("ERR_SSL_PROTOCOL_ERROR", False),
        ("ERR_TOO_MANY_REDIRECTS", False),
        ("ERR_HTTP2_PROTOCOL_ERROR", False),
    ],
)
def test_the_way_failed_or_what_came_over_it_was_wrong(name: str, no_way: bool) -> None:
    assert never_connected(f"net::{name}", answered_before=False) is no_way


def test_a_reset_after_an_answer_is_the_servers() -> None:
    assert not never_connected("net::ERR_CONNECTION_RESET", answered_before=True)
    assert never_connected("net::ERR_CONNECTION_REFUSED", answered_before=True)


def test_what_our_own_machine_lacks_is_ours() -> None:
    assert is_ours("net::ERR_INSUFFICIENT_RESOURCES")
    assert not is_ours("net::ERR_CONNECTION_REFUSED")


def test_an_error_is_said_in_words_with_its_name() -> None:
    assert in_words("Page.goto: net::ERR_CERT_DATE_INVALID at https://x") == (
        "the certificate has expired or is not valid yet (net::ERR_CERT_DATE_INVALID)"
    )
    assert in_words("net::ERR_SOMETHING_NEW") == "something new (net::ERR_SOMETHING_NEW)"
    assert in_words("no such thing") is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ERR_CONTENT_DECODING_FAILED", "the answer could not be decompressed"),
        ("ERR_SSL_SOMETHING_NEW", "TLS something new"),
        ("ERR_HTTP2_SOMETHING_NEW", "HTTP/2 something new"),
    ],
)
def test_every_error_has_words_and_keeps_its_name(name: str, words: str) -> None:
    assert in_words(f"Page.goto: net::{name} at https://shop.example/") == f"{words} (net::{name})"


def test_whatever_chromium_says_of_a_request_is_said_in_a_persons_words() -> None:
    names = Path(__file__).with_name("chromium_errors.txt").read_text().split()
    assert len(names) > 150
    spelled_out = [name for name in names if _words(name).lower() == _words(f"X_{name}").lower().removeprefix("x ")]
    # Here the browser's name is what a person would say.
    assert spelled_out == ["CONNECTION_REFUSED", "TIMED_OUT"]


def _words(name: str) -> str:
    return (in_words(f"net::ERR_{name}") or "").partition(" (net::")[0]
