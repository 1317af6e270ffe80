"""Telegram: the bot's token is in the address and nowhere else; a page's text is text."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from alerts.channels import Resources
from alerts.channels.telegram import body
from facts import NotificationKind
from tests.alerts.channel_case import Case, a_message

TOKEN = "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOpp_-q"
CASE = Case(
    settings={"kind": "telegram", "chat": "-1001234567890"},
    environment={"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_BASE": "{url}"},
    text_of=lambda request: json.dumps(json.loads(request.content), ensure_ascii=False),
)


def send(answer: httpx.Response | Exception) -> tuple[httpx.Request, Any]:
    got: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        got.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = httpx.Client(transport=httpx.MockTransport(take))
    channel = CASE.channel(Resources(client=client, environment={"TELEGRAM_BOT_TOKEN": TOKEN}))
    return got[0] if got else None, channel.send(a_message(), dedup_key="k")  # type: ignore[return-value]


def test_the_receipt_is_the_messages_number() -> None:
    client_got: list[str] = []

    def take(request: httpx.Request) -> httpx.Response:
        client_got.append(str(request.url))
        return httpx.Response(200, json={"ok": True, "result": {"message_id": 42}})

    client = httpx.Client(transport=httpx.MockTransport(take))
    channel = CASE.channel(Resources(client=client, environment={"TELEGRAM_BOT_TOKEN": TOKEN}))
    receipt = channel.send(a_message(), dedup_key="k")
    assert (receipt.ok, receipt.detail, receipt.note) == (True, "message 42", None)
    assert client_got == [f"https://api.telegram.org/bot{TOKEN}/sendMessage"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="no json"),
        httpx.Response(401, json={"ok": False, "description": f"bot{TOKEN}"}),
        httpx.Response(404),
        httpx.ConnectError(f"cannot reach https://api.telegram.org/bot{TOKEN}/sendMessage"),
        httpx.InvalidURL(f"bot{TOKEN}"),
    ],
)
def test_the_token_stands_in_no_receipt_and_in_no_log(
    answer: httpx.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="sixfb"):
        _, receipt = send(answer)
    channel = CASE.channel(Resources(client=httpx.Client(), environment={"TELEGRAM_BOT_TOKEN": TOKEN}))
    assert TOKEN not in repr(receipt) + repr(channel)
    assert TOKEN not in "".join(r.getMessage() for r in caplog.records if r.name.startswith("sixfb"))


def test_the_clients_own_log_of_addresses_is_masked_and_off(capsys: pytest.CaptureFixture[str]) -> None:
    from redact.masking import KNOWN

    send(httpx.Response(200))
    assert TOKEN not in KNOWN.mask(f"HTTP Request: POST https://api.telegram.org/bot{TOKEN}/sendMessage")


@pytest.mark.parametrize(
    ("told", "headers", "wait_s"),
    [
        ({"parameters": {"retry_after": 33}}, {}, 33.0),
        ({"parameters": {"retry_after": 33}}, {"Retry-After": "5"}, 5.0),
        ({"parameters": {"retry_after": 10**12}}, {}, 86_400.0),
        ({"parameters": {"retry_after": 10**400}}, {}, 86_400.0),
        ({"parameters": {"retry_after": -5}}, {}, None),
        ({"parameters": {"retry_after": "soon"}}, {}, None),
        ({"parameters": 5}, {}, None),
        ([1], {}, None),
    ],
)
def test_it_waits_as_long_as_telegram_asks(told: Any, headers: dict[str, str], wait_s: float | None) -> None:
    _, receipt = send(httpx.Response(429, json=told, headers=headers))
    assert (receipt.ok, receipt.permanent, receipt.retry_after_s) == (False, False, wait_s)


def test_a_pages_text_is_text() -> None:
    said = body(a_message(summary='<b>x</b> & <a href="https://evil.test">y</a>'), "1")["text"]
    assert "&lt;b&gt;x&lt;/b&gt; &amp; &lt;a href=" in said


def test_it_keeps_within_its_limit_however_long_the_message_is() -> None:
    line = replace(a_message().lines[0], title="<" * 4000, summary="&" * 4000)
    message = a_message(headline="h" * 4000, summary="s" * 9000, lines=(line,) * 80, counted=("c" * 100,) * 500)
    text = body(message, "1")["text"]
    import html
    import re

    assert len(html.unescape(re.sub(r"</?(b|i|a)\b[^>]*>", "", text))) <= 4096


def test_every_kind_of_message_is_one() -> None:
    for kind in NotificationKind:
        assert body(a_message(kind=kind), "1")["text"]


@pytest.mark.parametrize("token", ["", "123:short", "YOUR_BOT_TOKEN", "nonsense"])
def test_a_token_that_is_none_counts_as_unset(token: str) -> None:
    (missing,) = CASE.parsed().missing({"TELEGRAM_BOT_TOKEN": token})
    assert missing.key == "token_from"


@pytest.mark.parametrize("wrong", [{"chat": "ops"}, {"chat": "@x"}, {"chat": "1 2"}, {"token_from": TOKEN}])
def test_what_is_no_chat_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        CASE.parsed(**wrong)
