"""The demo's shop, alone, at an address that another machine can be told of."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.test_bad_input import SIXFB, sixfb

KEY = "sk_test_" + "0" * 24


@contextmanager
def a_shop(tmp_path: Path, *options: str) -> Iterator[list[str]]:
    """The addresses that it prints: the shop's, Stripe's, the receivers'."""
    command = [str(SIXFB), "demo", "--shop-only", "--port", "0", *options]
    environment = {"PATH": str(Path(sys.executable).parent), "STRIPE_SECRET_KEY": KEY}
    program = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    try:
        told = program.stdout.readline() + program.stdout.readline()
        yield re.findall(r"http://[^/\s,]+", told)[:3]
        program.send_signal(signal.SIGTERM)
        assert program.wait(15) == 0
    finally:
        program.kill()
        program.wait()
        program.stdout.close()


def test_it_sells_at_the_name_it_is_given_and_stripe_sends_browsers_there_too(tmp_path: Path) -> None:
    with a_shop(tmp_path, "--host", "127.0.0.1", "--name", "localhost") as (shop, stripe, receivers):
        assert shop.startswith("http://localhost:")
        order = {"ticketType": "GA", "quantity": 1, "customerEmail": "synthetic@example.com"}
        sold = httpx.post(f"{shop}/api/create-checkout-session", json=order).json()
        assert sold["checkoutUrl"].startswith(f"{stripe}/c/pay/")
        session = httpx.get(f"{stripe}/v1/checkout/sessions/{sold['sessionId']}", auth=(KEY, "")).json()
        assert session["livemode"] is False
        assert httpx.post(f"{receivers}/slack/ops-alerts", json={"text": "hello"}).text == "ok"
        assert [one["text"] for one in httpx.get(f"{receivers}/inbox.json").json()] == ["hello"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--shop-only", "--host", "0.0.0.0"], "say it with --name"),
        (["--shop-only", "--host", "192.0.2.1"], "the shop cannot listen there"),
        (["--host", "127.0.0.2"], "--host and --name are for --shop-only"),
    ],
)
def test_an_address_that_cannot_work_is_told(tmp_path: Path, options: list[str], sentence: str) -> None:
    done = sixfb("demo", *options, cwd=tmp_path)
    assert sentence in done.stderr
    assert done.returncode == 2
