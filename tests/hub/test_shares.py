"""Links that show one page to people without an account: what they show, and everything else that they must not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete, update

from facts import Blame, Evidence, Role, Status, to_wire
from hub.access import Access
from hub.errors import HubError
from hub.server_key import ServerKey
from hub.shares import Shares, read_lifetime, read_page, shareable
from reports.live.shared import shared_page
from store import Store
from store import shares as rows
from store.retention import sweep
from store.tables import runs, shares
from tests.databases import a_migrated_store
from tests.hub.conftest import Bench, a_bench, csrf_of

RUN = "run-failed"
PICTURE = b"\xff\xd8\xffpicture"
PAGES = [
    "/executive",
    "/operations?range=1h",
    "/business",
    "/journeys/ga_purchase",
    f"/runs/{RUN}",
    "/incidents/inc-1",
    "/reports/daily",
]
CLOSED = "This link is closed"


def an_outage(bench: Bench) -> None:
    """Two failed runs, one with a picture, and the incident that they open."""
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    failed = [
        bench.slot_run(
            place,
            status=Status.FAILED,
            blame=Blame.SITE,
            failed_step="proceed_to_stripe",
            error="proceed_to_stripe: 500",
        )
        for place in ("us-east", "us-west")
    ]
    shown = Evidence(kind="screenshot", sha256=sha256, path="x", attempt=1)
    token = bench.token()
    bench.client.put(
        f"/api/evidence/{sha256}",
        content=PICTURE,
        headers={**token, "X-Evidence-Kind": "screenshot", "X-Evidence-Run": RUN},
    )
    for run, more in (
        (replace(failed[0], id=RUN, evidence=(shown,)), token),
        (failed[1], bench.token(subject="us-west")),
    ):
        answer = bench.client.post("/api/runs", json={"runs": to_wire([run])}, headers=more)
        assert answer.json()["results"][0]["result"] == "accepted", answer.text
    bench.tick()


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A public hub at which people log in, in the middle of an outage; one for all tests here, because it takes a second to make."""
    folder = tmp_path_factory.mktemp("shares")
    with a_migrated_store(None, folder / "hub") as store, a_bench(store, folder, access=Access(public=True)) as bench:
        an_outage(bench)
        bench.user(Role.OPERATOR)
        bench.user(Role.VIEWER)
        yield bench


@pytest.fixture
def closed(outage: Bench) -> Bench:
    """That hub without any link, and its operator logged in."""
    with outage.store.write() as connection:
        connection.execute(delete(shares))
    outage.client.cookies.clear()
    assert outage.try_login("operator").status_code == 303
    return outage


def a_link(bench: Bench, page: str, **more: str) -> str:
    answer = bench.client.post("/api/shares", json={"path": page, **more})
    assert answer.status_code == 201, answer.text
    parts = urlsplit(answer.json()["url"])
    assert parts.netloc == "hub.test"
    return str(parts.path)


def as_stranger(bench: Bench) -> None:
    bench.client.cookies.clear()


def reachable(html: str) -> list[str]:
    """Every address that a page names, apart from places on itself, its files and the shop's own pages, of which a run tells."""
    found = re.findall(r"""(?:href|src|action|formaction|url)=["']?([^"'> ]*)""", html)
    return [
        one
        for one in found
        if not one.startswith(("#", "data:", "/static/", "https://shop.example", "http://127.0.0.1:9"))
    ]


def test_a_stranger_sees_the_shared_page_and_no_way_from_it(closed: Bench) -> None:
    links = {page: a_link(closed, page) for page in PAGES}
    as_stranger(closed)
    for page, link in links.items():
        answer = closed.client.get(link)
        assert answer.status_code == 200, page
        assert "Shared by operator, read-only, until" in answer.text
        for gone in (
            "<form",
            "<button",
            "<input",
            "<select",
            'name="csrf"',
            "/logout",
            'class="nav"',
            "sixfb user add",
        ):
            assert gone not in answer.text, (page, gone)
        elsewhere = [
            one for one in reachable(answer.text) if not re.match(r"\?zone=(local|business|utc)(&amp;|$)", one)
        ]
        assert elsewhere == [], page
        assert closed.client.get(page).status_code == 303, "the page itself still asks for a login"


def test_the_page_of_a_run_shows_its_picture_without_a_way_to_the_evidence(closed: Bench) -> None:
    link = a_link(closed, f"/runs/{RUN}")
    as_stranger(closed)
    html = closed.client.get(link).text
    assert "data:image/jpeg;base64," in html
    assert "/evidence/" not in html
    assert "/trace/" not in html
    assert closed.client.get(f"/evidence/{hashlib.sha256(PICTURE).hexdigest()}.jpg").status_code == 303


def test_a_link_opens_nothing_else(closed: Bench) -> None:
    link = a_link(closed, f"/runs/{RUN}")
    as_stranger(closed)
    for path in (
        f"{link}/",
        f"{link}/../..",
        f"{link}/runs",
        f"{link}.md",
        f"{link}%2F..",
        "/share/",
        "/share",
        "/shares",
        "/api/shares",
        "/api/runs",
    ):
        answer = closed.client.get(path)
        assert RUN not in answer.text, path
        assert answer.status_code in (303, 307, 401, 404), path
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = closed.client.request(method, link)
        assert answer.status_code in (401, 403, 405), method
        assert RUN not in answer.text
    for cookie in (link.rpartition("/")[2], link):
        answer = closed.client.get(
            f"/runs/{RUN}", headers={"Cookie": f"sixfb_session={cookie}", "Authorization": f"Bearer {cookie}"}
        )
        assert answer.status_code == 303


def test_of_the_address_a_reader_chooses_the_time_zone_alone(closed: Bench) -> None:
    link = a_link(closed, "/journeys/ga_purchase?status=passed")
    as_stranger(closed)
    plain = closed.client.get(link).text
    assert RUN not in plain
    for more in (
        "status=failed",
        "status=",
        "range=30d",
        "location=none",
        "page=9999",
        "download=1",
        "part=live",
        "wall=1",
    ):
        answer = closed.client.get(f"{link}?{more}")
        assert answer.status_code == 200, more
        assert answer.text == plain, more
    assert "(UTC)" in plain or "UTC" in closed.client.get(f"{link}?zone=utc").text


def test_a_changed_link_is_closed(closed: Bench) -> None:
    link = a_link(closed, "/executive", **{"for": "1h"})
    other = a_link(closed, "/business", **{"for": "2h"})
    as_stranger(closed)
    share_id, ends, signature = link.removeprefix("/share/").split(".")
    other_id, other_ends, other_signature = other.removeprefix("/share/").split(".")
    forged = [
        f"{share_id}.{int(ends) + 86_400}.{signature}",
        f"{share_id}.0{ends}.{signature}x",
        f"{share_id}.{other_ends}.{other_signature}",
        f"{other_id}.{ends}.{signature}",
        f"{share_id}.{ends}.{'0' * 64}",
        f"{share_id}.{ends}.{signature[:-1]}",
        f"{share_id}.{ends}.",
        f"{'0' * 16}.{ends}.{signature}",
        f"{share_id}.{'9' * 12}.{signature}",
        f"{share_id}.{ends}.{signature}%0a",
        f"{share_id.upper()}x.{ends}.{signature}",
        "x" * 5000,
        "\u0661.\u0661.\u0661",
    ]
    for token in forged:
        answer = closed.client.get(f"/share/{token}")
        assert answer.status_code == 404, token
        assert CLOSED in answer.text
        assert "executive" not in answer.text.lower()


def test_what_the_database_says_is_believed_only_with_the_signature(closed: Bench) -> None:
    """Whoever can write to the database cannot lead a link to another page or make it last."""
    link = a_link(closed, "/executive", **{"for": "1h"})
    share = closed.context.guard.shares.listed()[0]
    as_stranger(closed)
    for changed in ({"path": f"/runs/{RUN}"}, {"expires_at": closed.now - timedelta(seconds=1)}):
        kept = {key: getattr(share, key) for key in changed}
        with closed.store.write() as connection:
            connection.execute(update(shares).values(changed))
        assert closed.client.get(link).status_code == 404, changed
        with closed.store.write() as connection:
            connection.execute(update(shares).values(kept))
    assert closed.client.get(link).status_code == 200
    with closed.store.write() as connection:
        connection.execute(update(shares).values(expires_at=closed.now + timedelta(days=50)))
    closed.now += timedelta(hours=2)
    assert closed.client.get(link).status_code == 404


def test_a_link_is_closed_when_its_time_is_over_and_at_once_when_it_is_revoked(closed: Bench) -> None:
    short, long = a_link(closed, "/executive", **{"for": "1h"}), a_link(closed, "/executive")
    operator = dict(closed.client.cookies)
    closed.now += timedelta(minutes=59)
    assert closed.client.get(short).status_code == 200
    closed.now += timedelta(minutes=1)
    assert closed.client.get(short).status_code == 404
    assert closed.client.get(long).status_code == 200
    share_id = long.removeprefix("/share/").partition(".")[0]
    revoked = closed.client.post(f"/api/shares/{share_id}/revoke", json={}).json()
    assert (revoked["now"], revoked["revoked_by"], revoked["url"]) == ("revoked", "operator", None)
    assert closed.client.get(long).status_code == 404
    assert closed.client.post(f"/api/shares/{share_id}/revoke", json={}).status_code == 404
    told = {one["path"]: one for one in closed.client.get("/api/shares").json()["shares"]}
    assert told["/executive"]["by"] == "operator"
    assert operator


def test_another_server_key_closes_every_link(closed: Bench) -> None:
    link = a_link(closed, "/executive")
    token = link.removeprefix("/share/")
    other = Shares(closed.store, ServerKey(b"another key of thirty-two letters"))
    with pytest.raises(HubError, match="does not open"):
        other.opened(token, now=closed.now)
    assert other.path_of(closed.context.guard.shares.listed()[0]) is None


def test_nothing_keeps_a_shared_page_or_tells_its_address(closed: Bench) -> None:
    link = a_link(closed, "/executive")
    as_stranger(closed)
    for answer in (closed.client.get(link), closed.client.get(f"{link}x")):
        assert answer.headers["Cache-Control"] == "no-store, private"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"].startswith("noindex")
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "session" not in answer.headers.get("Set-Cookie", "")


def test_an_open_dashboard_asks_for_what_changed(closed: Bench) -> None:
    link = a_link(closed, "/operations")
    as_stranger(closed)
    whole = closed.client.get(link).text
    assert 'id="live"' in whole
    assert "/static/dashboard.js" in whole
    part = closed.client.get(f"{link}?part=live")
    assert part.status_code == 200
    assert "<html" not in part.text
    assert "read-only" in part.text
    assert "<form" not in part.text
    again = closed.client.get(f"{link}?part=live", headers={"If-None-Match": part.headers["ETag"]})
    assert again.status_code == 304
    assert again.headers["Cache-Control"] == "no-store, private"


def test_a_page_that_is_gone_says_no_more_than_that(closed: Bench) -> None:
    link = a_link(closed, f"/runs/{RUN}")
    renamed = update(runs).where(runs.c.id == RUN).values(id="run-gone")
    with closed.store.write() as connection:
        connection.execute(renamed)
    as_stranger(closed)
    answer = closed.client.get(link)
    with closed.store.write() as connection:
        connection.execute(update(runs).where(runs.c.id == "run-gone").values(id=RUN))
    assert answer.status_code == 404
    assert "not there any more" in answer.text
    assert RUN not in answer.text


def test_one_link_is_opened_so_often_a_second_and_no_more(closed: Bench) -> None:
    link = a_link(closed, "/reports/daily")
    as_stranger(closed)
    answers = [closed.client.get(link).status_code for _ in range(61)]
    assert answers == [200] * 60 + [429]
    closed.now += timedelta(seconds=1)
    assert closed.client.get(link).status_code == 200


def test_the_button_of_a_page_makes_a_link_that_the_list_shows_and_revokes(closed: Bench) -> None:
    for page in PAGES:
        html = closed.client.get(page).text
        assert 'action="/api/shares"' in html, page
        path = re.search(r'name="path" value="([^"]*)"', html)
        assert path, page
        form = {"csrf": csrf_of(html), "path": path[1].replace("&amp;", "&"), "for": "1d"}
        made = closed.client.post("/api/shares", data=form)
        assert made.status_code == 303, page
        assert made.headers["Location"].startswith("/shares#share-")
    listed = closed.client.get("/shares").text
    assert listed.count("http://hub.test/share/") == len(PAGES)
    revoke = re.search(r'action="(/api/shares/[0-9a-f]+/revoke)"', listed)
    assert revoke
    assert closed.client.post(revoke[1], data={"csrf": "wrong"}).status_code == 403
    assert closed.client.post(revoke[1], data={"csrf": csrf_of(listed)}).headers["Location"] == "/shares"
    assert closed.client.get("/shares").text.count("http://hub.test/share/") == len(PAGES) - 1
    assert 'action="/api/shares"' not in closed.client.get("/alerts").text


def test_a_viewer_neither_makes_links_nor_sees_them(closed: Bench) -> None:
    a_link(closed, "/executive")
    as_stranger(closed)
    assert closed.try_login("viewer").status_code == 303
    assert 'action="/api/shares"' not in closed.client.get("/executive").text
    assert closed.client.post("/api/shares", json={"path": "/executive"}).status_code == 403
    assert closed.client.get("/api/shares").status_code == 403
    assert closed.client.get("/shares").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/", "/alerts", "/api/runs", "/login", "/runs/run-1.md", "/journeys/ga_purchase.csv", "/journeys/ga_purchase/run",
        "/evidence/x",
        "/executive?range=\ud800",
        "/executive?range=\0",
        "/incidents/inc-1.md", "/incidents", "/reports", "/runs/..", "/runs/%2e%2e", "/executive/", "/shares",
        "javascript:/executive", "ftp://hub.test/executive", "", "/runs/" + "a" * 300, "/metrics", "/static/style.css",
        "/share/x", "/reports/daily/x", "/runs/a b", "http://[::1/executive",
    ],
)  # fmt: skip
def test_what_is_no_page_of_its_own_cannot_be_shared(path: str) -> None:
    with pytest.raises(HubError, match="path: "):
        read_page(path)


def test_a_page_is_named_by_its_path_or_by_its_address() -> None:
    assert read_page("/runs/run-1") == "/runs/run-1"
    assert (
        read_page(" https://hub.example.com/monitor/runs/run-1?zone=utc#steps ", "/monitor") == "/runs/run-1?zone=utc"
    )
    assert read_page("/journeys/ga_purchase?range=7d&part=live&evil=1") == "/journeys/ga_purchase?range=7d"
    assert shareable("/reports/daily", {"for": "2026-11-29", "download": "1"}) == "/reports/daily?for=2026-11-29"


@pytest.mark.parametrize("text", ["1m", "9m", "91d", "never", "-1d", "NaN", 7, [], {"d": 1}])
def test_a_link_lasts_ten_minutes_to_ninety_days(text: object) -> None:
    with pytest.raises(HubError, match="for: "):
        read_lifetime(text)
    assert read_lifetime(None) == read_lifetime("") == timedelta(days=7)


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("/runs/none", "no run 'none'"),
        ("/journeys/none", "no journey 'none'"),
        ("/incidents/inc-99", "no incident"),
        ("/reports/none", "no report"),
    ],
)
def test_a_page_that_does_not_exist_is_not_shared(closed: Bench, page: str, says: str) -> None:
    answer = closed.client.post("/api/shares", json={"path": page})
    assert answer.status_code == 404
    assert says in answer.json()["error"]


def test_a_request_of_another_shape_is_told_the_right_one(closed: Bench) -> None:
    for body in ("[]", "{}", '{"path": 5}', '"x"', "null"):
        answer = closed.client.post("/api/shares", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422
        assert '{"path": "/runs/ID", "for": "7d"}' in answer.json()["error"]


def test_a_link_works_below_a_prefix_and_through_a_proxy_that_nobody_else_may_use(
    sqlite_store: Store, tmp_path: Path
) -> None:
    with a_bench(
        sqlite_store, tmp_path, access=Access(prefix="/monitor", linked="hub.test", proxies=(ip_network("127.0.0.1"),))
    ) as bench:
        an_outage(bench)
        share = bench.context.guard.shares.make(f"/runs/{RUN}", by="ann", lasts=timedelta(days=1), now=bench.now)
        html = bench.client.get(f"/monitor{bench.context.guard.shares.path_of(share)}").text
        assert "/monitor/static/style.css" in html
        assert "data:image/jpeg;base64," in html
        assert [one for one in reachable(html) if not one.startswith(("/monitor/static/", "?zone="))] == []


def test_a_link_opens_its_page_though_the_hub_itself_is_open_to_this_machine_alone(
    sqlite_store: Store, tmp_path: Path
) -> None:
    with a_bench(sqlite_store, tmp_path) as bench:
        share = bench.context.guard.shares.make("/executive", by="ann", lasts=timedelta(days=1), now=bench.now)
        passed_on = {"X-Forwarded-For": "192.0.2.1"}
        assert bench.client.get("/executive", headers=passed_on).status_code == 403
        path = bench.context.guard.shares.path_of(share)
        assert bench.client.get(path or "", headers=passed_on).status_code == 200


def test_only_ways_that_lead_somewhere_stay_on_a_page() -> None:
    html = (
        '<body><nav class="nav"><a href="/alerts">Alerts</a></nav><main id="main"><form action="/x"><form>in</form>left</form>'
        '<a href="#steps">Steps</a> <a class="quiet" href="/runs/1">run &amp; more</a> <a href="https://status.example/x">out</a>'
        '<a href="//evil.example">evil</a><a href="javascript:alert(1)">js</a><a href="?range=7d&amp;zone=utc">UTC</a>'
        '<a href="?range=7d">7 d</a>'
        '<svg><a href="/runs/2"><rect width="1"/></a></svg><a class="btn" href="/runs/1.md">Copy</a><img src="/evidence/'
        + "a"
        * 64
        + '.jpg" alt="x">'
        '<img src="/evidence/x.zip"><img src="https://evil.example/pixel"><script>if (a < b) "</main>"</script>'
        "&#8211;<br></main></body>"
    )
    shown = shared_page(html, "a <note>", prefix="", picture=lambda _: b"jpg")
    assert shown == (
        '<body><main id="main"><p class="notice" role="note">a &lt;note&gt;</p>'
        '<a href="#steps">Steps</a> <span class="quiet">run &amp; more</span> <a href="https://status.example/x" rel'
        '="noreferrer noopener">out</a>'
        '<span>evil</span><span>js</span><a href="?zone=utc">UTC</a><span>7 d</span>'
        '<svg><g><rect width="1"/></g></svg><img src="data:image/jpeg;base64,anBn" alt="x">'
        '<img src="data:,"><img src="data:,"><script>if (a < b) "</main>"</script>'
        "&#8211;<br></main></body>"
    )


def test_links_are_let_go_some_time_after_their_end(closed: Bench) -> None:
    a_link(closed, "/executive", **{"for": "1h"})
    sweep(closed.store, now=closed.now + timedelta(days=89))
    with closed.store.read() as connection:
        assert len(rows.listed(connection)) == 1
