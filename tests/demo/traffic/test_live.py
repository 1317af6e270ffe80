"""The traffic reaches the hub by its doors: events with a token, again where the hub did not take them; a log; Stripe; texts."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config import Secret
from demo import Faults, Served, a_socket
from demo.inbox import Inbox
from demo.shop.inventory import Inventory
from demo.stripe import StripeAccount, StripeSettings, create_stripe
from demo.traffic import SHOP_NUMBER, Feed, Market, Records, seats_of
from demo.traffic.effects import HELD_BACK
from sources import SourceSettings
from sources.sms import SmsSource
from sources.stripe import StripeSource
from tests.demo.traffic.watching import a_generator

BEGINS = datetime(2026, 11, 24, 18, 0, tzinfo=UTC).timestamp()
KEY = "rk_test_0123456789abcdef"


class Hub:
    """A hub that takes events, with a status of its own choosing."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: list[dict[str, Any]] = []
        self.tokens: set[str | None] = set()

    async def events(self, request: Request) -> Response:
        """`POST /api/events`."""
        self.tokens.add(request.headers.get("authorization"))
        if self.status == 200:
            self.taken += [json.loads(line) for line in (await request.body()).decode().splitlines()]
        return JSONResponse({}, status_code=self.status)


class World:
    """A feed to a hub, on a clock that a test moves."""

    def __init__(self, folder: Path) -> None:
        self.now = BEGINS
        self.hub = Hub()
        self.faults = Faults(traffic=True)
        self.account = StripeAccount(StripeSettings(secret_key="sk_test_x", webhook_secret="whsec_x"))
        self.inbox = Inbox()
        self.inventory = Inventory(self.faults)
        self.log_file = folder / "shop.log"
        self.market = market = Market(self.inventory, self.account, self.inbox.shop_texts)
        sales = a_generator().sales(BEGINS - 86_400, BEGINS)
        market.open(seats_of(sales), sales)
        self.served = Served(Starlette(routes=[Route("/api/events", self.hub.events, methods=["POST"])]), [a_socket()])
        self.served.start()
        self.feed = Feed(
            a_generator(),
            market,
            self.faults,
            begins=BEGINS,
            hub_url=self.served.urls[0],
            token="sfb_x",
            log_file=self.log_file,
            clock=lambda: self.now,
        )

    def pass_time(self, seconds: float) -> None:
        """Let the feed send what happens in some seconds."""
        self.now += seconds
        self.feed.pump()

    def left(self, city: str, tier: str) -> int:
        """The tickets that the inventory tells."""
        return int(self.inventory.one(city)["actualAvailable"][tier])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A feed that no thread drives."""
    found = World(tmp_path)
    yield found
    found.served.stop()


def test_events_come_once_with_the_token_and_again_where_the_hub_did_not_take_them(world: World) -> None:
    world.pass_time(60)
    world.hub.status = 503
    world.pass_time(60)
    world.hub.status = 200
    world.pass_time(60)
    whole = a_generator().between(BEGINS, BEGINS + 180)
    assert sorted(one["id"] for one in world.hub.taken) == sorted(one["id"] for one in whole.events)
    assert world.hub.tokens == {"Bearer sfb_x"}


def test_the_log_is_in_json_lines(world: World) -> None:
    world.pass_time(7200)
    lines = [json.loads(line) for line in world.log_file.read_text(encoding="utf-8").splitlines()]
    whole = a_generator().between(BEGINS, BEGINS + 7200)
    assert [line["event"] for line in lines] == [one["name"] for one in whole.log]
    assert lines


def test_the_inventory_goes_down_with_sales_and_is_filled_up_before_it_is_empty(world: World) -> None:
    before = world.left("dallas-jan-2026", "ga")
    sales = a_generator().sales(BEGINS, BEGINS + 48 * 3600)
    first = next(sale for sale in sales if (sale.city, sale.tier) == ("dallas-jan-2026", "ga"))
    world.market.take(Records(sales=[first]), [])
    assert world.left("dallas-jan-2026", "ga") in (before - first.quantity, before - first.quantity + 300)
    for sale in sales:
        world.market.take(Records(sales=[sale]), [])
        assert all(left > 12 for city in world.inventory.all() for left in city["actualAvailable"].values())


def test_seats_that_a_fault_holds_back_come_back(world: World) -> None:
    city, tier, few = HELD_BACK
    world.inventory.expand(city, tier, 200)
    before = world.left(city, tier)
    world.faults.start("sellout_near")
    world.pass_time(1)
    assert world.left(city, tier) <= few
    world.faults.stop("sellout_near")
    world.pass_time(1)
    assert world.left(city, tier) >= before - 2


def test_the_stripe_source_reads_what_was_sold_and_what_waits(world: World) -> None:
    stripe = Served(create_stripe(world.account, world.faults), [a_socket()])
    stripe.start()
    try:
        settings = SourceSettings(base_url="http://x", stripe_key=Secret(KEY), stripe_base=stripe.urls[0])
        world.faults.start("webhook_backlog")
        world.pass_time(3600)
        source = StripeSource(settings)
        read = source.collect(None, datetime.fromtimestamp(world.now, UTC))
        waiting = {one.metric: one.value for one in read.samples}["stripe_webhooks_pending"]
        assert len(read.events) == len(a_generator().stripe(BEGINS, world.now)) == waiting > 0
        world.faults.stop("webhook_backlog")
        world.pass_time(60)
        again = source.collect(None, datetime.fromtimestamp(world.now, UTC))
        source.close()
    finally:
        stripe.stop()
    assert {one.metric: one.value for one in again.samples}["stripe_webhooks_pending"] == 0


def test_the_sms_source_reads_the_texts_of_three_days_page_by_page(world: World) -> None:
    world.inbox.shop_texts.extend(a_generator().texts(BEGINS - 6 * 86_400, BEGINS))
    receivers = Served(world.inbox.app(), [a_socket()])
    receivers.start()
    try:
        settings = SourceSettings(
            base_url="http://x",
            sms_account=Secret("AC1"),
            sms_token=Secret("t"),
            sms_base=f"{receivers.urls[0]}/twilio",
            sms_every_s=300,
            sms_from=[SHOP_NUMBER],
        )
        source = SmsSource(settings)
        read = source.collect(None, datetime.fromtimestamp(BEGINS, UTC))
        source.close()
        refused = httpx.get(f"{receivers.urls[0]}/twilio/2010-04-01/Accounts/AC1/Messages.json")
    finally:
        receivers.stop()
    day = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    expected = len(a_generator().texts(day, BEGINS - 300))
    counted = sum(one.value for one in read.samples if one.metric in ("sms_delivered", "sms_failed", "sms_no_receipt"))
    assert counted == expected
    assert refused.status_code == 401


def test_more_texts_than_a_page_holds_are_all_listed() -> None:
    inbox = Inbox()
    one = next(iter(a_generator().texts(BEGINS - 3600, BEGINS)))
    inbox.shop_texts = deque({**one, "sid": f"SM{n:032}"} for n in range(2100))
    receivers = Served(inbox.app(), [a_socket()])
    receivers.start()
    try:
        settings = SourceSettings(
            base_url="http://x",
            sms_account=Secret("AC1"),
            sms_token=Secret("t"),
            sms_base=f"{receivers.urls[0]}/twilio",
            sms_every_s=300,
        )
        source = SmsSource(settings)
        read = source.collect(None, datetime.fromtimestamp(BEGINS + 600, UTC))
        source.close()
    finally:
        receivers.stop()
    counted = sum(s.value for s in read.samples if s.metric in ("sms_delivered", "sms_failed", "sms_no_receipt"))
    assert counted == 2100
