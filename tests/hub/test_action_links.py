"""The signed links of messages: a page that asks for confirmation, without a login, for the one alert that the link is of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from facts import LadderStatus, Role
from hub.server_key import ServerKey
from hub.signed_links import LASTS, ActionLinks
from store import Store
from store import alerts as alert_rows
from tests.hub.conftest import KEY, Bench, a_bench
from tests.hub.test_incidents import escalating, outage, tiers

ALERT = "A1s.ga_purchase.1"
BASE = "http://hub.test"


@pytest.fixture
def locked(store: Store, tmp_path: Path) -> Iterator[Bench]:
    """A hub that asks everybody to log in, with an incident that escalates; on each kind of database."""
    with a_bench(store, tmp_path) as bench:
        escalating(bench)
        outage(bench)
        bench.tick()
        bench.user(Role.ADMIN)
        yield bench


def link(bench: Bench, alert: str = ALERT, key: ServerKey = KEY) -> str:
    """The path and query of a link, as a browser asks for it."""
    return ActionLinks(key).maker(BASE)(alert, bench.now).removeprefix(BASE)


def acked_by(bench: Bench) -> str | None:
    with bench.store.read() as connection:
        alert = alert_rows.get(connection, ALERT)
    assert alert is not None
    return alert.acked_by


def test_opening_a_link_changes_nothing_and_its_buttons_act_with_the_name_that_was_given(locked: Bench) -> None:
    assert locked.client.get("/alerts").status_code in (303, 401), "the hub asks for a login"
    page = locked.client.get(link(locked))
    assert (page.status_code, page.headers["Cache-Control"], acked_by(locked)) == (200, "no-store", None)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    for said in (
        "payment fails",
        "Acknowledge</button>",
        "Escalate now</button>",
        f'action="{link(locked)}'.replace("&", "&amp;"),
    ):
        assert said in page.text, said
    done = locked.client.post(link(locked), data={"do": "acknowledge", "name": " Ann\n<b> "})
    assert (done.status_code, acked_by(locked)) == (200, "Ann <b> (link)")
    assert "Acknowledged by Ann &lt;b&gt; (link)" in done.text
    assert "Acknowledge</button>" not in done.text
    done = locked.client.post(link(locked), data={"do": "escalate", "name": "bob"})
    assert "hook called now." in done.text
    assert acked_by(locked) is None
    assert (2, LadderStatus.DONE) in tiers(locked.store)


def test_a_link_is_of_one_alert_one_hub_and_three_days(light: Bench) -> None:
    outage(light)
    path, query = link(light).split("?")
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    for other in (
        f"{path}?until={asked['until']}&sig={'0' * 64}",
        f"{path}?until={int(asked['until']) + 1}&sig={asked['sig']}",
        f"{path}?until=\u0661&sig={asked['sig']}",
        f"{path}?sig={asked['sig']}",
        path,
        f"/links/F0.ga_purchase.1?{query}",
        link(light, key=ServerKey(b"the key of another hub altogether")),
    ):
        for answer in (light.client.get(other), light.client.post(other, data={"do": "acknowledge", "name": "eve"})):
            assert (answer.status_code, "this link is not one of" in answer.text) == (403, True), other
    assert acked_by(light) is None
    made = link(light)
    light.now += LASTS - timedelta(seconds=1)
    assert light.client.get(made).status_code == 200
    light.now += timedelta(seconds=1)
    answer = light.client.post(made, data={"do": "acknowledge", "name": "ann"})
    assert (answer.status_code, "this link ended at" in answer.text, acked_by(light)) == (410, True, None)


def test_what_the_form_of_a_link_cannot_ask_is_told(light: Bench) -> None:
    outage(light)
    assert light.client.post(link(light), data={"do": "silence"}).status_code == 422
    assert light.client.post(link(light), json={"do": "acknowledge"}).status_code == 415
    assert light.client.post(link(light, "none"), data={"do": "acknowledge"}).status_code == 404
    assert light.client.get(link(light, "none")).status_code == 404
    answer = light.client.post(link(light), data={"do": "escalate"})
    assert (answer.status_code, "does not escalate" in answer.text) == (409, True)


def test_the_messages_of_a_hub_with_an_address_have_a_link_while_somebody_has_to_acknowledge(light: Bench) -> None:
    light.cycle.policy = replace(light.context.policy, action_link=ActionLinks(KEY).maker(BASE))
    outage(light)
    owed = light.client.get(f"/api/alerts/{ALERT}").json()["notifications"]
    (message,) = [one["message"] for one in owed if one["kind"] == "firing" and one["message"]]
    (url,) = [one["url"] for one in message["links"] if one["name"] == "Acknowledge"]
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == BASE
    answer = light.client.post(f"{parts.path}?{parts.query}", data={"do": "acknowledge", "name": "ann"})
    assert (answer.status_code, acked_by(light)) == (200, "ann (link)")


def test_a_link_works_below_a_prefix(light: Bench) -> None:
    made = ActionLinks(KEY).maker("https://example.com/monitor/")(ALERT, light.now)
    assert made.startswith(f"https://example.com/monitor/links/{ALERT}?until=")
