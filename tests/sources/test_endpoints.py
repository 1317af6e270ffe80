"""An endpoint is up or down by what it answered, its time is measured, and no receiver keeps a check from ending."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from facts import Sample
from hub.collect import source_settings
from journeys.site import EndpointChecks
from metrics import sample_errors
from process.bounded_http import bounded_client
from sources import SourceError, SourceSettings
from sources.endpoints import ANY_SITE, LARGEST_ANSWER, TICKET_SHOP, EndpointsSource
from tests.blame.sockets import a_certificate
from tests.drills.hub import the_watched
from tests.receivers import BEHAVIOURS, Rig, answers, ends

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(folder=tmp_path) as opened:
        yield opened


def settings(base_url: str = "https://shop.test", **paths: str) -> SourceSettings:
    return SourceSettings(base_url=base_url, endpoints=paths or {"/": "any"})


def a_source(answer: Callable[[httpx.Request], httpx.Response], paths: dict[str, str], **more: Any) -> EndpointsSource:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    return EndpointsSource(SourceSettings(base_url="https://shop.test/", endpoints=paths), client, **more)


def up(samples: Any) -> dict[str, float]:
    return {dict(s.labels)["endpoint"]: s.value for s in samples if s.metric == "endpoint_up"}


def collect(answer: httpx.Response, body: str = "any") -> tuple[Sample, ...]:
    return tuple(a_source(lambda _: answer, {"/": body}).collect(None, NOW).samples)


def test_each_path_is_asked_once_by_get_and_nothing_else() -> None:
    asked: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, str(request.url)))
        return httpx.Response(200, json={})

    collected = a_source(answer, {"/": "any", "/api/inventory": "json"}).collect(None, NOW)
    assert asked == [("GET", "https://shop.test/"), ("GET", "https://shop.test/api/inventory")]
    assert up(collected.samples) == {"/": 1, "/api/inventory": 1}
    assert sample_errors(collected.samples, source="endpoints") == []
    assert {s.at for s in collected.samples} == {NOW}
    assert collected.cursor is None


@pytest.mark.parametrize(
    ("answer", "body", "is_up"),
    [
        (httpx.Response(200, text="<!doctype html>", headers=HTML), "html", 1),
        (httpx.Response(200, text="\n <html>", headers={"Content-Type": "TEXT/HTML"}), "html", 1),
        (httpx.Response(200, text="", headers=HTML), "html", 0),
        (httpx.Response(200, text="Internal error", headers=HTML), "html", 0),
        (httpx.Response(200, json={}), "html", 0),
        (httpx.Response(200, json={"success": True}), "json", 1),
        (httpx.Response(200, json=[1]), "json", 1),
        (httpx.Response(200, text="null"), "json", 0),
        (httpx.Response(200, text="3"), "json", 0),
        (httpx.Response(200, text='{"cut": '), "json", 0),
        (httpx.Response(200, text="<html>", headers=HTML), "json", 0),
        (httpx.Response(200, text="[" * 100_000), "json", 0),
        (httpx.Response(200, text="anything"), "any", 1),
        (httpx.Response(204), "any", 0),
        (httpx.Response(301, headers={"Location": "https://www.shop.test/"}), "any", 0),
        (httpx.Response(401), "any", 0),
        (httpx.Response(404), "any", 0),
        (httpx.Response(500, json={}), "json", 0),
        (httpx.Response(503), "any", 0),
    ],
)
def test_an_endpoint_is_up_where_status_and_body_are_as_wanted(answer: httpx.Response, body: str, is_up: float) -> None:
    assert up(collect(answer, body)) == {"/": is_up}


def test_an_answer_has_its_time_whatever_it_says_and_no_answer_has_none() -> None:
    clock = iter(range(100))
    source = a_source(lambda _: httpx.Response(500), {"/": "any"}, monotonic=lambda: float(next(clock)))
    times = [s.value for s in source.collect(None, NOW).samples if s.metric == "endpoint_response_seconds"]
    assert times == [1]

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    samples = a_source(refuse, {"/": "any"}).collect(None, NOW).samples
    assert [s.metric for s in samples] == ["endpoint_up"]
    assert up(samples) == {"/": 0}


def test_why_an_endpoint_is_down_is_told() -> None:
    source = a_source(lambda _: httpx.Response(301, headers={"Location": "https://www.shop.test/"}), {"/": "any"})
    assert source.check("/", "any", NOW).error == "301 to 'https://www.shop.test/' instead of 200"


def test_a_limited_address_says_nothing_of_the_site_and_is_asked_no_more() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        limited = request.url.path == "/b"
        return httpx.Response(429, headers={"Retry-After": "70"}) if limited else httpx.Response(200)

    samples = a_source(answer, {"/a": "any", "/b": "any", "/c": "any"}).collect(None, NOW).samples
    assert up(samples) == {"/a": 1}
    assert asked == ["/a", "/b"]
    with pytest.raises(SourceError, match="429, the site limits this address") as caught:
        a_source(answer, {"/b": "any", "/c": "any"}).collect(None, NOW)
    assert (caught.value.retry_after_s, caught.value.permanent) == (70, False)


def test_a_round_ends_though_every_path_is_slow() -> None:
    seconds = [0.0]

    def answer(_: httpx.Request) -> httpx.Response:
        seconds[0] += 9
        return httpx.Response(200)

    source = a_source(answer, {f"/{n}": "any" for n in range(12)}, monotonic=lambda: seconds[0])
    assert len(up(source.collect(None, NOW).samples)) == 7
    assert seconds[0] <= 70


def test_a_round_begins_where_the_last_one_ended_so_that_every_path_has_its_turn() -> None:
    seconds, paths = [0.0], [f"/{n}" for n in range(12)]

    def hang(request: httpx.Request) -> httpx.Response:
        seconds[0] += 10
        raise httpx.ReadTimeout("late", request=request)

    source = a_source(hang, dict.fromkeys(paths, "any"), monotonic=lambda: seconds[0])
    first = source.collect(None, NOW)
    second = source.collect(first.cursor, NOW)
    assert up([*first.samples, *second.samples]) == dict.fromkeys(paths, 0)
    # Where nothing is left over, the next round begins with the first path; so it does where that path is checked no more.
    for cursor in (None, "/gone", 7, {"a": 1}):
        assert next(iter(up(source.collect(cursor, NOW).samples))) == "/0"
    quick = a_source(lambda _: httpx.Response(200), dict.fromkeys(paths, "any")).collect(second.cursor, NOW)
    assert (len(up(quick.samples)), quick.cursor) == (12, None)


def test_one_limited_path_keeps_no_other_from_being_checked() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(429 if request.url.path == "/b" else 200)

    source, cursor, checked = a_source(answer, {"/a": "any", "/b": "any", "/c": "any"}), None, []
    for _ in range(4):
        collected = source.collect(cursor, NOW)
        cursor = collected.cursor
        checked.append(set(up(collected.samples)))
    assert checked == [{"/a"}, {"/a", "/c"}, {"/a"}, {"/a", "/c"}]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_receiver_that_misbehaves_is_down_in_time(rig: Rig, behaviour: str) -> None:
    base_url = f"http://127.0.0.1:{rig.server(behaviour).port}"
    client = bounded_client(timeout_s=1.0, most_bytes=LARGEST_ANSWER, keep_alive=False)
    source = EndpointsSource(settings(base_url), client)
    try:
        told = ends(lambda: source.check("/", "any", NOW, within_s=1.0))
    finally:
        source.close()
    good = behaviour in ("well", "200 with another body")
    assert (told.error is None) is good
    assert told.limited is behaviour.startswith("429")
    if not good:
        assert len(told.error) < 300


def test_a_login_in_the_address_is_in_no_label_and_no_reason(rig: Rig) -> None:
    port = rig.server("500").port
    source = EndpointsSource(settings(f"http://ann:hunter2@127.0.0.1:{port}"))
    try:
        samples = source.collect(None, NOW).samples
        assert up(samples) == {"/": 0}
        assert "hunter2" not in repr(samples) + repr(source.check("/", "any", NOW))
    finally:
        source.close()


def tls_source(rig: Rig, certificate: Path, port: int) -> EndpointsSource:
    client = bounded_client(
        timeout_s=5.0,
        most_bytes=LARGEST_ANSWER,
        keep_alive=False,
        environment={"NODE_EXTRA_CA_CERTS": str(certificate)},
    )
    return EndpointsSource(settings(f"https://127.0.0.1:{port}"), client)


def test_the_days_that_a_certificate_holds_are_told_with_its_host(rig: Rig, tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path, name="shop", of="IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    port = rig.serve("tls", answers(200), tls=context).port
    source, now = tls_source(rig, certificate, port), datetime.now(UTC)
    try:
        (sample,) = [s for s in source.collect(None, now).samples if s.metric == "tls_days_left"]
        (later,) = [s for s in source.collect(None, now + timedelta(days=1)).samples if s.metric == "tls_days_left"]
    finally:
        source.close()
    assert dict(sample.labels) == {"host": f"127.0.0.1:{port}"}
    assert sample.value == pytest.approx(2, abs=0.01)
    assert sample.value - later.value == pytest.approx(1, abs=0.001)


def test_a_certificate_that_nobody_signed_is_down_and_tells_no_days(rig: Rig, tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path, name="shop", of="IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    source = EndpointsSource(settings(f"https://127.0.0.1:{rig.serve('tls', answers(200), tls=context).port}"))
    try:
        samples = source.collect(None, NOW).samples
    finally:
        source.close()
    assert [(s.metric, s.value) for s in samples] == [("endpoint_up", 0)]


def an_ended_certificate(folder: Path) -> Path:
    """A certificate of 127.0.0.1 that ended years ago, with its key in one file. Only a certificate authority may choose such times."""
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=ours\n[ours]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\n"
        "policy=names\ncopy_extensions=copy\n[names]\ncommonName=supplied\n"
    )
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    request = (
        "req -new -newkey rsa:2048 -nodes -subj /CN=shop -addext subjectAltName=IP:127.0.0.1 -keyout key -out request"
    )
    dates = "-startdate 20200101000000Z -enddate 20200201000000Z"
    sign = f"ca -batch -notext -selfsign -config ca.cnf -keyfile key -in request -out certificate {dates}"
    for command in (request, sign):
        subprocess.run(["openssl", *command.split()], check=True, capture_output=True, cwd=folder)
    both = folder / "both.pem"
    both.write_text((folder / "key").read_text() + (folder / "certificate").read_text())
    return both


def test_a_certificate_that_has_ended_has_no_day_left(rig: Rig, tmp_path: Path) -> None:
    certificate = an_ended_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    port = rig.serve("tls", answers(200), tls=context).port
    source = tls_source(rig, certificate, port)
    try:
        samples = source.collect(None, NOW).samples
    finally:
        source.close()
    assert {s.metric: s.value for s in samples} == {"endpoint_up": 0, "tls_days_left": 0}


def test_it_is_off_until_site_yaml_switches_it_on() -> None:
    watched = the_watched()
    off = source_settings(watched)
    assert "endpoint_checks" in (EndpointsSource.configured(off) or "")
    assert EndpointsSource.configured(SourceSettings(base_url="https://x", endpoints={})) is not None
    assert EndpointsSource.configured(settings()) is None


@pytest.mark.parametrize(
    ("written", "sells", "paths", "every_s"),
    [
        ({}, True, TICKET_SHOP, 300),
        ({}, False, ANY_SITE, 300),
        ({"every": "1m", "paths": {"/pricing": "html"}}, True, {"/pricing": "html"}, 60),
    ],
)
def test_what_is_checked_is_what_site_yaml_says_else_what_is_usual(
    written: dict[str, Any], sells: bool, paths: dict[str, str], every_s: float
) -> None:
    watched = the_watched()
    cities = watched.site.cities if sells else {}
    city = watched.site.city if sells else ""
    site = replace(watched.site, endpoint_checks=EndpointChecks(**written), cities=cities, city=city)
    told = source_settings(replace(watched, site=site))
    assert (told.endpoints, told.endpoints_every_s) == (paths, every_s)
    source = EndpointsSource(told)
    source.close()
    assert (source.every_s, source.site_requests) == (every_s, len(paths))


def test_the_plan_of_a_runner_does_not_change_with_what_the_hub_checks() -> None:
    watched = the_watched()
    place = next(iter(watched.locations.locations))
    checked = replace(watched, site=replace(watched.site, endpoint_checks=EndpointChecks()))
    assert checked.plan_for(place) == watched.plan_for(place)
