"""Slack's incoming webhooks: its limits, its mentions, and that whatever a page said calls nobody."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest

from alerts.channels import Resources
from alerts.channels.slack import body as slack_body
from facts import NotificationKind
from tests.alerts.channel_case import Case, a_message

CASE = Case(
    settings={"kind": "slack", "url_from": "OPS_WEBHOOK"},
    environment={"OPS_WEBHOOK": "{url}"},
    text_of=lambda request: json.dumps(json.loads(request.content), ensure_ascii=False),
)


def test_text_calls_nobody_whatever_a_page_said() -> None:
    said = slack_body(a_message(summary="<!channel> & <@U1> <https://evil.test|click>"))
    text = json.dumps(said["blocks"][1:2]) + said["text"]
    assert "<!channel>" not in text
    assert "&lt;!channel&gt; &amp; &lt;@U1&gt;" in text


@pytest.mark.parametrize(
    ("status", "text"), [(200, '{"status": "success"}'), (200, "<html>Welcome</html>"), (202, "queued"), (204, "")]
)
def test_a_receiver_in_slacks_place_has_a_message_when_it_answers_2xx_and_the_odd_body_is_noted(
    status: int, text: str
) -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status, text=text)))
    channel = CASE.channel(Resources(client=client, environment=CASE.at("https://hook.test/x")))
    receipt = channel.send(a_message(), dedup_key="k")
    assert (receipt.ok, receipt.detail) == (True, str(status))
    assert receipt.note == f"it answers {status} with something else than 'ok', which counts as delivered"


def test_slacks_own_answer_is_told_as_such() -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="ok\n")))
    channel = CASE.channel(Resources(client=client, environment=CASE.at("https://hook.test/x")))
    receipt = channel.send(a_message(), dedup_key="k")
    assert (receipt.ok, receipt.detail, receipt.note) == (True, "Slack answered ok (200)", None)


def test_people_are_called_when_something_fires_and_only_then() -> None:
    mentions = ("<!subteam^S123>",)
    assert "<!subteam^S123>" in json.dumps(slack_body(a_message(), mentions))
    for kind in (NotificationKind.RESOLVED, NotificationKind.UPDATE, NotificationKind.ACKNOWLEDGED):
        assert "<!subteam^S123>" not in json.dumps(slack_body(a_message(kind=kind), mentions))


def test_it_keeps_within_its_limits_however_long_the_message_is() -> None:
    line = a_message().lines[0]
    message = a_message(
        headline="h" * 4000, summary="<" * 9000, lines=tuple(replace(line, summary="&" * 4000) for _ in range(80))
    )
    said = slack_body(message)
    assert len(said["blocks"]) <= 50
    assert len(said["blocks"][0]["text"]["text"]) <= 150
    sections = [b["text"]["text"] for b in said["blocks"] if b["type"] == "section"]
    assert max(len(text) for text in sections) <= 3000
    assert "and 60 more" in sections[1] or len(sections[1]) == 3000


def test_a_demo_says_that_it_is_one() -> None:
    assert "[demo, clock 1:5]" in slack_body(a_message(mark="demo, clock 1:5"))["text"]
