"""The directory: people, roles, rotations, calendars and aliases, and who of them cannot be reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.channels.slack import SlackSettings
from alerts.channels.twilio import TwilioSettings
from alerts.directory import Directory, Rotation
from alerts.on_call_calendar import CalendarFile, on_call, shifts_of
from alerts.routes import Routing, routing_from
from config import ConfigError, read_document
from config.documents import parse_document
from facts import Recipient, Severity

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SID, TOKEN, URL = "AC" + "0" * 32, "t" * 32, "https://hooks.test-shop.dev/x"
REACHES = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN, "SLACK": URL}
TEAM = """
destinations:
  slack: {kind: slack, url_from: SLACK}
  sms: {kind: twilio, from_number: "+15550100001"}
routes: {critical: [slack, lead], high: [slack], medium: [slack]}
people:
  ann: {phone: "+15550100002", slack: U0ANN1234}
  bob: {phone: "+1555-BOB"}
  cyn: {reach: [slack]}
roles:
  lead: [ann]
  everybody: [lead, bob, cyn]
aliases: {boss: lead}
escalation:
  tiers:
    - {after: 0m, critical: [boss]}
    - {after: 5m, critical: [everybody]}
"""


def routing(text: str = TEAM) -> Routing:
    return routing_from(parse_document(text, file="alerts.yaml"))


def directory() -> Directory:
    return routing().directory({})


@pytest.mark.parametrize(
    ("name", "behind", "ways"),
    [
        ("ann", ("ann",), ("ann/phone", "ann/slack")),
        ("lead", ("ann",), ("ann/phone", "ann/slack")),
        ("boss", ("ann",), ("ann/phone", "ann/slack")),
        ("everybody", ("ann", "bob", "cyn"), ("ann/phone", "ann/slack", "bob/phone", "slack")),
        ("slack", ("slack",), ("slack",)),
        ("nobody-here", ("nobody-here",), ()),
    ],
)
def test_a_name_stands_for_people_and_their_ways(name: str, behind: tuple[str, ...], ways: tuple[str, ...]) -> None:
    found = directory().recipient(name, NOW)
    assert found.names == behind
    assert directory().reached([found], NOW, None).destinations == ways


def test_roles_that_name_each_other_stand_for_nobody_and_end() -> None:
    circle = Directory(members={"a": ("b", "x"), "b": ("a",)}, ways={"x": ("sms",)})
    assert circle.recipient("a", NOW) == Recipient(role="a", names=("x",))


def test_whoever_has_no_reachable_way_is_unreached() -> None:
    everybody, bob = directory().recipient("everybody", NOW), directory().recipient("bob", NOW)
    reachable = routing().reachable(REACHES)
    assert reachable == {"slack", "ann/phone", "ann/slack"}
    assert directory().reached([everybody, bob], NOW, reachable).unreached == ("bob",)


def test_a_persons_own_address_is_used_with_the_settings_of_a_destination_of_that_kind() -> None:
    found = routing().all_destinations()
    sms, slack = found["ann/phone"], found["ann/slack"]
    assert isinstance(sms, TwilioSettings)
    assert (sms.to, sms.from_number) == ("+15550100002", "+15550100001")
    assert isinstance(slack, SlackSettings)
    assert slack.mentions == ["<@U0ANN1234>"]
    assert list(routing().channels(REACHES)) == ["slack", "ann/phone", "ann/slack"]


@pytest.mark.parametrize("handle", ["@ann", "ann", "U…", "here"])
def test_a_slack_handle_that_calls_nobody_is_no_way_to_reach_somebody(handle: str) -> None:
    named = routing(TEAM.replace("U0ANN1234", f'"{handle}"'))
    assert "ann/slack" not in named.reachable(REACHES)
    assert any(c.key == "people.ann.slack" for c in named.unset(REACHES))


def test_who_cannot_be_reached_is_said_with_the_key() -> None:
    told = {c.key: c.what for c in routing().unset(REACHES)}
    assert told == {"people.bob.phone": "bob has no number: '+1555-BOB' is a placeholder"}
    alone = routing(TEAM.replace("[ann]", "[bob]"))
    told = {c.key: c.what for c in alone.unset(REACHES)}
    assert told["escalation.tiers.0.critical.0"] == "boss reaches nobody"
    assert alone.critical_unreached(REACHES) == ["boss"]
    assert routing().critical_unreached(REACHES) == []


def test_roles_of_less_urgent_tiers_are_said_and_do_not_fail_the_check() -> None:
    tiers = TEAM.replace("critical: [everybody]", "high: [bob]")
    assert routing(tiers).critical_unreached(REACHES) == []
    assert any("bob reaches nobody" in c.what for c in routing(tiers).unset(REACHES))


def test_a_phone_that_lends_its_settings_needs_no_number_of_its_own() -> None:
    assert [c.key for c in routing(TEAM.replace("+1555-BOB", "+15550100009")).unset(REACHES)] == []
    unused = routing("destinations: {sms: {kind: twilio, from_number: '+15550100001'}}\nroutes: {critical: [sms]}\n")
    assert "destinations.sms.to" in [c.key for c in unused.unset(REACHES)]


def test_a_severity_that_only_a_role_receives_is_told() -> None:
    only = TEAM.replace("[slack, lead]", "[lead]")
    assert Severity.CRITICAL not in routing(only).untold(REACHES)
    assert Severity.CRITICAL in routing(only.replace("[ann]", "[bob]")).untold(REACHES)


def test_names_of_a_rules_own_escalation_are_checked() -> None:
    told = routing().unknown_roles({"OWN": ["boss", "cto"], "A2": []})
    assert [(c.key, c.what) for c in told] == [("OWN.escalation", "there is no 'cto'")]
    assert routing(TEAM.partition("escalation:")[0]).unknown_roles({"OWN": ["cto"]}) == []


def test_the_shipped_matrix_is_the_guides_line_by_line() -> None:
    told = routing_from(read_document(ROOT / "alerts.yaml"))
    assert told.escalation is not None
    assert [(t.after, t.critical, t.high, t.medium) for t in told.escalation.tiers] == [
        ("0m", ["engineering_lead", "devops_oncall"], ["engineering_team"], ["slack_notification"]),
        ("5m", ["cto", "product_manager"], ["engineering_lead"], ["engineering_team"]),
        ("15m", ["ceo", "all_hands"], ["product_manager"], ["engineering_lead"]),
    ]
    phones = {person.phone for person in told.people.values()}
    assert phones >= {"+1555-ENG-LEAD", "+1555-DEVOPS", "+1555-ONCALL"}
    assert told.reachable({}) == frozenset()
    assert told.critical_unreached({"SLACK_EMERGENCY_WEBHOOK": URL}) == [
        "engineering_lead", "devops_oncall", "cto", "product_manager", "ceo", "all_hands",
    ]  # fmt: skip


def test_the_shipped_channels_are_the_guides_line_by_line() -> None:
    told = routing_from(read_document(ROOT / "alerts.yaml"))
    settings: dict[str, Any] = dict(told.destinations)
    critical = told.routes.critical
    # slack: channel "#emergency-alerts", mentions; sms: three recipients; email: two; pagerduty: service "6fb-ticketing-critical"
    emergency = settings["slack-emergency"]
    assert (emergency.description, emergency.mentions) == ("#emergency-alerts", ["@engineering-lead", "@devops-lead"])
    phones = [told.people[name].phone for name in critical if name in told.people]
    assert phones == ["+1555-ENG-LEAD", "+1555-DEVOPS", "+1555-ONCALL"]
    mailed = [
        one for name in critical if name in settings and settings[name].kind == "email" for one in settings[name].to
    ]
    assert mailed == ["engineering@6fbmethodologies.com", "ops@6fbmethodologies.com"]
    assert (settings["pagerduty"].kind, settings["pagerduty"].description) == ("pagerduty", "6fb-ticketing-critical")
    assert {"slack-emergency", "pagerduty"} <= set(critical)
    # slack: channel "#ops-alerts", business_hours_only; email: digest "15_minutes", one recipient
    assert told.routes.high == told.routes.medium
    assert settings[told.routes.high[0]].description == "#ops-alerts"
    assert (told.business_hours is not None, told.after_hours_high) == (True, "defer")
    assert told.digest is not None
    assert (told.digest.every, told.digest.to, sorted(told.digest.severities)) == (
        "15m",
        ["mail-team"],
        ["high", "medium"],
    )
    assert settings["mail-team"].to == ["team@6fbmethodologies.com"]


def yaml_of_the_docs(number: int) -> str:
    """One of the YAML blocks of docs/alerts.md."""
    return (ROOT / "docs" / "alerts.md").read_text().split("```yaml\n")[number].partition("```")[0]


def test_the_team_of_three_of_the_docs_is_ten_lines_and_reaches_everybody() -> None:
    text = yaml_of_the_docs(1)
    assert len(text.splitlines()) <= 10
    told = routing(text)
    environment = {**REACHES, "SLACK_WEBHOOK": URL}
    assert (told.unset(environment), told.untold(environment), told.critical_unreached(environment)) == ([], {}, [])


def test_the_routes_of_the_docs_are_taken_as_they_stand() -> None:
    names = ("slack-emergency", "slack-ops", "dallas-team", "inventory-team")
    destinations = "".join(f"  {name}: {{kind: slack, url_from: SLACK}}\n" for name in names)
    matching = routing(f"destinations:\n{destinations}{yaml_of_the_docs(2)}").routes.matching
    assert [route.to for route in matching] == [["dallas-team"], ["inventory-team", "slack-ops"]]


# Rotations

CHICAGO = ZoneInfo("America/Chicago")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-01-05T09:00", "ann"),
        ("2026-01-12T08:59", "ann"),
        ("2026-01-12T09:00", "bob"),
        ("2026-01-26T09:00", "ann"),
        ("2026-03-09T08:59", "cyn"),
        ("2026-03-09T09:00", "ann"),
        ("2026-11-02T08:59", "ann"),
        ("2026-11-02T09:00", "bob"),
        ("2026-01-04T09:00", "cyn"),
    ],
)
def test_a_rotation_hands_over_at_the_wall_time_of_its_start(at: str, who: str) -> None:
    turn = Rotation(
        people=["ann", "bob", "cyn"], start=datetime.fromisoformat("2026-01-05T09:00"), every=timedelta(days=7), zone=CHICAGO
    )  # fmt: skip
    assert turn.on_call(local(at)) == (who,)


def test_a_role_may_be_a_rotation_in_the_zone_of_business_hours() -> None:
    text = TEAM.replace("lead: [ann]", "lead: {rotation: [ann, cyn], start: 2026-11-23T09:00}")
    told = routing(text + "business_hours: {timezone: America/Chicago}\n").directory({})
    assert told.recipient("boss", local("2026-11-30T08:59")).names == ("ann",)
    assert told.recipient("boss", local("2026-11-30T09:00")).names == ("cyn",)


# Calendars


def event(summary: str, start: str, end: str, *more: str) -> str:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{summary}",
        f"SUMMARY:{summary}",
        f"DTSTART{start}",
        f"DTEND{end}",
        *more,
        "END:VEVENT",
    ]
    return "\r\n".join(lines)


def calendar(*events: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test", *events, "END:VCALENDAR", ""])


WEEKLY = event(
    "ann", ";TZID=America/Chicago:20260105T090000", ";TZID=America/Chicago:20260112T090000", "RRULE:FREQ=WEEKLY;INTERVAL=2"
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "at", "who"),
    [
        (calendar(event("ann", ":20261130T080000Z", ":20261130T160000Z")), "2026-11-30T02:00", ("ann",)),
        (calendar(event("ann", ":20261130T080000Z", ":20261130T160000Z")), "2026-11-30T10:00", ()),
        (calendar(event("ann, bob", ":20261130T080000Z", ":20261130T160000Z")), "2026-11-30T03:00", ("ann", "bob")),
        (calendar(event("ann", ";VALUE=DATE:20261130", ";VALUE=DATE:20261201")), "2026-11-30T00:00", ("ann",)),
        (calendar(event("ann", ";VALUE=DATE:20261130", ";VALUE=DATE:20261201")), "2026-11-29T23:59", ()),
        (calendar(WEEKLY), "2026-01-05T09:00", ("ann",)),
        (calendar(WEEKLY), "2026-01-12T09:00", ()),
        (calendar(WEEKLY), "2026-06-15T08:59", ("ann",)),
        (calendar(WEEKLY), "2026-06-15T09:00", ()),
        (calendar(WEEKLY.replace("END:VEVENT", "EXDATE;TZID=America/Chicago:20260119T090000\r\nEND:VEVENT")), "2026-01-19T12:00", ()),
        (calendar(event("ann", ":20261130T080000Z", ":20261130T160000Z", "STATUS:CANCELLED")), "2026-11-30T03:00", ()),
        (
            calendar(
                WEEKLY,
                event("bob", ";TZID=America/Chicago:20260119T090000", ";TZID=America/Chicago:20260126T090000",
                      "RECURRENCE-ID;TZID=America/Chicago:20260119T090000").replace("UID:bob", "UID:ann"),
            ),
            "2026-01-20T12:00",
            ("bob",),
        ),
    ],
)  # fmt: skip
def test_whoever_an_event_names_is_on_call_while_it_lasts(text: str, at: str, who: tuple[str, ...]) -> None:
    assert on_call(shifts_of(text, CHICAGO), local(at)) == who


def test_a_calendar_is_read_again_when_it_changes_and_keeps_its_last_good_state(tmp_path: Path) -> None:
    file = tmp_path / "oncall.ics"
    file.write_text(calendar(event("ann", ":20261130T080000Z", ":20261130T160000Z")))
    text = TEAM.replace("lead: [ann]", "lead: {calendar: oncall.ics}")
    told = routing(text)
    people = told.directory(told.calendars(tmp_path))
    assert people.recipient("boss", NOW).names == ("ann",)
    file.write_text(
        calendar(event("bob and more", ":20261130T080000Z", ":20261130T160000Z")).replace("bob and more", "bob")
    )
    assert people.recipient("boss", NOW).names == ("bob",)
    file.write_text("no calendar at all")
    assert people.recipient("boss", NOW).names == ("bob",)
    file.unlink()
    assert people.recipient("boss", NOW).names == ("bob",)


@pytest.mark.parametrize("content", [None, "", "no calendar", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT"])
def test_a_calendar_that_cannot_be_read_is_a_mistake_of_the_file(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "oncall.ics").write_text(content)
    told = routing(TEAM.replace("lead: [ann]", "lead: {calendar: oncall.ics}"))
    with pytest.raises(ConfigError) as caught:
        told.calendars(tmp_path)
    assert [c.key for c in caught.value.complaints] == ["roles.lead.calendar"]


FOREVER = event("ann", ":20260105T090000Z", ":20260105T100000Z", "RRULE:{}")


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (FOREVER.format("FREQ=DAILY;INTERVAL=0"), "INTERVAL=0"),
        (FOREVER.format("FREQ=MINUTELY"), "has no FREQ of DAILY"),
        (FOREVER.format("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "never comes"),
        (FOREVER.format("FREQ=DAILY\r\nRRULE:FREQ=WEEKLY"), "another shape"),
        (event("ann", ":20260105T090000Z", ":20260101T090000Z"), "lasts"),
        (event("ann", ":00010101T090000Z", ":99991231T090000Z"), "the year 1"),
    ],
)
def test_a_shift_that_no_hub_could_evaluate_is_a_mistake_of_the_calendar(
    tmp_path: Path, events: str, told: str
) -> None:
    (tmp_path / "oncall.ics").write_text(calendar(events))
    with pytest.raises(ConfigError, match=told):
        CalendarFile(path=tmp_path / "oncall.ics").read(key="roles.lead.calendar", file="alerts.yaml")


def test_whom_a_calendar_names_and_nobody_knows_is_unreached(tmp_path: Path) -> None:
    (tmp_path / "oncall.ics").write_text(calendar(event("Zoe", ":20261130T080000Z", ":20261130T160000Z")))
    calendars = {"lead": CalendarFile(path=tmp_path / "oncall.ics")}
    people = routing().directory(calendars)
    assert people.reached([people.recipient("boss", NOW)], NOW, None).unreached == ("boss",)


def test_a_phone_that_answers_is_known_by_its_number_and_a_placeholder_is_nobodys() -> None:
    shared = TEAM.replace('"+1555-BOB"', '"+15550100002"').replace(
        "routes:", '  desk: {kind: twilio, from_number: "+15550100001", to: "+15550100009"}\nroutes:'
    )
    assert routing().phones() == {"+15550100002": ("ann", frozenset({"ann/phone"}))}
    assert routing(shared).phones() == {
        "+15550100002": ("ann or bob", frozenset({"ann/phone", "bob/phone"})),
        "+15550100009": ("desk", frozenset({"desk"})),
    }
    reached = shared.replace("cyn: {reach: [slack]}", "cyn: {reach: [slack, desk]}")
    assert routing(reached).phones()["+15550100009"] == ("cyn", frozenset({"desk"}))
