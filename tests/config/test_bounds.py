"""Numbers, durations and addresses of the configuration: what is none is told with the reason, and without a password."""

from __future__ import annotations

from typing import Any

import pytest

from config import ConfigError
from config.bounds import Address, Bounds, Length, Whole, is_host, without_login

PORTS = Whole(1, 65_535, "a port is one of these")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "got True (true, false, yes, no, on and off are no numbers)"),
        ("7", "got '7' (write it without quotes"),
        ("1e9", "got '1e9' (write digits, without a unit)"),
        (1.5, "input should be a valid whole number, got 1.5"),
        (float("nan"), "got nan"),
        (float("inf"), "got inf"),
        (0, "0 is not between 1 and 65,535: a port is one of these"),
        (-1, "-1 is not between"),
        (10**30, "is not between"),
        (10**400, "is not between"),
        (None, "got None"),
        ([1], "got [1]"),
    ],
)
def test_what_is_no_such_number_is_told_with_the_reason(value: Any, words: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the words are compared below
        PORTS.check(value)
    assert words in str(refused.value)


@pytest.mark.parametrize("text", ["1_0", "٣", "0x10", "1e3", "nan", "inf", "", " ", "1,5", "99999999999999999999"])
def test_a_setting_of_the_environment_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="environment: SIXFB_X: "):
        Bounds(0, 1000, "it is a share").read(text, key="SIXFB_X")


@pytest.mark.parametrize(
    "value", ["often", "5", 90, True, "1:30", "-5m", "٣m", "5 weeks", "1e3s", "5m5s", "36d", "9s", None]
)
def test_what_is_no_such_duration_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"duration|between"):
        Length("10s", "35d", "runs are kept for 35 days").check(value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "https://",
        "https:///path",
        "hub.example.com",
        "hub:8600",
        "https://h h",
        "https://h\\x",
        "https://h:0",
        "https://h:",
        "https://h:99999",
        "https://h:abc",
        "https://[::1",
        "https://300.1.1.1",
        "https://-x-",
        "https://a..b",
        "https://h?x=1",
        "https://h#x",
        "https://me:hunter22@h",
        "https://me:hunter22@",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_address_is_refused_and_its_password_never_shown(url: str) -> None:
    wrong = Address("https://hub.example.com").wrong_with(url)
    assert wrong
    assert "hunter22" not in wrong


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8600", "https://[::1]:8600", "https://host/monitor", "https://bücher.example"]
)
def test_an_address_is_taken(url: str) -> None:
    assert Address("https://hub.example.com").wrong_with(url) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pa@ss@h/x", "https://***@h/x"),
        ("https://me@h", "https://***@h"),
        ("https://h/@x", "https://h/@x"),
        ("postgresql://u:p%40w@db/x", "postgresql://***@db/x"),
    ],
)
def test_a_login_is_never_shown(url: str, shown: str) -> None:
    assert without_login(url) == shown


def test_a_host_has_the_form_of_one() -> None:
    assert all(map(is_host, ("localhost", "a.example.com", "10.0.0.1", "::1", "db_1", "x.")))
    assert not any(map(is_host, ("", "a b", "-a", "a..b", "1.2.3", "a" * 64, "x" * 300)))
