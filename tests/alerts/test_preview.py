"""The preview: every message of an example incident as each channel would send it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from alerts.channels.text import GSM_SEGMENT, septets
from alerts.preview import Preview, chosen, previews
from alerts.routes import Routing, routing_from
from config import read_document
from facts import Severity
from hub.sample_verdicts import sample_of
from tests.alerts.builders import NOW
from tests.sla.builders import schedules, the_targets

ROOT = Path(__file__).resolve().parents[2]
TARGETS = the_targets()
STEPS = {"ga_purchase": ("choose_city", "proceed_to_stripe"), "vip_member_discount": ("choose_city",)}


@cache
def the_routing() -> Routing:
    return routing_from(read_document(ROOT / "alerts.yaml"))


def shown(rule: str = "F0", severity: Severity | None = None, **changes: object) -> list[Preview]:
    routing = replace(the_routing(), **changes)  # type: ignore[arg-type]
    policy = routing.policy(base_url="https://hub.test", reachable=())
    sample = sample_of(TARGETS, rule, schedules=schedules(), steps=STEPS, now=NOW, severity=severity)
    return previews(sample, policy, routing.all_destinations(), NOW)


def test_a_critical_incident_is_shown_from_its_first_message_to_its_end() -> None:
    told = [(one.why, one.after_s / 60, one.destinations) for one in shown() if one.channel == "twilio"]
    everybody = {"eng-lead/phone", "devops-lead/phone", "oncall/phone", "cto/phone", "product-manager/phone"}
    assert [(why, after) for why, after, _ in told] == [
        ("fires", 0),
        ("another alert joins", 5),
        ("escalation, tier 2", 5),
        ("escalation, tier 3", 15),
        ("ann acknowledges", 16),
        ("resolved", 17),
    ]
    assert told[0][2] == ("eng-lead/phone", "devops-lead/phone", "oncall/phone")
    assert told[2][2] == ("cto/phone", "product-manager/phone")
    assert set(told[-1][2]) == everybody | {"ceo/phone"}, "everybody who was told learns of the end"


def test_every_channel_of_the_file_is_shown_also_without_an_address() -> None:
    first = {name: one.channel for one in shown() if one.why == "fires" for name in one.destinations}
    assert first == {
        "slack-emergency": "slack",
        "eng-lead/phone": "twilio",
        "devops-lead/phone": "twilio",
        "oncall/phone": "twilio",
        "mail-critical": "email",
        "pagerduty": "pagerduty",
        "webhook": "webhook",
    }


def test_a_message_to_several_receivers_is_shown_once() -> None:
    texts = [(one.why, one.channel, str(one.content)) for one in shown()]
    assert len(texts) == len(set(texts))


def test_what_waits_for_business_hours_is_shown_as_it_is_sent_then() -> None:
    found = shown("W1")
    assert [one.why for one in found if one.channel == "slack"] == ["fires", "ann acknowledges", "resolved"]
    (digest,) = (one for one in found if one.why == "digest")
    assert digest.destinations == ("mail-team",)


def test_another_severity_goes_where_that_severity_goes() -> None:
    assert not any("slack-emergency" in one.destinations for one in shown("F0", Severity.MEDIUM))
    assert any("slack-emergency" in one.destinations for one in shown("W1", Severity.CRITICAL))


def test_without_a_matrix_and_a_digest_what_is_left_is_shown() -> None:
    found = shown("W1", escalation=None, digest=None)
    assert {one.why for one in found} == {"fires", "ann acknowledges", "resolved"}


def test_each_end_says_what_its_own_journey_does_now() -> None:
    end = next(one for one in shown() if one.why == "resolved" and one.channel == "email")
    lines = [line for line in (end.content.text or "").splitlines() if line.startswith("- ")]
    assert len(lines) == 2
    assert "Now: GA purchase passes" in lines[0]
    assert "Now: VIP purchase with member discount passes" in lines[1]


@pytest.mark.parametrize("rule", sorted(TARGETS.rules()))
def test_every_rule_has_a_preview_whose_sms_is_one_segment(rule: str) -> None:
    found = shown(rule, Severity.CRITICAL)
    assert {"fires", "ann acknowledges", "resolved"} <= {one.why for one in found}
    for one in found:
        if one.channel == "twilio":
            assert 0 < septets(one.content.text or "") <= GSM_SEGMENT


def test_some_channels_only_are_chosen_by_kind_and_by_destination() -> None:
    found = shown()
    assert {one.channel for one in chosen(found, ["twilio"], [])} == {"twilio"}
    by_name = list(chosen(found, [], ["oncall/phone", "pagerduty"]))
    assert {name for one in by_name for name in one.destinations} == {"oncall/phone", "pagerduty"}
    assert not list(chosen(found, [], []))
