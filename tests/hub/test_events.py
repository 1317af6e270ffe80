"""What the site tells of itself is kept once, counted once, and without personal data; a bad record costs itself alone."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from facts import HubClock, TokenKind, to_wire
from hub.event_ingest import EventIngest
from metrics.events import MOST_SERIES
from store import events, feeds, samples
from tests.hub.conftest import Bench


def an_event(bench: Bench, id_: str = "e1", **more: Any) -> dict[str, Any]:
    return {"id": id_, "at": to_wire(bench.now), "level": "info", "name": "checkout_session_created", **more}


def post(bench: Bench, body: bytes | str, **more: Any) -> list[dict[str, Any]]:
    answer = bench.client.post("/api/events", content=body, **more)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def lines(*records: dict[str, Any]) -> str:
    return "\n".join(json.dumps(record) for record in records)


def results(bench: Bench, *records: dict[str, Any]) -> list[str]:
    return [one["result"] for one in post(bench, lines(*records))]


def counted(bench: Bench, metric: str) -> dict[str, float]:
    """The sum of each series of a metric, by the values of its labels."""
    with bench.store.read() as connection:
        found = samples.read(connection, metric, since=bench.now - timedelta(days=40))
    return {"/".join(value for _, value in one.labels): sum(v for _, v in one.points) for one in found}


def stored(bench: Bench) -> list[Any]:
    with bench.store.read() as connection:
        return events.read(connection, since=bench.now - timedelta(days=40))


@pytest.mark.parametrize("form", ["lines", "array", "one line", "crlf", "one object over lines", "with a BOM"])
def test_events_come_as_lines_or_as_an_array(bench: Bench, form: str) -> None:
    one, two = an_event(bench), an_event(bench, "e2")
    body, n = {
        "lines": (lines(one, two) + "\n\n", 2),
        "array": (json.dumps([one, two], indent=1), 2),
        "one line": (json.dumps(one), 1),
        "crlf": (lines(one, two).replace("\n", "\r\n"), 2),
        "one object over lines": (json.dumps(one, indent=2), 1),
        "with a BOM": ("\ufeff" + lines(one, two), 2),
    }[form]
    assert [r["result"] for r in post(bench, body)] == ["accepted"] * n
    assert counted(bench, "app_checkout_sessions") == {"": n}


def test_an_event_that_comes_again_is_a_duplicate_and_counts_once(bench: Bench) -> None:
    one = an_event(bench)
    assert results(bench, one, one) == ["accepted", "duplicate"]
    assert results(bench, one, an_event(bench, "e2")) == ["duplicate", "accepted"]
    assert counted(bench, "app_checkout_sessions") == {"": 2}


def test_the_same_id_of_two_sources_is_two_events(bench: Bench) -> None:
    one = lines(an_event(bench))
    for source in ("website", "backend", "w" * 64):
        (result,) = post(bench, one, headers=bench.token(TokenKind.SOURCE, source))
        assert result["result"] == "accepted"
    assert counted(bench, "app_checkout_sessions") == {"": 3}


def test_bad_records_are_rejected_by_name_and_the_rest_is_kept_and_counted_once(bench: Bench) -> None:
    good = [json.dumps(an_event(bench, id_)).encode() for id_ in ("first", "last")]
    bad = [json.dumps(an_event(bench, "bad", score="x")).encode(), b"nonsense", b'{"id": "\xff"}', good[0]]
    told = post(bench, b"\n".join([good[0], *bad, good[1]]))
    assert [(one["id"], one["result"]) for one in told] == [
        ("first", "accepted"),
        ("bad", "rejected"),
        ("events[2]", "rejected"),
        ("events[3]", "rejected"),
        ("first", "duplicate"),
        ("last", "accepted"),
    ]
    assert [one["reason"][:20] for one in told if one["reason"]] == [
        "score: must be a num",
        "the event is not JSO",
        "the event is not UTF",
    ]
    assert counted(bench, "app_checkout_sessions") == {"": 2}
    assert len(stored(bench)) == 2


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 422), (b"[]", 422), (b" \n\n ", 422), (b" " * (4 << 20) + b"x", 413)]
)
def test_a_body_without_an_event_or_too_large_is_refused(light: Bench, body: bytes, status: int) -> None:
    answer = light.client.post("/api/events", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_more_events_than_a_batch_may_hold_are_refused_as_a_whole(light: Bench) -> None:
    body = lines(*(an_event(light, f"e{n}") for n in range(5_001)))
    assert light.client.post("/api/events", content=body).status_code == 413
    assert stored(light) == []


def test_personal_data_is_masked_before_it_is_stored(bench: Bench) -> None:
    record = an_event(
        bench,
        "order of ann@example.com",
        name="mail to ann@example.com",
        session="call +1 352 555 0123",
        city="4111 1111 1111 1111",
        customerEmail="whatever",
        firstName="Ann",
        phone=13525550123,
        note="ann@example.com, (352) 555-0123, 4111111111111111, 10.1.2.3",
        code=4111111111111111,
        **{"ann@example.com": "x"},
    )
    (result,) = post(bench, lines(record))
    assert result["result"] == "accepted"
    (event,) = stored(bench)
    text = json.dumps(to_wire(event)) + json.dumps(result)
    for personal in ("example.com", "Ann", "555", "4111", "whatever", "10.1.2.3"):
        assert personal not in text
    assert event.id.startswith("sha256:")
    assert results(bench, record) == ["duplicate"]
    with bench.store.read() as connection:
        assert "example" not in str(samples.known_series(connection, ["app_events"]))


def test_what_is_wrong_is_told_without_personal_data(light: Bench) -> None:
    (told,) = post(light, lines(an_event(light, "ann@example.com", level="ann@example.com +13525550123")))
    assert "example" not in json.dumps(told)
    assert "555" not in json.dumps(told)


def test_unknown_keys_are_kept_within_bounds_and_the_rest_is_counted(bench: Bench) -> None:
    more: dict[str, Any] = {f"key{n}": n for n in range(25)} | {
        "nested": {"a": 1},
        "list": [1],
        "huge": 10**30,
        "bad key!": 1,
    }
    (result,) = post(bench, lines(an_event(bench, text="x" * 900, **more)))
    assert (result["result"], result["dropped_keys"]) == ("accepted", 10)
    (event,) = stored(bench)
    assert len(event.fields["text"]) == 500
    assert event.fields["dropped_keys"] == 10
    assert len(event.fields) == 21


def test_each_event_counts_in_the_metrics_of_its_minute(bench: Bench) -> None:
    paid: dict[str, Any] = {
        "name": "payment_successful",
        "amount_minor": 120_000,
        "currency": "USD",
        "city": "dallas",
        "tier": "GA",
        "is_member": False,
        "channel": "email",
    }
    asked: dict[str, Any] = {
        "name": "api",
        "endpoint": "https://x.test/api/cities/12?q=1",
        "method": "get",
        "status": 200,
    }
    sent = [
        an_event(bench, "1", **paid),
        an_event(bench, "2", **{**paid, "currency": "eur", "tier": "vip", "is_member": True}),
        an_event(bench, "3", name="payment_processing_failed", level="error"),
        an_event(bench, "4", name="payment_failed", category="payment_declined"),
        an_event(bench, "5", **asked),
        an_event(bench, "6", **{**asked, "status": 503}),
        an_event(bench, "7", name="page_view"),
        an_event(bench, "8", name="x", funnel_step="form_start", score=4),
        an_event(bench, "9", name="x", funnel_step="odd", category="api_timeout", score=5),
        an_event(bench, "10", name="inventory_oversold_detected", level="error"),
        an_event(bench, "11", name="sms_notification_sent"),
        an_event(bench, "12", name="sms_delivery_failed", level="error"),
    ]
    assert set(results(bench, *sent)) == {"accepted"}
    assert results(bench, *sent) == ["duplicate"] * 12
    assert {name: counted(bench, f"app_{name}") for name in ("succeeded_payments", "failed_payments")} == {
        "succeeded_payments": {"": 2},
        "failed_payments": {"": 1},
    }
    assert counted(bench, "app_declined_payments") == {"": 1}
    assert counted(bench, "app_revenue_minor_units") == {"dallas/usd": 120_000, "dallas/eur": 120_000}
    assert counted(bench, "app_sold_tickets") == {"dallas/no/ga": 1, "dallas/yes/vip": 1}
    assert counted(bench, "app_channel_payments") == {"email": 2}
    assert counted(bench, "app_requests") == {"/api/cities/{id}/GET": 2}
    assert counted(bench, "app_5xx_requests") == {"/api/cities/{id}/GET": 1}
    assert counted(bench, "app_funnel_steps") == {"page_view": 1, "form_start": 1, "other": 1}
    assert counted(bench, "app_errors") == {
        "other": 1,
        "payment_declined": 1,
        "api_timeout": 1,
        "oversold_tickets": 1,
        "sms_delivery_failed": 1,
    }
    assert counted(bench, "app_sent_messages") == counted(bench, "app_undelivered_messages") == {"": 1}
    assert counted(bench, "app_score_points") == {"": 9}
    assert sum(counted(bench, "app_events").values()) == 12


def test_a_site_that_makes_up_names_fills_one_series_and_not_the_database(light: Bench) -> None:
    for batch in range(3):
        results(light, *(an_event(light, f"{batch}-{n}", name=f"name-{batch}-{n}") for n in range(150)))
    found = counted(light, "app_events")
    assert len(found) == MOST_SERIES + 1
    assert found["info/other"] == 450 - MOST_SERIES


def test_counts_of_several_batches_and_their_rollups_add_up(bench: Bench) -> None:
    for n in range(3):
        results(bench, an_event(bench, f"a{n}"), an_event(bench, f"b{n}", at=to_wire(bench.now - timedelta(hours=2))))
    with bench.store.read() as connection:
        for width_s in samples.WIDTHS_S:
            buckets = samples.read_rollups(
                connection, "app_checkout_sessions", width_s=width_s, since=bench.now - timedelta(days=2)
            )
            assert sum(bucket.sum for bucket in buckets) == 6


def test_the_feed_of_events_is_there_from_the_first_event_on(bench: Bench) -> None:
    with bench.store.read() as connection:
        assert "events" not in feeds.states(connection)
    results(bench, an_event(bench))
    with bench.store.read() as connection:
        assert feeds.states(connection)["events"].last_good_at == bench.now


def test_nothing_is_taken_or_refused_for_good_while_the_hubs_clock_is_wrong(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = HubClock(readings=3, behind_s=86_400.0, by=("us-east", "us-west"), is_wrong=True)
    assert wrong.holds_results
    monkeypatch.setattr(bench.context.ingest.witness, "judged", lambda: wrong)
    answer = bench.client.post("/api/events", content=lines(an_event(bench)))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "20")
    assert "clock" in answer.json()["error"]
    assert stored(bench) == []


def test_a_future_event_is_held_while_nobody_knows_whose_clock_is_wrong(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsure = HubClock(readings=1, behind_s=3_600.0, by=("us-east",))
    assert unsure.is_undecided
    assert not unsure.holds_results
    monkeypatch.setattr(bench.context.ingest.witness, "judged", lambda: unsure)
    assert results(bench, an_event(bench)) == ["accepted"]
    ahead = an_event(bench, "e2", at=to_wire(bench.now + timedelta(hours=1)))
    assert bench.client.post("/api/events", content=lines(ahead)).status_code == 503


def test_a_failure_in_the_transaction_keeps_neither_events_nor_counts(bench: Bench) -> None:
    def fail(place: str) -> None:
        if place == "events.saved":
            raise RuntimeError("killed here")

    body = lines(an_event(bench)).encode()
    with pytest.raises(RuntimeError):
        EventIngest(bench.store, at=fail).batch(body, now=bench.now)
    assert stored(bench) == []
    assert counted(bench, "app_checkout_sessions") == {}
    assert results(bench, an_event(bench)) == ["accepted"]
    assert counted(bench, "app_checkout_sessions") == {"": 1}


def test_a_compressed_body_is_refused_with_what_to_do(light: Bench) -> None:
    answer = light.client.post("/api/events", content=b"x", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def an_export(bench: Bench, *records: Any) -> dict[str, Any]:
    of = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"resourceLogs": [{"resource": of, "scopeLogs": [{"scope": {}, "logRecords": list(records)}]}]}


def a_log(
    bench: Bench, body: str = "database_connection_lost", severity: int = 17, **attributes: Any
) -> dict[str, Any]:
    return {
        "timeUnixNano": str(int(bench.now.timestamp()) * 10**9 + 123_456_789),
        "severityNumber": severity,
        "body": {"stringValue": body},
        "attributes": [{"key": key.replace("__", "."), "value": value} for key, value in attributes.items()],
    }


def test_log_records_of_opentelemetry_are_events_and_count_once(bench: Bench) -> None:
    asked = {
        "http__route": {"stringValue": "/api/cities/12"},
        "http__request__method": {"stringValue": "POST"},
        "http__response__status_code": {"intValue": "503"},
        "customer__email": {"stringValue": "ann@example.com"},
        "list": {"arrayValue": {"values": []}},
    }
    # The same twice in one request is two log records; the same request again is a retry.
    export = an_export(bench, a_log(bench), a_log(bench), a_log(bench, "request of ann@example.com", 9, **asked))
    for _ in range(2):
        answer = bench.client.post("/v1/logs", json=export)
        assert (answer.status_code, answer.json()) == (200, {})
    assert counted(bench, "app_errors") == {"database_connection_lost": 2}
    assert counted(bench, "app_5xx_requests") == {"/api/cities/{id}/POST": 1}
    (request,) = [event for event in stored(bench) if event.level == "info"]
    assert request.name == "request of ***"
    assert request.fields["customer.email"] == "***"
    assert request.fields["service"] == "shop"
    assert request.fields["dropped_keys"] == 1


def test_a_log_record_that_cannot_be_kept_is_told_as_otlp_tells_it(light: Bench) -> None:
    bad = [{"body": {"stringValue": "no time"}}, 5, a_log(light, " ", 9), {"timeUnixNano": "soon"}]
    answer = light.client.post("/v1/logs", json=an_export(light, a_log(light), *bad)).json()
    assert answer["partialSuccess"]["rejectedLogRecords"] == "4"
    assert "at: is missing" in answer["partialSuccess"]["errorMessage"]
    assert len(stored(light)) == 1


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"resourceLogs": [{"scopeLogs": 5}]}', "application/json", 422),
        (b'{"resourceLogs": [{"scopeLogs": [{"logRecords": 5}]}]}', "application/json", 422),
        (b"{", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"\x12\x00", "application/x-protobuf", 400),
        (b'{"resourceLogs": []}', "application/x-protobuf", 400),
        (b"\x0a\xff", "application/x-protobuf", 400),
        (b"\x0a\x00", "application/x-protobuf", 200),
        (b"", "application/x-protobuf", 200),
        (b'{"resourceLogs": []}', "application/json; charset=utf-8", 200),
    ],
)
def test_what_is_no_export_request_is_refused(light: Bench, body: bytes, kind: str, status: int) -> None:
    answer = light.client.post("/v1/logs", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text


PROTOBUF = {"Content-Type": "application/x-protobuf"}


def in_protobuf(*records: dict[str, Any]) -> ExportLogsServiceRequest:
    """The same export request as protobuf has it."""
    request = ExportLogsServiceRequest()
    ParseDict({"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]}, request)
    return request


def test_log_records_in_protobuf_are_events_and_count_once(bench: Bench) -> None:
    asked = {
        "http__route": {"stringValue": "/api/cities/12"},
        "http__request__method": {"stringValue": "POST"},
        "http__response__status_code": {"intValue": "503"},
        "customer__email": {"stringValue": "ann@example.com"},
        "raw": {"bytesValue": "/w=="},
        "list": {"arrayValue": {"values": [{"stringValue": "a"}]}},
    }
    body = in_protobuf(a_log(bench), a_log(bench), a_log(bench, "a request", 9, **asked)).SerializeToString()
    for encoding, sent in (("identity", body), ("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
        headers = {**PROTOBUF, "Content-Encoding": encoding}
        answer = bench.client.post("/v1/logs", content=sent, headers=headers)
        assert (answer.status_code, answer.content) == (200, b""), answer.text
        assert answer.headers["Content-Type"] == PROTOBUF["Content-Type"]
    assert counted(bench, "app_errors") == {"database_connection_lost": 2}
    assert counted(bench, "app_5xx_requests") == {"/api/cities/{id}/POST": 1}
    (request,) = [event for event in stored(bench) if event.level == "info"]
    assert (request.fields["customer.email"], request.fields["raw"]) == ("***", "/w==")
    assert request.fields["dropped_keys"] == 1


def test_records_that_differ_only_in_what_is_not_kept_are_two(light: Bench) -> None:
    for trace in ("AQEBAQEBAQEBAQEBAQEBAQ==", "AgICAgICAgICAgICAgICAg=="):
        body = in_protobuf({**a_log(light), "traceId": trace}).SerializeToString()
        assert light.client.post("/v1/logs", content=body, headers=PROTOBUF).status_code == 200
    assert len(stored(light)) == 2


def test_what_is_rejected_is_told_in_protobuf_to_who_sent_protobuf(light: Bench) -> None:
    many = {"attributes": [{"key": f"k{n}"} for n in range(1001)]}
    no_time = {"body": {"stringValue": "no time"}}
    body = in_protobuf(no_time, a_log(light), {**a_log(light), **many}).SerializeToString()
    answer = light.client.post("/v1/logs", content=body, headers=PROTOBUF)
    told = ExportLogsServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, told.rejected_log_records) == (200, 2)
    assert "at: is missing" in told.error_message
    assert len(stored(light)) == 1


def a_bomb() -> bytes:
    """A gzip of 100 KB that would unpack to 100 MB."""
    return gzip.compress(b"\0" * 100_000_000)


@pytest.mark.parametrize(
    ("body", "encoding", "status", "says"),
    [
        (lambda: b"\x0a\x05ab", "identity", 400, "no ExportLogsServiceRequest in protobuf"),
        (lambda: b"\x0a\x06\x12\x04\x12\x02\x5a\xff", "identity", 400, "no ExportLogsServiceRequest in protobuf"),
        (lambda: b"\x18\x01", "identity", 400, "it has no resource_logs"),
        (lambda: b"\x0a\x00" * 10_001, "identity", 413, "a batch may hold 5,000 events"),
        (lambda: b"\x0a\x99\x4e\x12\x96\x4e" + b"\x12\x00" * 5003, "identity", 413, "a batch may hold 5,000 events"),
        (lambda: b"\0" * (4 * 1024 * 1024 + 1), "identity", 413, "the body may have 4,194,304 bytes"),
        (a_bomb, "gzip", 413, "the body may have 4,194,304 bytes, unpacked"),
        (lambda: gzip.compress(b"\x0a\x00")[:-5], "gzip", 400, "ends too soon"),
        (lambda: b"\x0a\x00", "gzip", 400, "the body is not gzip"),
        (lambda: b"\x0a\x00", "br", 415, "'br' is not taken; send it as it is, or as gzip or deflate"),
    ],
)
def test_a_refusal_of_protobuf_is_a_status_in_protobuf(
    light: Bench, body: Callable[[], bytes], encoding: str, status: int, says: str
) -> None:
    headers = {**PROTOBUF, "Content-Encoding": encoding}
    answer = light.client.post("/v1/logs", content=body(), headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROTOBUF["Content-Type"])
    assert says in Status.FromString(answer.content).message
    assert stored(light) == []


def test_json_may_be_compressed_too(light: Bench) -> None:
    body = gzip.compress(json.dumps(an_export(light, a_log(light))).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = light.client.post("/v1/logs", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {})
    assert len(stored(light)) == 1


def a_request(bench: Bench, n: int, took_ms: Any, **more: Any) -> dict[str, Any]:
    its = {"endpoint": "/api/webhooks/stripe", "method": "POST", "status": 200, "duration_ms": took_ms, **more}
    return an_event(bench, f"request-{n}", name="api_request", **its)


def test_times_that_the_site_tells_are_judged_as_percentiles_of_their_endpoint(bench: Bench) -> None:
    told = [a_request(bench, n, 1500 if n > 20 else 100) for n in range(30)]
    other = [a_request(bench, 100 + n, 9000, endpoint="/api/cart") for n in range(30)]
    assert set(results(bench, *told, *other)) == {"accepted"}
    assert set(results(bench, *told)) == {"duplicate"}, "and they count once"
    found = {one.key: one for one in bench.tick(60).verdicts}
    verdict = found["D2//api/webhooks/stripe/POST"]
    assert (verdict.n, verdict.breached, round(verdict.value or 0, -2)) == (30, True, 1500)
    assert found["H1b//api/cart/POST"].breached
    assert not any(key.startswith("H1b//api/webhooks") for key in found)
    answer = bench.client.get("/api/metrics/app_request_seconds", params={"endpoint": "/api/webhooks/stripe"}).json()
    ((point,),) = [one["points"] for one in answer["series"]]
    assert (point["n"], round(point["p50"], 1), round(point["p95"], 1)) == (30, 0.1, 1.5)


@pytest.mark.parametrize(
    ("more", "metric"),
    [
        ({"name": "support_ticket_created"}, "app_support_tickets"),
        ({"name": "login_failed"}, "app_failed_logins"),
        ({"name": "fraud_suspected"}, "app_suspected_frauds"),
        ({"name": "query_timeout"}, "app_database_timeouts"),
        ({"name": "checkout_session_created"}, "app_checkout_sessions"),
    ],
)
def test_events_of_some_names_count_as_something_of_their_own(light: Bench, more: dict[str, Any], metric: str) -> None:
    assert results(light, an_event(light, **more), an_event(light, "e2", name="another")) == ["accepted"] * 2
    assert counted(light, metric) == {"": 1.0}


def test_responses_are_counted_by_their_status(light: Bench) -> None:
    told = [a_request(light, n, 1, status=status) for n, status in enumerate((200, 200, 404, 503))]
    results(light, *told)
    its = "/api/webhooks/stripe/POST"
    assert counted(light, "app_responses") == {f"{its}/200": 2, f"{its}/404": 1, f"{its}/503": 1}


def test_a_number_of_hundreds_of_digits_spoils_its_own_event_alone(light: Bench) -> None:
    huge = 10**400
    told = [an_event(light, key, **{key: huge}) for key in ("duration_ms", "score", "amount_minor", "status", "mine")]
    assert results(light, *told, an_event(light, "good")) == [*["rejected"] * 4, "accepted", "accepted"]
    value = {"attributes": [{"key": "mine", "value": {"intValue": huge}}]}
    record = {"timeUnixNano": str(int(light.now.timestamp() * 1e9)), "body": {"stringValue": "x"}, **value}
    export = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    assert light.client.post("/v1/logs", json=export).json() == {}
