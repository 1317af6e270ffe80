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
    assert policy.routes[Severity.CRITICAL] == ("slack-emergency", "webhook")
    assert policy.routes[Severity.HIGH] == policy.routes[Severity.MEDIUM] == ("slack-ops", "webhook")
    assert (policy.join_window, policy.update_every) == (timedelta(minutes=15), timedelta(minutes=5))


def test_the_demos_clock_shortens_the_waits() -> None:
    assert shipped().policy(base_url="", scale=5).update_every == timedelta(minutes=1)


def test_a_destination_without_an_address_is_told_and_left_out() -> None:
    routing = shipped()
    environment = {"SLACK_OPS_WEBHOOK": "https://hooks.test/x", "ALERT_WEBHOOK": "+1555-ENG-LEAD"}
    assert [c.key for c in routing.unset(environment)] == [
        "destinations.slack-emergency.url_from",
        "destinations.webhook.url_from",
    ]
    assert list(routing.channels(environment)) == ["slack-ops"]


def test_a_handle_that_calls_nobody_is_told() -> None:
    text = (ROOT / "alerts.yaml").read_text().replace("mentions: []  ", 'mentions: ["@engineering-lead", "<@U123>"]  ')
    routing = routing_from(parse_document(text, file="alerts.yaml"))
    told = [str(c) for c in routing.unset({}) if "mentions" in (c.key or "")]
    assert len(told) == 1
    assert "'@engineering-lead' calls nobody" in told[0]
