"""The shop's SMS: the class of each message, its minute, what is left out, and every way the list can fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from config import Secret
from facts import Sample
from hub.collect import collect_once
from metrics import sample_errors
from metrics.catalogue import SAMPLED
from sources import SourceError, SourceSettings
from sources.sms import MOST_PAGES, SmsSource, count_messages
from store import samples
from tests.databases import a_migrated_store

NOW = datetime(2026, 11, 30, 12, 0, 30, tzinfo=UTC)
ACCOUNT = "AC" + "0" * 32


def sms(sid: str = "SM1", status: str = "delivered", *, minutes_ago: float = 10, **more: Any) -> dict[str, Any]:
    """A message as Twilio tells it."""
    sent = NOW - timedelta(minutes=minutes_ago)
    usual = {
        "direction": "outbound-api",
        "from": "+15550000001",
        "num_segments": "1",
        "error_code": None,
        "price": None,
    }
    return {"sid": sid, "status": status, "date_sent": format_datetime(sent), "price_unit": "USD", **usual, **more}


@dataclass
class FakeTwilio:
    """Lists `messages` by GMT day, `size` a page. `refusals` are answered first."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[httpx.Response | httpx.HTTPError] = field(default_factory=list)
    size: int = 2
    asked: list[str] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        self.asked.append(str(request.url))
        if self.refusals:
            refusal = self.refusals.pop(0)
            if isinstance(refusal, httpx.HTTPError):
                raise refusal
            return refusal
        day, page = request.url.params["DateSent"], int(request.url.params.get("Page", "0"))
        of_day = [one for one in self.messages if _day(one) == day]
        rest = of_day[(page + 1) * self.size :]
        more = f"{request.url.path}?DateSent={day}&Page={page + 1}" if rest else None
        return httpx.Response(
            200, json={"messages": of_day[page * self.size : (page + 1) * self.size], "next_page_uri": more}
        )

    def source(self, **settings: Any) -> SmsSource:
        """The source that reads it."""
        usual = {"sms_account": Secret(ACCOUNT), "sms_token": Secret("token of the account"), "sms_every_s": 300.0}
        told = SourceSettings(base_url="https://shop.test", **{**usual, **settings})
        return SmsSource(told, httpx.Client(transport=httpx.MockTransport(self.answer)))


def _day(message: dict[str, Any]) -> str:
    return datetime.strptime(message["date_sent"], "%a, %d %b %Y %H:%M:%S %z").date().isoformat()


def sums(found: list[Sample]) -> dict[str, float]:
    """The sums that are not 0, by metric."""
    totals = {name: sum(s.value for s in found if s.metric == name) for name in {s.metric for s in found}}
    return {name.removeprefix("sms_"): value for name, value in totals.items() if value}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (sms(), {"delivered": 1, "segments": 1}),
        (sms(status="failed", error_code=30001), {"failed": 1, "segments": 1, "rate_limited": 1}),
        (sms(status="undelivered", error_code=30003), {"failed": 1, "segments": 1}),
        (sms(status="sent", num_segments="3"), {"no_receipt": 1, "segments": 3}),
        (sms(status="queued"), {"no_receipt": 1, "segments": 1}),
        (sms(status="sent", minutes_ago=4.9), {}),
        (sms(status="sent", minutes_ago=5), {"no_receipt": 1, "segments": 1}),
        (sms(status="received", direction="inbound"), {}),
        (sms(status="canceled"), {}),
        (sms(date_sent=None), {}),
        (sms(price="-0.00750"), {"delivered": 1, "segments": 1, "cost_minor": 0.75, "priced_messages": 1}),
        (sms(price="-3", price_unit="JPY"), {"delivered": 1, "segments": 1, "cost_minor": 3, "priced_messages": 1}),
        (sms(price="free", num_segments="many"), {"delivered": 1}),
        (sms(price="nan"), {"delivered": 1, "segments": 1}),
        (sms(price=10**400), {"delivered": 1, "segments": 1}),
    ],
)
def test_each_message_has_its_class(message: dict[str, Any], expected: dict[str, float]) -> None:
    assert sums(count_messages([message], now=NOW)) == expected


def test_only_the_shops_own_numbers_count_where_they_are_named() -> None:
    alert = {**sms("SM2"), "from": "+15559999999"}
    assert sums(count_messages([sms(), alert], now=NOW, senders=frozenset({"+15550000001"})))["delivered"] == 1


def test_three_days_are_read_page_by_page() -> None:
    ages = (10, 20, 30, 24 * 60, 48 * 60, 72 * 60)
    twilio = FakeTwilio([sms(f"SM{n}", minutes_ago=ago) for n, ago in enumerate(ages)])
    found = list(twilio.source().collect(None, NOW).samples)
    assert sums(found)["delivered"] == 5
    assert len(twilio.asked) == 4
    assert sample_errors(found, source="sms") == []
    assert {s.metric for s in count_messages([sms(price="-1")], now=NOW)} == {
        m.name for m in SAMPLED if m.source == "sms"
    }


def test_a_message_counts_once_and_moves_to_its_last_class(tmp_path: Path) -> None:
    twilio = FakeTwilio([sms("SM1", "sent"), sms("SM2"), sms("SM2")], size=1)

    def kept(metric: str) -> float:
        with store.read() as connection:
            found = samples.read(connection, metric, since=NOW - timedelta(days=5))
        return sum(value for one in found for _, value in one.points)

    with a_migrated_store(None, tmp_path) as store:
        for _ in range(2):
            collect_once(store, twilio.source(), NOW)
        assert (kept("sms_delivered"), kept("sms_no_receipt")) == (1, 1)
        twilio.messages[0] = sms("SM1", "delivered", price="-0.0075")
        collect_once(store, twilio.source(), NOW + timedelta(minutes=5))
        assert (kept("sms_delivered"), kept("sms_no_receipt"), kept("sms_cost_minor")) == (2, 0, 0.75)


def test_an_hour_that_has_not_changed_is_not_saved_again() -> None:
    twilio = FakeTwilio([sms("SM1"), sms("SM2", minutes_ago=300)])
    first = twilio.source().collect(None, NOW)
    assert sums(list(first.samples))["delivered"] == 2
    assert twilio.source().collect(first.cursor, NOW + timedelta(minutes=5)).samples == []
    twilio.messages[1] = sms("SM2", "failed", minutes_ago=300)
    assert sums(list(twilio.source().collect(first.cursor, NOW).samples)) == {"failed": 1, "segments": 1}


@pytest.mark.parametrize(
    ("answer", "says", "permanent", "wait_s"),
    [
        (httpx.Response(401, json={"code": 20003}), "error 20003", True, None),
        (httpx.Response(403, text="<html>"), "may not list", True, None),
        (httpx.Response(429), "limits", False, 60.0),
        (httpx.Response(429, headers={"Retry-After": "9"}), "limits", False, 9.0),
        (httpx.Response(500), "500", False, None),
        (httpx.Response(200, text="<html>"), "no JSON object", False, None),
        (httpx.Response(200, json={}), "lists no messages", False, None),
        (httpx.Response(200, json={"messages": [3]}), "without sid", False, None),
        (httpx.Response(200, json={"messages": [sms(date_sent="soon")]}), "no time", False, None),
        (
            httpx.Response(200, json={"messages": [], "next_page_uri": "//evil.test/"}),
            "no page of the account",
            False,
            None,
        ),
        (httpx.ConnectTimeout("slow"), "no answer", False, None),
    ],
)
def test_a_refusal_is_no_number(answer: Any, says: str, permanent: bool, wait_s: float | None) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        FakeTwilio(refusals=[answer]).source().collect(None, NOW)
    assert (caught.value.permanent, caught.value.retry_after_s) == (permanent, wait_s)


def test_a_day_that_is_too_long_is_no_number() -> None:
    twilio = FakeTwilio([sms(f"SM{n}") for n in range(MOST_PAGES + 1)], size=1)
    with pytest.raises(SourceError, match="its sums would be wrong"):
        twilio.source().collect(None, NOW)


def test_it_is_off_until_site_yaml_asks_for_it_and_there_is_an_account() -> None:
    told = SourceSettings(base_url="https://shop.test")
    assert SmsSource.configured(told) == "site.yaml has no sms_reads"
    asked = SourceSettings(base_url="https://shop.test", sms_every_s=300.0)
    assert "TWILIO_ACCOUNT_SID" in (SmsSource.configured(asked) or "")
