"""SMS by Twilio: one segment with the cause first, whom it may call, and which of its errors pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from pydantic import ValidationError

from alerts.channels import Confirming, Resources
from alerts.channels.text import gsm, septets
from alerts.channels.twilio import body
from facts import NotificationKind, Severity
from tests.alerts.channel_case import Case, a_message

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "very-secret-token-of-twilio"


def text_of(request: httpx.Request) -> str:
    return " ".join(value for values in parse_qs(request.content.decode()).values() for value in values)


CASE = Case(
    settings={"kind": "twilio", "to": "+15551234567", "from_number": "+15557654321"},
    environment={"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_API_BASE": "{url}"},
    text_of=text_of,
)


def send(answer: httpx.Response | Exception, **settings: Any) -> tuple[httpx.Request, Any]:
    got: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        got.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = httpx.Client(transport=httpx.MockTransport(take))
    environment = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN}
    channel = CASE.channel(Resources(client=client, environment=environment), **settings)
    receipt = channel.send(a_message(), dedup_key="k")
    return got[0], receipt


def test_the_receipt_is_the_sid_of_the_message() -> None:
    request, receipt = send(httpx.Response(201, json={"sid": "SM" + "a" * 32, "status": "queued"}))
    sid = "SM" + "a" * 32
    assert (receipt.ok, receipt.reference, receipt.detail, receipt.note) == (True, sid, f"Twilio took it ({sid})", None)
    assert str(request.url) == f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
    assert form["To"] == "+15551234567"
    assert form["From"] == "+15557654321"
    assert form["ValidityPeriod"] == "600"
    assert request.headers["Authorization"] == httpx.BasicAuth(ACCOUNT, TOKEN)._auth_header
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("status", "told", "confirmation", "detail"),
    [
        (200, {"status": "queued"}, "pending", "queued (SM1)"),
        (200, {"status": "sent"}, "pending", "sent (SM1)"),
        (200, {"status": "delivered"}, "confirmed", "delivered (SM1)"),
        (200, {"status": "read", "error_code": None}, "confirmed", "read (SM1)"),
        (
            200,
            {"status": "undelivered", "error_code": 30005},
            "unconfirmed",
            "undelivered, error 30005: the number is unknown",
        ),
        (200, {"status": "failed", "error_code": 1}, "unconfirmed", "failed, error 1 (SM1)"),
        (200, {"status": "canceled", "error_code": "x"}, "unconfirmed", "canceled (SM1)"),
        (200, {"status": ["sent"]}, "pending", "not known (answered 200)"),
        (200, {"status": f"lost {TOKEN}"}, "pending", "not known (answered 200)"),
        (200, [], "pending", "not known (answered 200)"),
        (404, {"status": 404, "code": 20404}, "pending", "not known (answered 404)"),
        (500, {"status": "delivered"}, "pending", "not known (answered 500)"),
    ],
)
def test_what_became_of_an_sms_is_asked_by_its_sid(status: int, told: Any, confirmation: str, detail: str) -> None:
    got: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(status, json=told)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    channel = CASE.channel(Resources(client=client, environment=CASE.at("https://twilio.test")))
    assert isinstance(channel, Confirming)
    arrival = channel.arrival("SM1")
    assert (arrival.confirmation, detail in arrival.detail) == (confirmation, True)
    assert TOKEN not in arrival.detail
    assert str(got[0].url) == f"https://twilio.test/2010-04-01/Accounts/{ACCOUNT}/Messages/SM1.json"
    assert (got[0].method, got[0].headers["Authorization"]) == ("GET", httpx.BasicAuth(ACCOUNT, TOKEN)._auth_header)


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ConnectError])
def test_a_status_that_twilio_does_not_tell_is_pending(error: type[httpx.RequestError]) -> None:
    def late(request: httpx.Request) -> httpx.Response:
        raise error("late", request=request)

    client = httpx.Client(transport=httpx.MockTransport(late))
    channel = CASE.channel(Resources(client=client, environment=CASE.at("https://twilio.test")))
    assert isinstance(channel, Confirming)
    assert channel.arrival("SM1").confirmation == "pending"


def test_a_messaging_service_sends_in_a_numbers_place() -> None:
    service = "MG" + "0" * 32
    request, _ = send(httpx.Response(201), from_number=None, messaging_service=service)
    form = parse_qs(request.content.decode())
    assert form["MessagingServiceSid"] == [service]
    assert "From" not in form


@pytest.mark.parametrize(
    ("status", "code", "permanent", "words"),
    [
        (429, 20429, False, "too many requests"),
        (400, 20429, False, "too many requests"),
        (503, 20503, False, "error 20503"),
        (400, 30003, False, "error 30003"),
        (400, 21211, True, "the number to send to is none"),
        (400, 21614, True, "takes no SMS"),
        (400, 21610, True, "STOP"),
        (400, 21606, True, "may not send"),
        (400, 21608, True, "trial account"),
        (401, 20003, True, "token is refused"),
        (400, 99999, True, "error 99999"),
    ],
)
def test_each_error_passes_or_does_not(status: int, code: int, permanent: bool, words: str) -> None:
    told = {"code": code, "message": f"The 'To' number +15551234567 {TOKEN}", "status": status}
    _, receipt = send(httpx.Response(status, json=told))
    assert (receipt.ok, receipt.permanent) == (False, permanent)
    assert words in receipt.detail
    assert "+1555" not in receipt.detail
    assert TOKEN not in receipt.detail


def test_too_many_requests_wait() -> None:
    assert send(httpx.Response(429, json={"code": 20429}))[1].retry_after_s == 5.0
    assert send(httpx.Response(429, json={"code": 20429}, headers={"Retry-After": "30"}))[1].retry_after_s == 30.0
    assert send(httpx.Response(429, text="slow down"))[1].retry_after_s == 5.0


@pytest.mark.parametrize(
    "text", ["", "no json", "[1]", '{"code": "21211"}', '{"code": true}', '{"sid": 5}', "[" * 9000]
)
def test_an_answer_that_is_none_is_judged_by_its_status(text: str) -> None:
    assert send(httpx.Response(400, text=text))[1].permanent
    assert not send(httpx.Response(500, text=text))[1].permanent
    taken = send(httpx.Response(201, text=text))[1]
    assert taken.ok
    assert "counts as delivered" in taken.note


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError])
def test_what_may_have_been_sent_is_tried_once_more_and_no_longer(error: type[httpx.RequestError]) -> None:
    def late(request: httpx.Request) -> httpx.Response:
        raise error("late", request=request)

    client = httpx.Client(transport=httpx.MockTransport(late))
    channel = CASE.channel(Resources(client=client, environment=CASE.at("https://twilio.test")))
    first, second = (channel.send(a_message(), dedup_key="one") for _ in range(2))
    assert (first.ok, first.permanent) == (False, False)
    assert "may have been sent" in first.detail
    assert (second.ok, second.permanent) == (False, True)
    assert not channel.send(a_message(), dedup_key="another").permanent


@pytest.mark.parametrize("error", [httpx.ConnectTimeout, httpx.ConnectError, httpx.WriteTimeout])
def test_what_was_never_sent_is_tried_as_long_as_any_message(error: type[httpx.RequestError]) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise error("nobody", request=request)

    client = httpx.Client(transport=httpx.MockTransport(refuse))
    channel = CASE.channel(Resources(client=client, environment=CASE.at("https://twilio.test")))
    assert not any(channel.send(a_message(), dedup_key="one").permanent for _ in range(5))


CAUSE = "proceed_to_stripe: POST /api/create-checkout-session answered 500"
OUTAGE: dict[str, Any] = {
    "summary": f"GA purchase fails at 2 of 3 locations (eu-west, us-east): {CAUSE}; passes at us-west",
    "cause": CAUSE,
    "title": "GA purchase: payment fails",
}


@pytest.mark.parametrize(
    "acknowledge", ["", "sixfb alerts ack A1s.ga_purchase.12", "https://hub.example.com/alerts#A1s.ga_purchase.12"]
)
@pytest.mark.parametrize("mark", [None, "demo", "TEST, nothing is broken"])
@pytest.mark.parametrize("incident", ["inc-1", "inc-1234567"])
@pytest.mark.parametrize("kind", [NotificationKind.FIRING, NotificationKind.UPDATE])
def test_what_failed_is_never_cut_off(
    acknowledge: str, mark: str | None, incident: str, kind: NotificationKind
) -> None:
    note = "Critical, tier 2, still unacknowledged for 1 h 20 min"
    said = body(a_message(**OUTAGE, acknowledge=acknowledge, mark=mark, incident=incident, note=note, kind=kind))
    assert "POST /api/create-checkout-session answered 500" in said
    assert said.endswith(f"({incident})")
    assert ("Ack: " in said) is bool(acknowledge)
    assert septets(said) <= 160


@pytest.mark.parametrize(
    ("cause", "has"),
    [
        (
            f"choose_a_city_on_the_page: GET /{'very/' * 40}long answered 500 with HTML",
            ["GET /very", "/long answered 500"],
        ),
        (f"pay: POST /{'x' * 300} answered 429: {'slow down ' * 30}", ["POST /xxx", "answered 429: slow down"]),
        (f"GET /{'[id]/' * 40}end answered 503", ["GET /[id", "end answered 503"]),
        (f"fill_form: {'the page shows no field called Name ' * 9}", ["CRITICAL: the page shows no field"]),
    ],
)
def test_a_long_cause_loses_its_step_and_the_middle_of_its_path_and_never_the_answer(
    cause: str, has: list[str]
) -> None:
    said = body(a_message(cause=cause, summary=f"x fails: {cause}", acknowledge="sixfb alerts ack F0.x.1"))
    assert [part for part in has if part not in said] == []
    assert septets(said) <= 160


def test_after_the_cause_it_says_for_what_it_is_sent_and_what_fails_where() -> None:
    said = body(a_message(**OUTAGE, note="Critical, tier 2, unacknowledged for 5 min"))
    assert (
        said == f"CRITICAL: {CAUSE}. tier 2, unacknowledged for 5 min. GA purchase fails at 2 of 3 locations... (inc-1)"
    )
    assert (
        body(a_message(**OUTAGE))
        == f"CRITICAL: {CAUSE}. GA purchase fails at 2 of 3 locations (eu-west, us-east) (inc-1)"
    )


def test_a_recovery_says_first_how_long_it_lasted() -> None:
    over = a_message(
        kind=NotificationKind.RESOLVED,
        headline=f"Resolved: {'GA purchase failed ' * 12}, lasted 5 min (16:20:00 to 16:25:00 UTC)",
        title="GA purchase failed " * 12,
        lasted_s=300.0,
        at_risk="about $60 ($12 a minute)",
    )
    assert body(over).startswith("Resolved after 5 min: GA purchase failed")
    short = replace(over, title="GA purchase failed")
    assert body(short) == "Resolved after 5 min: GA purchase failed. Money at risk: about $60 ($12 a minute) (inc-1)"
    closed = replace(short, headline="Closed: GA purchase fails, lasted 5 min", at_risk="")
    assert body(closed) == "Closed after 5 min: GA purchase failed (inc-1)"


@pytest.mark.parametrize(
    ("acknowledge", "said"),
    [
        ("https://hub.example.com/alerts#F0.ga.1", "Ack: https://hub.example.com/alerts#F0.ga.1"),
        ("https://hub.example.com/monitor/alerts#F0.ga_purchase.1", "Ack: https://hub.example.com/monitor/alerts"),
        (f"https://{'hub.' * 15}com/alerts#F0.ga.1", "Ack: see /alerts"),
    ],
)
def test_how_to_acknowledge_fits_whatever_the_hubs_address_is(acknowledge: str, said: str) -> None:
    assert said in body(a_message(acknowledge=acknowledge))


def test_the_cause_comes_first_and_the_incident_last() -> None:
    said = body(a_message(summary="proceed_to_stripe: POST /api/create-checkout-session answered 500"))
    assert said == "CRITICAL: proceed_to_stripe: POST /api/create-checkout-session answered 500 (inc-1)"
    over = a_message(kind=NotificationKind.RESOLVED, headline="Resolved: GA purchase failed, lasted 5 min")
    assert body(over) == "Resolved: GA purchase failed, lasted 5 min (inc-1)"
    assert body(a_message(mark="demo")).startswith("[demo] CRITICAL: ")


@pytest.mark.parametrize("text", ["x" * 500, "€" * 500, "字" * 500, "ü" * 500, "😀" * 500, "[" * 159, "a\n" * 400, ""])
@pytest.mark.parametrize("kind", list(NotificationKind))
def test_it_is_one_segment_of_the_gsm_alphabet_whatever_it_says(text: str, kind: NotificationKind) -> None:
    said = body(a_message(summary=text, headline=text, kind=kind, incident="inc-1" * 20, mark=text[:20]))
    assert septets(said) <= 160
    assert gsm(said, 1000) == said, "every character is of the alphabet"
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("São Paulo: “naïve” – 5 €", 'Sao Paulo: "naive" - 5 €'),
        ("Größe ñ à Ç", "Größe ñ à Ç"),
        ("100…200 · x", "100...200 - x"),
        ("日本", "??"),
        ("ﬁnal", "final"),
        ("a `b`", "a 'b'"),
    ],
)
def test_what_the_alphabet_has_not_is_said_otherwise(text: str, said: str) -> None:
    assert gsm(text) == said


def test_characters_of_the_extension_count_twice() -> None:
    assert septets(gsm("€" * 80)) == 160
    assert gsm("€" * 81) == "€" * 78 + "..."


@pytest.mark.parametrize("number", ["+1555-ENG-LEAD", "+1555-DEVOPS", "ops", "", "  ", "+1555ONCALL"])
@pytest.mark.parametrize("key", ["to", "from_number"])
def test_a_placeholder_is_no_number_and_counts_as_unset(key: str, number: str) -> None:
    (missing,) = CASE.parsed(**{key: number}).missing(CASE.at("https://twilio.test"))
    assert (missing.key, missing.blocks) == (key, True)
    assert "has no number" in missing.what
    assert missing.hint == "write a number like +15551234567"


def test_without_a_sender_nothing_is_sent() -> None:
    (missing,) = CASE.parsed(from_number=None).missing(CASE.at("https://twilio.test"))
    assert missing.what == "has no number to send from"


@pytest.mark.parametrize(
    ("environment", "keys"),
    [
        ({}, ["account_from", "token_from"]),
        ({"TWILIO_ACCOUNT_SID": "ACxxxxxxxx", "TWILIO_AUTH_TOKEN": TOKEN}, ["account_from"]),
        ({"TWILIO_ACCOUNT_SID": ACCOUNT}, ["token_from"]),
    ],
)
def test_account_and_token_come_from_the_environment(environment: dict[str, str], keys: list[str]) -> None:
    assert [one.key for one in CASE.parsed().missing(environment)] == keys


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "15551234567"},
        {"to": "+1 555 123 4567"},
        {"to": "+0155512345"},
        {"to": "+1555123456789012"},
        {"to": "+1555"},
        {"to": "+1555123456٧"},
        {"from_number": "0155512345"},
        {"messaging_service": "MG" + "0" * 32},
        {"from_number": None, "messaging_service": "MG123"},
        {"token_from": "my token"},
        {"account_from": "https://x"},
        {"token": TOKEN},
    ],
)
def test_what_is_no_number_in_e164_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CASE.parsed(**wrong)


def test_a_severity_of_any_kind_is_said() -> None:
    for severity in Severity:
        assert body(replace(a_message(), severity=severity)).startswith(severity.value.upper())


@pytest.mark.parametrize(
    ("acknowledge", "incident", "said"),
    [
        ("https://hub.test/alerts#F0.ga.1", "inc-7", "Reply ack 7, or https://hub.test/alerts#F0.ga.1 (inc-7)"),
        ("https://hub.example.com/monitor/alerts#F0.ga_purchase.12", "inc-7", "Reply ack 7 (inc-7)"),
        (
            "https://hub.test/alerts#F0",
            "test-20261130T100000",
            "Ack: https://hub.test/alerts#F0 (test-20261130T100000)",
        ),
        ("", "inc-7", "(inc-7)"),
    ],
)
def test_where_replies_are_taken_an_sms_says_what_to_answer(acknowledge: str, incident: str, said: str) -> None:
    told = replace(a_message(), acknowledge=acknowledge, incident=incident, summary="x" * 300, cause="")
    assert body(told, replies=True).endswith(said)
    assert septets(body(told, replies=True)) <= 160
    assert "Reply" not in body(told)


def test_the_setting_decides_what_is_sent() -> None:
    asked = replace(a_message(), acknowledge="https://hub.test/alerts", incident="inc-7")
    assert "Reply ack 7" in str(CASE.parsed(replies=True).rendered(asked, dedup_key="k").text)
