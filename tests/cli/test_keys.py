"""Which Stripe key may be where: none of live mode near a buyer, and only a reading one at the hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import settings
from config import ConfigError, Secret
from tests.cli.test_bad_input import RECEIVERS, sixfb

LIVE = "rk_live_abc123"


@pytest.mark.parametrize("key", ["sk_test_abc123", "rk_test_abc123"])
def test_a_test_key_may_buy(key: str) -> None:
    assert settings.stripe_key({"STRIPE_SECRET_KEY": key}) == key


@pytest.mark.parametrize("buys", [True, False])
@pytest.mark.parametrize("key", ["sk_live_abc123", LIVE])
def test_a_live_key_is_refused_as_the_buyers_everywhere(key: str, buys: bool) -> None:
    with pytest.raises(ConfigError, match="STRIPE_SECRET_KEY: holds a live Stripe key"):
        settings.stripe_key({"STRIPE_SECRET_KEY": key}, buys=buys)


@pytest.mark.parametrize("key", ["whsec_abc", "pk_test_abc", "sk_test_", "secret"])
def test_what_is_no_test_key_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="STRIPE_SECRET_KEY: is no Stripe test key"):
        settings.stripe_key({"STRIPE_SECRET_KEY": key})


def test_a_live_reading_key_of_the_hub_is_refused_where_there_is_a_buyer(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{LIVE}\n")
    assert settings.stripe_key({"STRIPE_SOURCE_KEY": LIVE}, buys=False) is None
    with pytest.raises(ConfigError, match="STRIPE_SOURCE_KEY: holds a live Stripe key"):
        settings.stripe_key({"STRIPE_SOURCE_KEY": LIVE})
    with pytest.raises(ConfigError, match="STRIPE_SOURCE_KEY_FILE: holds a live Stripe key"):
        settings.stripe_key({"STRIPE_SOURCE_KEY_FILE": str(file)})


@pytest.mark.parametrize("key", [LIVE, "rk_test_abc123", "sk_test_abc123"])
def test_the_hub_reads_with_a_restricted_or_a_test_key(key: str) -> None:
    assert settings.source_key({"STRIPE_SOURCE_KEY": key}) == Secret(key)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("sk_live_abc123", "holds a live key that can do everything"),
        ("pk_live_abc123", "holds a live key that can do everything"),
        ("pk_test_abc123", "is no Stripe key for reading"),
        ("rk_live_", "is no Stripe key for reading"),
    ],
)
def test_the_hub_refuses_every_other_key(key: str, why: str) -> None:
    with pytest.raises(ConfigError, match=f"STRIPE_SOURCE_KEY: {why}"):
        settings.source_key({"STRIPE_SOURCE_KEY": key})


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("runner", "--location", "us-east"), LIVE),
        (("ledger", "--clean"), LIVE),
        (("hub", "--port", "0"), "sk_live_abc123"),
        (("check",), "sk_live_abc123"),
    ],
)
def test_a_program_with_a_key_that_it_may_not_have_does_not_start(
    tmp_path: Path, arguments: tuple[str, ...], key: str
) -> None:
    done = sixfb(*arguments, cwd=tmp_path, SIXFB_HUB_URL="http://127.0.0.1:9", STRIPE_SOURCE_KEY=key)
    assert done.returncode == 2
    assert "STRIPE_SOURCE_KEY: holds a live" in done.stderr
    assert "abc123" not in done.stderr + done.stdout


def test_check_says_whose_a_live_reading_key_is(tmp_path: Path) -> None:
    done = sixfb("check", cwd=tmp_path, STRIPE_SOURCE_KEY=LIVE, **RECEIVERS)
    assert (done.returncode, "a runner refuses to start with it" in done.stdout) == (0, True), done.stderr
    assert "abc123" not in done.stdout
