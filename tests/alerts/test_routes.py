"""alerts.yaml: each mistake is told with its key; what is unset is shown and stops nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerts.routes import Routing, routing_from
from config import ConfigError, read_document
from config.documents import parse_document
from facts import Severity

ROOT = Path(__file__).resolve().parents[2]
BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


def shipped() -> Routing:
    return routing_from(read_document(ROOT / "alerts.yaml"))


@pytest.mark.parametrize("file", BAD, ids=lambda f: f.stem)
def test_each_mistake_is_told_with_its_key(file: Path) -> None:
    key, _, words = file.read_text().partition("\n")[0].removeprefix("# complains: ").partition(" | ")
    with pytest.raises(ConfigError) as caught:
        routing_from(read_document(file))
    told = [c for c in caught.value.complaints if (c.key or "").startswith(key)]
    assert told, caught.value
    assert any(words in str(complaint) for complaint in told), told


def test_the_shipped_file_routes_the_guides_channels() -> None:
    policy = shipped().policy(base_url="https://hub.test")
    critical = ("slack-emergency", "eng-lead", "devops-lead", "oncall", "mail-critical", "pagerduty", "webhook")
    assert policy.routes[Severity.CRITICAL] == critical
    assert policy.routes[Severity.HIGH] == policy.routes[Severity.MEDIUM] == ("slack-ops", "webhook")
    assert (policy.join_window, policy.update_every) == (timedelta(minutes=15), timedelta(minutes=5))


def test_the_demos_clock_shortens_the_waits() -> None:
    assert shipped().policy(base_url="", scale=5).update_every == timedelta(minutes=1)


THREE = """
destinations:
  slack-emergency: {kind: slack, url_from: SLACK_EMERGENCY_WEBHOOK}
  slack-ops: {kind: slack, url_from: SLACK_OPS_WEBHOOK, mentions: ["@engineering-lead", "<@U123>"]}
  webhook: {kind: webhook, url_from: ALERT_WEBHOOK}
routes: {critical: [slack-emergency, webhook], high: [slack-ops, webhook], medium: [slack-ops, webhook]}
"""


def test_a_destination_without_an_address_is_told_and_left_out() -> None:
    routing = routing_from(parse_document(THREE, file="alerts.yaml"))
    environment = {"SLACK_OPS_WEBHOOK": "https://hooks.test/x", "ALERT_WEBHOOK": "+1555-ENG-LEAD"}
    assert [c.key for c in routing.unset(environment)] == [
        "destinations.slack-emergency.url_from",
        "destinations.webhook.url_from",
        "destinations.slack-ops.mentions",
    ]
    assert list(routing.channels(environment)) == ["slack-ops"]


def test_a_handle_that_calls_nobody_is_told() -> None:
    told = [str(c) for c in shipped().unset({}) if "mentions" in (c.key or "")]
    assert len(told) == 2
    assert "'@engineering-lead' calls nobody" in told[0]


EVERY_KIND = """
destinations:
  slack: {kind: slack, url_from: SLACK_OPS_WEBHOOK, description: "#ops", mentions: ["@lead"]}
  hook: {kind: webhook, url_from: ALERT_WEBHOOK}
  pager: {kind: pagerduty, region: eu}
  mail: {kind: email, host: smtp.example.com, sender: a@example.com, to: [b@example.com]}
  sms: {kind: twilio, to: "+1555-ENG-LEAD", from_number: "+1555-OPS"}
  teams: {kind: teams, url_from: TEAMS_WEBHOOK}
  chat: {kind: telegram, chat: ""}
routes: {critical: [pager, sms], high: [mail], medium: [teams, chat]}
"""


def every_kind() -> Routing:
    return routing_from(parse_document(EVERY_KIND, file="alerts.yaml"))


def test_whatever_a_destination_lacks_is_told_with_its_key_and_what_to_do() -> None:
    told = {c.key: str(c) for c in every_kind().unset({})}
    assert list(told) == [
        "destinations.slack.url_from",
        "destinations.hook.url_from",
        "destinations.pager.key_from",
        "destinations.mail.host",
        "destinations.mail.sender",
        "destinations.mail.to",
        "destinations.sms.to",
        "destinations.sms.from_number",
        "destinations.sms.account_from",
        "destinations.sms.token_from",
        "destinations.teams.url_from",
        "destinations.chat.chat",
        "destinations.chat.token_from",
        "destinations.slack.mentions",
    ]
    assert "sms has no number: '+1555-ENG-LEAD' is a placeholder" in told["destinations.sms.to"]
    assert "mail has no server: 'smtp.example.com' is a placeholder" in told["destinations.mail.host"]
    assert "set PAGERDUTY_ROUTING_KEY or PAGERDUTY_ROUTING_KEY_FILE" in told["destinations.pager.key_from"]


def test_who_would_not_be_told_is_said_with_what_to_set_of_every_kind() -> None:
    assert every_kind().untold({}) == {
        Severity.CRITICAL: "set PAGERDUTY_ROUTING_KEY or its number (to)",
        Severity.HIGH: "set its host",
        Severity.MEDIUM: "set TEAMS_WEBHOOK or its chat",
    }
    assert every_kind().untold({"PAGERDUTY_ROUTING_KEY": "0" * 32}).keys() == {Severity.HIGH, Severity.MEDIUM}


def test_only_what_lacks_nothing_is_a_channel() -> None:
    assert every_kind().channels({}) == {}
    found = every_kind().channels({"PAGERDUTY_ROUTING_KEY": "0" * 32, "TEAMS_WEBHOOK": "https://teams.test/x"})
    assert list(found) == ["pager", "teams"]


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("{url_from: OPS}", "destinations.ops.kind", "is missing"),
        ("{kind: null, url_from: OPS}", "destinations.ops.kind", "input should be"),
        ("{kind: slack}", "destinations.ops.url_from", "is missing"),
        ("{kind: slack, slack: 1, url_from: OPS}", "destinations.ops.slack", "unknown key"),
        ("{kind: twilio, too: x, to: '+15551234567'}", "destinations.ops.too", "did you mean to?"),
        ("{kind: email, host: smtp.6fb.dev, to: [a@6fb.dev], sender: x}", "destinations.ops.sender", "no address"),
    ],
)
def test_a_mistake_within_a_kind_is_told_at_its_own_key(text: str, key: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        routing_from(parse_document(f"destinations:\n  ops: {text}\nroutes: {{critical: [ops]}}\n", file="alerts.yaml"))
    (told,) = caught.value.complaints
    assert told.key == key
    assert told.line == 2
    assert says in str(told)
