"""Reports by mail: who gets them, by which server, and what is in the mail."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.report_mail import ReportMail, ReportNote, ReportsSettings, report_mail
from alerts.routes import Routing, routing_from
from config.documents import parse_document
from tests.alerts.test_channel_email import Mailbox, a_server

NOTE = ReportNote(
    key="monthly-2026-11",
    subject="Monthly report: November 2026\r\nBcc: all@shop.dev",
    sentence="Buyers could not buy once <b>in November</b>.",
    actions=("Nobody acknowledged inc-7.", "Connect <stripe>."),
    file_name="monthly-2026-11.html",
    html="<!doctype html><p>The whole report — with dashes</p>",
    link="https://hub.test/reports/monthly?for=2026-11",
)


def routing(port: int = 25, **reports: Any) -> Routing:
    told = {"recipients": ["owner@shop.dev", "ceo@shop.dev"], **reports}
    return routing_from(
        parse_document(
            f"""
destinations:
  mail: {{kind: email, host: 127.0.0.1, port: {port}, security: none, sender: alerts@shop.dev, to: [ops@shop.dev]}}
  other: {{kind: email, host: mail.other.dev, sender: alerts@other.dev, to: [ops@other.dev]}}
routes: {{critical: [mail]}}
reports: {told}
""",
            file="alerts.yaml",
        )
    )


def the_mail(routing: Routing) -> ReportMail:
    found = routing.report_mail({}, allow_private=True)
    assert found is not None
    return found


def test_a_report_arrives_at_its_recipients_with_a_summary_and_the_file() -> None:
    box = Mailbox()
    with a_server(box) as port:
        receipt = the_mail(routing(port)).send(NOTE)
    assert receipt.ok, receipt.detail
    envelope, got = box.got[0]
    assert envelope.rcpt_tos == ["owner@shop.dev", "ceo@shop.dev"]
    assert got["Bcc"] is None
    assert str(got["Subject"]).startswith("Monthly report: November 2026")
    plain, html = got.get_body(("plain",)), got.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "- Nobody acknowledged inc-7." in plain.get_content()
    assert NOTE.link in plain.get_content()
    assert "&lt;stripe&gt;" in html.get_content()
    assert "<b>in November" not in html.get_content()
    (attached,) = got.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("monthly-2026-11.html", "text/html")
    assert "report — with" in attached.get_content()


def test_another_try_of_a_report_has_the_same_id() -> None:
    first, second = (report_mail(NOTE, sender="alerts@shop.dev", to=["owner@shop.dev"]) for _ in range(2))
    assert first["Message-ID"] == second["Message-ID"] == "<report-monthly-2026-11.sixfb@shop.dev>"


@pytest.mark.parametrize(("through", "host"), [(None, "127.0.0.1"), ("mail", "127.0.0.1"), ("other", "mail.other.dev")])
def test_the_server_is_that_of_the_named_destination_or_of_the_first(through: str | None, host: str) -> None:
    mail = the_mail(routing(through=through) if through else routing())
    assert mail.channel.host == host
    assert mail.channel.to == ("owner@shop.dev", "ceo@shop.dev")
    assert mail.which == {"daily", "weekly", "monthly"}


def test_recipients_that_are_placeholders_are_told_and_get_nothing() -> None:
    some = routing(recipients=["owner@example.com", "ceo@shop.dev"])
    assert the_mail(some).channel.to == ("ceo@shop.dev",)
    (told,) = [one for one in some.unset({}) if one.key == "reports.recipients"]
    assert "owner@example.com is nobody" in told.what
    assert routing(recipients=["owner@example.com"]).report_mail({}) is None


def test_without_reports_nobody_gets_any() -> None:
    text = "destinations: {chat: {kind: slack, url_from: A_HOOK}}\nroutes: {critical: [chat]}\n"
    assert routing_from(parse_document(text, file="alerts.yaml")).report_mail({}) is None


def test_a_server_that_refuses_is_told_and_not_raised() -> None:
    box = Mailbox()
    box.answer = "554 no"
    with a_server(box) as port:
        receipt = the_mail(routing(port)).send(NOTE)
    assert (receipt.ok, receipt.permanent) == (False, True)


def test_the_settings_know_their_usual_reports() -> None:
    assert ReportsSettings(recipients=["owner@shop.dev"]).which == ["daily", "weekly", "monthly"]
