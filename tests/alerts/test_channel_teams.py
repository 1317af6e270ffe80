"""Microsoft Teams: an adaptive card within its limits, in which a page's text is text."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest

from alerts.channels import Resources
from alerts.channels.teams import body
from alerts.message import Link
from facts import NotificationKind
from tests.alerts.channel_case import Case, a_message

CASE = Case(
    settings={"kind": "teams", "url_from": "TEAMS_WEBHOOK"},
    environment={"TEAMS_WEBHOOK": "{url}"},
    text_of=lambda request: json.dumps(json.loads(request.content), ensure_ascii=False),
)


def test_it_is_a_card_with_the_facts_and_the_links() -> None:
    said = body(a_message(runbook="https://wiki.test/f0", counted=("us-east",)))
    (attachment,) = said["attachments"]
    card = attachment["content"]
    assert (said["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    assert [block["text"] for block in card["body"]] == [
        "Critical: GA purchase fails",
        "GA purchase fails at 2 of 3 locations",
        "inc-1 · critical · counted: us-east",
    ]
    assert [(a["title"], a["url"]) for a in card["actions"]] == [
        ("The run that proves it", "https://hub.test/runs/r1"),
        ("Runbook", "https://wiki.test/f0"),
    ]


@pytest.mark.parametrize(
    ("facts", "colour"),
    [
        ({}, "attention"),
        ({"kind": NotificationKind.RESOLVED}, "good"),
        ({"kind": NotificationKind.RESOLVED, "closed": "closed: off"}, "default"),
    ],
)
def test_its_colour_says_how_it_is(facts: dict[str, object], colour: str) -> None:
    assert body(a_message(**facts))["attachments"][0]["content"]["body"][0]["color"] == colour


def test_a_pages_text_makes_no_link() -> None:
    text = json.dumps(body(a_message(summary="[click](https://evil.test) <at>all</at> *x*")))
    assert "[click](" not in text
    assert "<at>" not in text.replace("\\\\<", "")


def test_a_card_is_small_enough_however_long_the_message_is() -> None:
    line = replace(a_message().lines[0], title="字" * 4000, summary="[" * 4000)
    message = a_message(
        headline="ü" * 4000,
        summary="\\" * 9000,
        lines=(line,) * 80,
        counted=("c" * 100,) * 500,
        links=tuple(Link(name="n" * 300, url=f"https://hub.test/{n}") for n in range(40)),
    )
    assert len(json.dumps(body(message)).encode()) < 28_000
    assert len(body(message)["attachments"][0]["content"]["actions"]) == 5


def test_the_workflows_answer_is_the_receipt() -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(202)))
    channel = CASE.channel(Resources(client=client, environment=CASE.at("https://teams.test/x")))
    assert channel.send(a_message(), dedup_key="k").detail == "the workflow took it (202)"
