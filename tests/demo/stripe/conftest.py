"""Fixtures of the stand-in's tests: each test has a stand-in and a shop of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.demo.stripe.stand import Shop, Stand, a_stand, served


@pytest.fixture
def stand() -> Iterator[Stand]:
    with a_stand() as stand:
        yield stand


@pytest.fixture
def shop(stand: Stand) -> Iterator[Shop]:
    """A shop that the stand-in tells of what happens."""
    shop = Shop()
    with served(shop.app()) as url:
        shop.url = url
        stand.account.webhook_url = f"{url}/hook"
        yield shop
