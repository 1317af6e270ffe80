"""Whether the way to the other side stood, by the browser's name of what went wrong."""

from __future__ import annotations

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
        ("ERR_SSL_OBSOLETE_CIPHER", "TLS obsolete cipher"),
        ("ERR_HTTP2_PING_FAILED", "HTTP/2 ping failed"),
    ],
)
def test_every_error_has_words_and_keeps_its_name(name: str, words: str) -> None:
    assert in_words(f"Page.goto: net::{name} at https://shop.example/") == f"{words} (net::{name})"
