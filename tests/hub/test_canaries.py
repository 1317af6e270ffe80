"""Canary secrets through every channel a run has: none of their bytes is in anything that leaves.

The same run is made twice: blind, which proves that every canary really went through its channel into what is kept, and knowing.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import re
import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.channels import Receipt, Slack, Webhook
from alerts.message import Message
from config import Secret
from facts import Run, Status, to_wire
from hub.deliver import Deliverer
from process.logs import get_logger
from reports import write_run
from reports.junit import junit_xml
from runner.attempt.start import make_run
from runner.logs import start_scrubbed_logging
from runner.spool.hub_client import HubClient
from runner.spool.sender import Sender
from runner.spool.spool import Spool
from tests.hub.conftest import Bench
from tests.jobs import a_job, a_journey
from tests.sites import Page, Served, a_site

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    # The runner's client says how long an answer may take; the hub inside this process has no use for it.
    pytest.mark.filterwarnings("ignore:You should not use the 'timeout' argument"),
]


def a_canary(*, plain: bool = False) -> str:
    core = "C" + secrets.token_hex(9)
    return core if plain else f'é "{core}"/+&<x>'


TEXTS = (
    "page text",
    "typed",
    "console",
    "page's exception",
    "dialog",
    "address query",
    "address path",
    "file name",
    "request body",
    "response body",
    "error body",
    "local storage",
    "note",
    "purchase",
    "journey's exception",
    "last words",
    "page title",
)
PLAIN = ("basic auth", "secret header", "response header", "cookie", "stripe key", "hub token", "webhook address")
CANARIES = {**{name: a_canary() for name in TEXTS}, **{name: a_canary(plain=True) for name in PLAIN}}
UNNAMED = {name: a_canary(plain=True) for name in ("typed in a sensitive step", "body of a sensitive step")}
"""What no list of secrets knows: only the gap keeps it out."""
SESSION = a_canary(plain=True)
CONTEXT = "from facts import Purchase\nimport os, sys\n"

STEPS = '("open", "login", "account", "look")'
BODY = """
page, c = visit.page, {canaries!r}
with visit.step("open"):
    page.goto(visit.site.url("/"))
    page.fill("#plain", c["typed"])
    page.evaluate("() => {{ fetch('/private') }}")
    page.wait_for_timeout(300)
visit.note("noted " + c["note"])
visit.purchase(Purchase(session_id="cs_test_1", amount_minor=1, currency="usd", state="open", note=c["purchase"]))
with visit.step("login", sensitive=True):
    page.goto(visit.site.url("/login"))
    page.fill("#secret", {typed!r})
    page.evaluate("v => fetch('/api/login', {{method: 'POST', body: v}}).then(r => r.text())", {body!r})
with visit.step("account"):
    page.goto(visit.site.url("/account"))
with visit.step("look"):
    page.evaluate("fetch('/api/mine').then(r => r.text())")
    page.goto(visit.site.url("/"))
    page.wait_for_timeout(300)
    raise RuntimeError("the journey says " + c["journey's exception"])
"""
DIES = """
with visit.step("open"):
    sys.stderr.write("died of " + {said})
    sys.stderr.flush()
    os._exit(7)
"""


def the_pages() -> dict[str, Page]:
    c = {name: json.dumps(value).replace("<", "\\u003c") for name, value in CANARIES.items()}
    script = f"""
      document.title = {c["page title"]};
      document.querySelector('p').textContent = {c["page text"]};
      localStorage.setItem('k', {c["local storage"]});
      console.error({c["console"]});
      fetch('/api/q?token=' + encodeURIComponent({c["address query"]}));
      fetch('/api/' + encodeURIComponent({c["address path"]}) + '/x');
      fetch('/files/' + encodeURIComponent({c["file name"]}) + '.png');
      fetch('/api/post', {{method: 'POST', body: new URLSearchParams({{a: {c["request body"]}}})}});
      fetch('/api/said').then(r => r.text());
      fetch('/api/broken').then(r => r.text());
      setTimeout(() => {{ throw new Error({c["page's exception"]}) }}, 20);
      setTimeout(() => alert({c["dialog"]}), 40);
    """
    headers = {"x-canary": CANARIES["response header"], "set-cookie": f"c={CANARIES['cookie']}"}
    challenge = {"www-authenticate": 'Basic realm="shop"'}
    return {
        "/": Page(f"<h1>Shop</h1><p></p><input id=plain><script>{script}</script>", headers=headers),
        "/api/said": Page(json.dumps({"a": CANARIES["response body"]}), kind="application/json"),
        "/api/broken": Page(json.dumps({"error": CANARIES["error body"]}), status=500, kind="application/json"),
        "/private": Page("no", status=401, headers=challenge),
        "/login": Page("<h1>Login</h1><input id=secret type=password>"),
        "/api/login": Page("{}", headers={"set-cookie": f"session={SESSION}; Path=/"}),
        "/api/mine": Page("{}"),
        "/account": Page("<h1>Account</h1><p>Welcome"),
    }


@dataclass
class Left:
    """Everything that left, by where it went."""

    places: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, content: bytes | str) -> None:
        self.places[name] = content.encode() if isinstance(content, str) else content

    def add_folder(self, name: str, folder: Path) -> None:
        for file in folder.rglob("*"):
            if file.is_file():
                self.add(f"{name}/{file.relative_to(folder)}", str(file.name).encode() + b"\n" + file.read_bytes())
                if zipfile.is_zipfile(file):
                    self._add_zip(f"{name}/{file.name}", file.read_bytes())

    def _add_zip(self, name: str, content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                self.add(f"{name}!{member}", member.encode() + b"\n" + archive.read(member))

    def where(self, canary: str) -> list[str]:
        """The places that hold a canary's core, which escapes leave as it is, or its base64, hexadecimal or UTF-16."""
        core = canary[canary.index("C") :][:19]
        assert core.isalnum()
        # Half of it would be a leak as well.
        forms = [core[:10].encode(), core[9:].encode(), core.encode().hex().encode(), core.encode("utf-16-le")]
        for before in range(3):
            encoded = base64.b64encode(b"\0" * before + core.encode())
            forms.append(encoded[4:20])
        return [name for name, content in self.places.items() if any(form in content for form in forms)]


def make(folder: Path, site: Served, *, known: bool, dies: bool = False) -> Run:
    typed, posted = UNNAMED.values()
    body = (
        DIES.replace("{said}", repr(CANARIES["last words"]))
        if dies
        else BODY.format(canaries=CANARIES, typed=typed, body=posted)
    )
    file = a_journey(folder, body, steps=STEPS, options="deadline_s=45, step_s=15", name="ga_like")
    file.write_text(CONTEXT + file.read_text())
    named = {
        "basic_auth": f"buyer:{CANARIES['basic auth']}",
        "secret_headers": {"X-Secret": CANARIES["secret header"]},
        "stripe_key": CANARIES["stripe key"],
    }
    # What the job itself holds is a secret without further words; blind, it is only a header.
    others = list(CANARIES.values()) if known else []
    how: dict[str, Any] = named if known else {"headers": {"X-Secret": CANARIES["secret header"]}}
    return make_run(
        a_job(folder, site.url, "ga_like", run_id="canary-1", confirm=False, trace="on", other_secrets=others, **how)
    )


@pytest.fixture(scope="module")
def site() -> Iterator[Served]:
    with a_site(the_pages()) as served:
        yield served


@pytest.fixture
def database_url() -> str | None:
    """One database is enough here."""
    return None


@pytest.fixture(scope="module")
def blind(site: Served, tmp_path_factory: pytest.TempPathFactory) -> Left:
    folder = tmp_path_factory.mktemp("blind")
    run = make(folder, site, known=False)
    left = Left()
    left.add("record", json.dumps(to_wire(run), ensure_ascii=False))
    left.add_folder("evidence", folder / "evidence")
    return left


@pytest.fixture(scope="module")
def made(site: Served, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run, Path]:
    folder = tmp_path_factory.mktemp("knowing")
    return make(folder, site, known=True), make(folder, site, known=True, dies=True), folder / "evidence"


class Both:
    """Slack and a webhook at once."""

    def __init__(self, client: httpx.Client) -> None:
        self._channels = [
            kind(url=Secret(f"https://hook.test/{CANARIES['webhook address']}"), client=client)
            for kind in (Slack, Webhook)
        ]

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        return [channel.send(message, dedup_key=dedup_key) for channel in self._channels][-1]


@pytest.fixture
def left(bench: Bench, made: tuple[Run, Run, Path], tmp_path: Path) -> Left:
    """The run on its whole way: spool, hub, its database, pages, alert, messages, reports, logs."""
    found, (run, dead, evidence) = Left(), made
    root, said = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers, root.level
    start_scrubbed_logging("hub", secrets=CANARIES.values(), stream=said)
    try:
        raise ValueError(CANARIES["hub token"])
    except ValueError:
        get_logger("sixfb.hub").exception("told", **CANARIES)
        logging.getLogger("uvicorn.error").exception("sending to %s", CANARIES["webhook address"])
    root.handlers = handlers
    root.setLevel(level)
    found.add("log", said.getvalue())

    moments = {"started_at": bench.now, "finished_at": bench.now}
    bench.client.event_hooks["request"] = [lambda r: found.add(f"posted {len(found.places)} {r.url.path}", r.read())]
    for place in ("us-east", "us-west", "eu-west"):
        spool = Spool(tmp_path / "runner" / place)
        facts: dict[str, Any] = {"location": place, **moments}
        spool.keep(replace(run, id=f"canary-{place}", journey="ga_purchase", slot=bench.now, **facts), evidence)
        spool.keep(replace(dead, id=f"dead-{place}", **facts))
        found.add_folder(f"spool before {place}", tmp_path / "runner")
        hub = HubClient("http://127.0.0.1:8600", location=place, client=bench.client)
        Sender(spool, hub, clock=lambda: bench.now).send_all()
        assert (spool.depth(), spool.rejected()) == (0, [])
    bench.tick()
    bodies: list[bytes] = []

    def take(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(200, text="ok")

    channel = Both(httpx.Client(transport=httpx.MockTransport(take)))
    Deliverer(store=bench.store, channels={"hook": channel}, holder="t", clock=lambda: bench.now).deliver()
    assert len(bodies) >= 2
    for number, content in enumerate(bodies):
        found.add(f"message {number}", content)
    for path in ("/runs/canary-us-east", "/runs/dead-us-east", "/alerts", "/api/alerts", "/", "/api/runs/dead-us-east"):
        found.add(f"page {path}", bench.client.get(path).content)
    write_run(run, evidence=evidence, out=tmp_path / "report")
    found.add("junit", junit_xml([run, dead]))
    found.add("json", json.dumps(to_wire([run, dead])))
    found.add("json, other way", json.dumps(to_wire([run, dead]), ensure_ascii=False))
    for folder in ("runner", "hub", "evidence", "report"):
        found.add_folder(folder, tmp_path / folder)
    found.add_folder("kept", evidence)
    return found


# A job's own secrets and our own channels are not the site's to tell: they have no blind twin.
_OURS = {"basic auth", "stripe key", "hub token", "webhook address", "last words"}


def test_every_canary_goes_through_its_channel_into_what_is_kept(blind: Left) -> None:
    # The browser tells nobody of its storage; Playwright's trace does not hold it either.
    silent = {name for name in set(CANARIES) - _OURS if not blind.where(CANARIES[name])}
    assert silent <= {"local storage"}


def test_no_canary_is_in_any_byte_that_leaves(left: Left) -> None:
    assert {name: places for name, canary in CANARIES.items() if (places := left.where(canary))} == {}


def test_the_run_is_kept_with_its_trace_and_says_what_was_masked(made: tuple[Run, Run, Path], left: Left) -> None:
    run, dead, _ = made
    assert run.status is Status.FAILED, run.error
    assert "the journey says ***; the page showed alert '***'" in str(run.error)
    trace = next(e for e in run.evidence if e.kind == "trace")
    assert re.fullmatch(r"\d+ frames were dropped: they may show a secret", str(trace.note))
    assert trace.path is not None
    assert trace.masked > 20
    assert str(dead.error).endswith("ended by itself with 7; its last words: died of ***")
    assert {"message 0", "junit", "log", "page /alerts"} <= set(left.places)
    assert any(name.startswith("hub/") for name in left.places)


def test_pictures_are_covered_and_frames_dropped_where_the_page_showed_a_canary(
    blind: Left, left: Left, made: tuple[Run, Run, Path]
) -> None:
    assert any("screencast/" in name for name in blind.places)
    assert not any("screencast/" in name for name in left.places)
    assert next(e.masked for e in made[0].evidence if e.kind == "screenshot") > 0


def test_what_a_sensitive_step_typed_is_nowhere_though_nobody_named_it(blind: Left, left: Left) -> None:
    for canary in UNNAMED.values():
        assert blind.where(canary) == []
        assert left.where(canary) == []


def test_the_trace_goes_on_after_the_gap(blind: Left) -> None:
    traces = [content for name, content in blind.places.items() if name.endswith(".trace")]
    assert len(traces) == 2
    assert not any(b"/api/login" in content for name, content in blind.places.items() if "network" in name)
    assert any(b"/api/mine" in content for name, content in blind.places.items() if "network" in name)


def test_the_cookie_that_a_sensitive_step_won_is_masked_too(blind: Left) -> None:
    assert blind.where(SESSION) == []
