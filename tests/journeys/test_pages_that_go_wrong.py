"""What a visit makes of pages that break, mislead or go on elsewhere: in a real browser, at small sites."""

from __future__ import annotations

import json
import re
import runpy
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from facts import Purchase, Vital
from journeys.asserted import asserted
from journeys.checkout_session import PAY_PRESSED, Session, StripeAccess, left_to_do
from journeys.failure import Failure, Kind, SiteBroken
from journeys.pages import SuccessPage
from journeys.reference import Reference
from journeys.site import Site
from journeys.site_headers import add_headers
from journeys.visit import Visit, VisitFailed, journey
from tests.sites import Page as Answer
from tests.sites import Served, a_site

pytestmark = pytest.mark.browser

JSON = "application/json"
Pages = Mapping[str, Answer | str]
Walk = Callable[[Visit], None]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


def a_visit(page: Page, url: str, walk: Walk, *, step_s: float = 2.0) -> Visit:
    described = journey(title="A test", steps=("open", "look"), slow_after_s=30, deadline_s=40, step_s=step_s)(walk)
    return Visit(page, site=Site(base_url=url, cities={"Dallas": "dallas-jan-2026"}), journey=described)


def failure_of(visit: Visit) -> Failure | None:
    """The failure that walking ends with; None where it passes."""
    try:
        visit.walk()
    except VisitFailed as failed:
        return failed.failure
    return None


def walked(
    context: BrowserContext, pages: Pages, look: Walk, *, step_s: float = 1.0, reference: Reference | None = None
) -> tuple[Failure | None, Visit]:
    """Open `/` of a small site, do something there, and return what came of it."""

    def walk(visit: Visit) -> None:
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("look"):
            look(visit)

    with a_site(pages) as site:
        visit = a_visit(context.new_page(), site.url, walk, step_s=step_s)
        visit.reference = reference
        return failure_of(visit), visit


def see(role: str, name: str) -> Walk:
    return lambda visit: _see(visit, role, name)


def _see(visit: Visit, role: str, name: str) -> None:
    visit.see(visit.page.get_by_role(role, name=name))  # type: ignore[arg-type]


def press_and_see(name: str) -> Walk:
    """Press the only button, then look for a heading."""

    def look(visit: Visit) -> None:
        visit.press(visit.page.get_by_role("button"))
        _see(visit, "heading", name)

    return look


def a_shop(script: str = "", body: str = "") -> str:
    """A page with a button; `script` is what pressing it does."""
    return (
        f"<title>Shop</title><h1>Shop</h1>{body}<button id=b>Place order</button><div id=a></div>"
        f"<script>b.onclick = async () => {{ {script} }}</script>"
    )


# -- tabs ------------------------------------------------------------------------------------------------------------------

TABS: Pages = {
    "/": "<h1>Orders</h1><a href='/invoice' target=_blank>Open invoice</a>",
    "/invoice": "<h1>Invoice 17</h1><p>Paid by card</p>",
}
WINDOW: Pages = {**TABS, "/": a_shop("window.open('/invoice')")}


def _tab(visit: Visit) -> Page:
    with visit.page.context.expect_page() as opened:
        visit.page.get_by_text(re.compile("Open invoice|Place order")).click()
    return opened.value


@pytest.mark.parametrize("pages", [TABS, WINDOW])
def test_a_journey_goes_on_in_a_tab_that_it_opened(context: BrowserContext, pages: Pages) -> None:
    failure, visit = walked(context, pages, lambda v: _in_tab(v, "Invoice 17"))
    assert failure is None
    (asked,) = [r for r in visit.recorder.requests if r.endpoint == "/invoice"]
    assert (asked.status, asked.is_main, asked.party) == (200, True, "first")


def test_a_journey_goes_on_in_its_first_page_beside_a_tab(context: BrowserContext) -> None:
    def look(visit: Visit) -> None:
        visit.press(visit.page.get_by_text("Open invoice"))
        visit.pump(300)
        _see(visit, "heading", "Orders")

    failure, visit = walked(context, TABS, look)
    assert failure is None
    assert visit.page_on_show is visit.page


def test_a_journey_can_go_on_in_a_tab_as_its_own_page(context: BrowserContext) -> None:
    def look(visit: Visit) -> None:
        visit.follow(_tab(visit))
        visit.wait_until("the invoice", lambda: "Invoice 17" in visit.page.locator("body").inner_text())

    failure, visit = walked(context, TABS, look, step_s=5.0)
    assert failure is None
    assert visit.page is visit.page_on_show is context.pages[-1]
    assert visit.notes == ["the site opened a new tab in look, and the journey went on there"]
    assert any(vital.page == "/invoice" for vital in visit.recorder.vitals.vitals())


@pytest.mark.parametrize("pages", [TABS, WINDOW])
def test_a_tab_in_which_nobody_looked_is_told(context: BrowserContext, pages: Pages) -> None:
    def look(visit: Visit) -> None:
        visit.press(visit.page.get_by_text(re.compile("Open invoice|Place order")))
        visit.wait_until("the invoice", lambda: visit.page.url.endswith("/invoice"))

    failure, _ = walked(context, pages, look)
    assert failure is not None
    assert failure.kind is Kind.MISSING
    assert (
        "the site opened /invoice in a new tab, where the journey did not look; the invoice never" in failure.sentence
    )


def _in_tab(visit: Visit, heading: str) -> None:
    visit.see(_tab(visit).get_by_role("heading", name=heading))


def _click_in_tab(visit: Visit) -> None:
    _tab(visit).get_by_role("button", name="Print").click(timeout=500)


def _expect_in_tab(visit: Visit) -> None:
    expect(_tab(visit).get_by_role("heading")).to_have_text("Invoice 18", timeout=500)


@pytest.mark.parametrize("look", [lambda v: _in_tab(v, "Invoice 18"), _click_in_tab, _expect_in_tab])
def test_a_failure_in_a_tab_shows_the_tab(context: BrowserContext, look: Walk) -> None:
    failure, visit = walked(context, TABS, look, step_s=1.5)
    assert failure is not None
    assert "Invoice 17" in visit.page_text
    assert visit.page_on_show.url.endswith("/invoice")
    assert "Orders" not in failure.sentence


# -- what fails and stops nobody -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["", "<p class=error-hint>No errors so far</p>"], ids=["plain", "with a word of error"]
)
def test_a_call_that_fails_beside_a_slow_one_ends_no_hope(context: BrowserContext, body: str) -> None:
    pages: Pages = {
        "/": a_shop(
            "fetch('/telemetry', {method: 'POST'}); await fetch('/orders', {method: 'POST'}); a.innerHTML = '<h2>Thank you</h2>'",
            body,
        ),
        "/telemetry": Answer("no", status=404),
        "/orders": Answer("{}", kind=JSON, before=lambda: time.sleep(4)),
    }
    failure, _ = walked(context, pages, press_and_see("Thank you"), step_s=8)
    assert failure is None


def test_a_failed_call_stays_a_suspect_beside_what_never_came(context: BrowserContext) -> None:
    pages: Pages = {"/": a_shop("fetch('/telemetry', {method: 'POST'})"), "/telemetry": Answer("no", status=404)}
    failure, _ = walked(context, pages, press_and_see("Thank you"))
    assert failure is not None
    assert failure.kind is Kind.ANSWERED
    assert "POST /telemetry answered 404" in failure.sentence
    assert 'the heading "Thank you" never appeared' in failure.sentence


def test_a_failed_call_and_an_error_on_the_page_end_the_waiting_early(context: BrowserContext) -> None:
    pages: Pages = {
        "/": a_shop("await fetch('/orders', {method: 'POST'}); a.innerHTML = '<p role=alert>Something went wrong</p>'"),
        "/orders": Answer("broken", status=500),
    }
    failure, visit = walked(context, pages, press_and_see("Thank you"), step_s=30)
    assert failure is not None
    assert failure.kind is Kind.ANSWERED
    assert visit.duration_ms < 15_000


@pytest.mark.parametrize("text", ["Added to your basket!", "Thank you, Ann", "Order 4711"])
def test_a_friendly_alert_ends_no_hope(context: BrowserContext, text: str) -> None:
    late = "setTimeout(() => a.innerHTML = '<h2>Your basket</h2>', 1200)"
    failure, _ = walked(context, {"/": a_shop(f"alert('{text}'); {late}")}, press_and_see("Your basket"), step_s=4)
    assert failure is None


def test_an_alert_that_complains_ends_the_waiting_at_once(context: BrowserContext) -> None:
    pages: Pages = {"/": a_shop("alert('Your card was declined')")}
    failure, visit = walked(context, pages, press_and_see("Thank you"), step_s=20)
    assert failure is not None
    assert failure.kind is Kind.SHOWN
    assert "Your card was declined" in failure.sentence
    assert visit.duration_ms < 8_000


def _follow_the_link(visit: Visit) -> None:
    visit.page.get_by_text("Next").click()
    _see(visit, "heading", "Next")


# -- answers that say no ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer('{"success": false, "error": "Dallas is sold out"}', kind=JSON), "Dallas is sold out"),
        (Answer('{"errors": [{"message": "No such event"}]}', kind=JSON), "No such event"),
        (Answer('{"status": "error", "detail": {"reason": "too late"}}', kind=JSON), "too late"),
        (Answer("<h1>Log in</h1>"), "with HTML where JSON was due: 'Log in'"),
        (Answer(f'{{"success": false, "cart": "{"x" * 900}", "error": "too late"}}', kind=JSON), "says no: 'too late'"),
        (Answer('{"success": false, "error": "too late"}', kind="text/plain"), "says no: 'too late'"),
        (Answer('[{"name": "Shirt", ', kind=JSON), 'with JSON that cannot be read: \'[{"name": "Shirt",\''),
        (Answer("<h1>Log in</h1>", kind=JSON), "with HTML where JSON was due: 'Log in'"),
    ],
)
def test_an_answer_of_200_that_says_no_is_quoted(context: BrowserContext, answer: Answer, said: str) -> None:
    pages: Pages = {"/": a_shop("await fetch('/api/orders', {method: 'POST'})"), "/api/orders": answer}
    failure, _ = walked(context, pages, press_and_see("Thank you"))
    assert failure is not None
    assert failure.kind is Kind.ANSWERED
    assert "POST /api/orders answered 200" in failure.sentence
    assert said in failure.sentence


@pytest.mark.parametrize("answer", ['{"success": true, "error": null}', ')]}\',\n{"ok": true}'])
def test_an_answer_of_200_that_says_yes_is_no_suspect(context: BrowserContext, answer: str) -> None:
    pages: Pages = {
        "/": a_shop("await fetch('/api/orders', {method: 'POST'})"),
        "/api/orders": Answer(answer, kind=JSON),
    }
    failure, _ = walked(context, pages, press_and_see("Thank you"), step_s=1)
    assert failure is not None
    assert failure.kind is Kind.MISSING


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(status=204), "GET /next answered 204"),
        (Answer("x", kind="application/zip"), "/next answered 200 with a download"),
    ],
)
def test_a_page_that_is_none_is_named_with_its_status(context: BrowserContext, answer: Answer, said: str) -> None:
    failure, _ = walked(context, {"/": "Shop", "/next": answer}, lambda v: v.go(v.site.url("/next")))
    assert failure is not None
    assert said in failure.sentence
    assert failure.kind in (Kind.ANSWERED, Kind.SHOWN)


def test_a_link_that_brings_no_page_is_named_with_its_status(context: BrowserContext) -> None:
    failure, _ = walked(
        context, {"/": "<a href=/next>Next</a>", "/next": Answer(status=204)}, _follow_the_link, step_s=1
    )
    assert failure is not None
    assert "GET /next answered 204" in failure.sentence


def test_a_429_on_the_document_that_the_step_before_asked_for_is_our_own(context: BrowserContext) -> None:
    pages: Pages = {"/": "<a href=/next>Next</a>", "/next": Answer("Too Many Requests", status=429)}

    def walk(visit: Visit) -> None:
        with visit.step("open"):
            visit.go(visit.site.url("/"))
            visit.page.get_by_text("Next").click()
            visit.page.wait_for_url("**/next")
        with visit.step("look"):
            _see(visit, "heading", "Next")

    with a_site(pages) as site:
        visit = a_visit(context.new_page(), site.url, walk, step_s=20)
        failure = failure_of(visit)
    assert failure is not None
    assert failure.kind is Kind.LIMITED
    assert visit.duration_ms < 10_000


# -- pages in the shop's place ---------------------------------------------------------------------------------------------


def test_an_address_in_a_message_is_not_whose_script_threw(context: BrowserContext) -> None:
    throws = "throw new Error('Minified React error #425; visit https://react.dev/errors/425\\nat https://other.example/x.js:1:2')"
    failure, _ = walked(context, {"/": a_shop(throws)}, press_and_see("Thank you"), step_s=1)
    assert failure is not None
    assert failure.kind is Kind.THREW
    assert "comes from" not in failure.sentence


@pytest.mark.parametrize(
    ("throws", "said"),
    [
        ("throw 'https://status.other.example/42 tells more'", "threw 'https://status.other.example/42 tells more'"),
        ("throw 'Payment: not available'", "threw 'Payment: not available'"),
        ("throw 'nothing works'", "threw 'nothing works'"),
        ("throw new TypeError('no: price')", "threw 'no: price'"),
        ("throw new Error('no\\n  at https://cdn.other.example/lib.js:3:4\\nprice')", "threw 'no' in /:1;"),
    ],
)
def test_what_a_script_threw_is_told_whole_and_with_its_own_place(
    context: BrowserContext, throws: str, said: str
) -> None:
    failure, _ = walked(context, {"/": a_shop(throws)}, press_and_see("Thank you"), step_s=1)
    assert failure is not None
    assert failure.kind is Kind.THREW
    assert said in failure.sentence


def test_what_a_framework_caught_is_the_sites(context: BrowserContext) -> None:
    catches = (
        "console.error('TypeError: price is undefined'); "
        "document.body.innerText = 'Application error: a client-side exception has occurred (see the browser console)'"
    )
    failure, _ = walked(context, {"/": a_shop(catches)}, press_and_see("Thank you"), step_s=1)
    assert failure is not None
    assert failure.kind is Kind.SHOWN
    assert "Next.js" in failure.sentence
    assert "price is undefined" in failure.sentence


@pytest.mark.parametrize(
    ("tag", "answer", "words"),
    [
        (
            "<script src=/app.js>",
            Answer("<!doctype html>"),
            "GET /app.js answered 200 with HTML where a script was due",
        ),
        (
            "<script src=/app.js>",
            Answer("<!doctype html>", headers={"x-content-type-options": "nosniff"}),
            "GET /app.js answered 200 with HTML where a script was due",
        ),
        (
            "<script type=module src=/app.js>",
            Answer("<!doctype html>"),
            "GET /app.js answered 200 with HTML where a script was due",
        ),
        (
            "<script src=/app.js>",
            Answer("<!doctype html>", kind="text/javascript"),
            "a script of the page is HTML, no JavaScript: 'Unexpected token '<''",
        ),
        ("<script src=/app.js>", Answer("\nthrow new Error('no')", kind="text/javascript"), "threw 'no' in /app.js:2"),
    ],
)
def test_a_script_that_is_none_is_told(context: BrowserContext, tag: str, answer: Answer, words: str) -> None:
    failure, _ = walked(context, {"/": f"<h1>Shop</h1>{tag}</script>", "/app.js": answer}, see("button", "Buy"))
    assert failure is not None
    assert failure.sentence.startswith("look: ")
    assert words in failure.sentence.partition(";")[0]


def test_what_a_framework_caught_is_told_with_its_place(context: BrowserContext) -> None:
    catches = "try { total.final } catch (error) { console.error(error) }"
    failure, _ = walked(context, {"/": a_shop(catches)}, press_and_see("Thank you"))
    assert failure is not None
    assert failure.kind is Kind.THREW
    assert (
        "threw 'ReferenceError: total is not defined' in /:1, caught and written to the console; " in failure.sentence
    )


def test_an_exception_in_the_console_is_told_without_a_known_error_page(context: BrowserContext) -> None:
    catches = "console.error('ReferenceError: basket is not defined'); document.body.innerText = 'Hm.'"
    failure, _ = walked(context, {"/": a_shop(catches)}, press_and_see("Thank you"), step_s=1)
    assert failure is not None
    assert failure.kind is Kind.THREW
    assert "basket is not defined" in failure.sentence


@pytest.mark.parametrize(
    "body", ["We'll be back soon. The shop is down for maintenance.", "", "This domain is for sale!"]
)
def test_another_page_in_the_shops_place_is_the_sites(context: BrowserContext, body: str) -> None:
    failure, _ = walked(context, {"/": f"<p>{body}</p>"}, see("button", "Buy"), step_s=1)
    assert failure is not None
    assert failure.kind is Kind.SHOWN


@pytest.mark.parametrize(
    ("pages", "kind"),
    [
        (
            {"/": "<script src=/app.js></script><link rel=stylesheet href=/app.css><h1>Shop</h1>"},
            Kind.ANSWERED,
        ),
        ({"/": "<link rel=stylesheet href=/app.css><h1>Shop</h1>"}, Kind.ANSWERED),
        ({"/": "<h1>Shop</h1><img src=/hero.png>"}, Kind.MISSING),
    ],
)
def test_the_sites_own_files_are_suspects_in_every_step(context: BrowserContext, pages: Pages, kind: Kind) -> None:
    def walk(visit: Visit) -> None:
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("read"):
            _see(visit, "heading", "Shop")
        with visit.step("look"):
            _see(visit, "button", "Buy")

    described = journey(title="A test", steps=("open", "read", "look"), slow_after_s=30, deadline_s=40, step_s=1)(walk)
    with a_site(pages) as site:
        visit = Visit(context.new_page(), site=Site(base_url=site.url, cities={"Dallas": "d"}), journey=described)
        failure = failure_of(visit)
    assert failure is not None
    assert failure.kind is kind, failure.sentence


GUEST = """<h1>Checkout</h1><form><input name=email><input name=street><input name=city><button>Continue as guest</button></form>
<form><input name=email><input type=password><button>Log in</button></form>"""
ONE_FORM = """<h1>Checkout</h1><form><input name=email><input name=street><input name=city><input name=zip><input name=phone>
<input type=password placeholder="Choose a password (optional)"><button>Continue</button></form>"""
LOGIN = "<h1>Members only</h1><form><input type=email><input type=password><button>Log in</button></form>"


@pytest.mark.parametrize(("body", "asks"), [(GUEST, False), (ONE_FORM, False), (LOGIN, True)])
def test_a_login_counts_only_where_it_stands_instead_of_the_shop(
    context: BrowserContext, body: str, asks: bool
) -> None:
    failure, _ = walked(context, {"/": body}, see("button", "Pay"), step_s=1)
    assert failure is not None
    assert ("asks the buyer to log in" in failure.sentence) is asks
    assert failure.kind is (Kind.SHOWN if asks else Kind.MISSING)


def test_a_login_that_the_site_sends_the_buyer_to_counts(context: BrowserContext) -> None:
    pages: Pages = {"/": Answer(status=302, headers={"location": "/account/login"}), "/account/login": GUEST}
    failure, _ = walked(context, pages, see("button", "Pay"), step_s=1)
    assert failure is not None
    assert "asks the buyer to log in" in failure.sentence


FORM = "<form><input type=email name=email><input type=password{}><button>Log in</button></form>"
MODAL = "<dialog id=d>" + FORM.format("") + "</dialog><script>d.showModal()</script>"


@pytest.mark.parametrize(
    ("body", "asks"),
    [
        ("<h1>Anmelden</h1><form><input name=q></form>" + FORM.format(""), True),
        (FORM.format("") + "<footer><form><input name=news><button>Subscribe</button></form></footer>", True),
        ("<h1>Basket</h1><button>Order</button>" + MODAL, True),
        ("<h1>Sign in</h1><form><input type=email><button>Send me a link</button></form>", True),
        ("<h1>Checkout</h1>" + FORM.format("") + "<a href=/guest>Continue as guest</a>", False),
        ("<h1>Create account</h1>" + FORM.format(" autocomplete=new-password"), False),
        ("<h1>News</h1><form><input type=email><button>Subscribe</button></form>", False),
    ],
)
def test_a_form_is_a_login_where_it_is_the_only_way_on(context: BrowserContext, body: str, asks: bool) -> None:
    failure, _ = walked(context, {"/": body}, see("button", "Pay"), step_s=0.3)
    assert failure is not None
    assert ("asks the buyer to log in" in failure.sentence) is asks


# -- beside the last good run ----------------------------------------------------------------------------------------------

GOOD = "<h1>Six cities, two days</h1><p>A hands-on workshop for barbers who want to grow their business</p><button>Buy</button>"
DEAD = "<link rel=stylesheet href=/old.css>"


def beside_a_good_run(browser: Browser, good: str, bad: str, look: Walk) -> Failure:
    """The failure of a run after one that passed, each in a browser context of its own."""
    passed, failed = browser.new_context(), browser.new_context()
    try:
        failure, visit = walked(passed, {"/": good}, see("button", "Buy"))
        assert failure is None
        failure, _ = walked(failed, {"/": bad}, look, reference=visit.seen())
    finally:
        passed.close()
        failed.close()
    assert failure is not None
    return failure


def test_another_page_altogether_is_the_sites(browser: Browser) -> None:
    failure = beside_a_good_run(
        browser, GOOD, "<h1>Hello</h1><p>You may like our new furniture</p>", see("button", "Buy")
    )
    assert failure.kind is Kind.SHOWN
    assert "another page" in failure.sentence


def test_one_control_less_on_a_known_page_is_the_journeys(browser: Browser) -> None:
    failure = beside_a_good_run(browser, GOOD, GOOD.replace("Buy", "Reserve"), see("button", "Buy"))
    assert failure.kind is Kind.MISSING
    assert "there is 'Reserve'" in failure.sentence


def test_what_failed_in_the_last_good_run_too_is_no_suspect(browser: Browser) -> None:
    with a_site({}) as cdn:
        dead = f"{DEAD}<script src='{cdn.url.replace('127.0.0.1', 'localhost')}/kit.js'></script>"
        failure = beside_a_good_run(browser, dead + GOOD, dead + GOOD.replace("Buy", "Reserve"), see("button", "Buy"))
    assert failure.kind is Kind.MISSING
    assert "old.css" not in failure.sentence


def test_an_excerpt_leaves_menus_and_lists_out(context: BrowserContext) -> None:
    languages = (
        "<select>" + "".join(f"<option>Language {n}" for n in range(40)) + "</select><nav>Home Shop About us</nav>"
    )
    failure, _ = walked(
        context, {"/": languages + "<h1>Your trolley</h1><button>Put in trolley</button>"}, see("button", "Buy")
    )
    assert failure is not None
    assert "/ showed 'Your trolley" in failure.sentence
    assert "there is 'Put in trolley'" in failure.sentence


LANGUAGES = "<div>" + " ".join(f"<a href=/{n}>Language {n}</a>" for n in range(40)) + "</div>"
BOOK = "<h1>The red book</h1><p>A story of a barber in Dallas who wants to see the sea</p>"


def test_an_excerpt_begins_at_the_pages_own_heading(context: BrowserContext) -> None:
    failure, _ = walked(context, {"/": LANGUAGES + BOOK}, see("heading", "Basket"))
    assert failure is not None
    assert "/ showed 'The red book A story of a barber" in failure.sentence


def test_an_excerpt_is_what_is_new_since_the_last_good_run(browser: Browser) -> None:
    good = LANGUAGES + BOOK + "<button>Buy</button>"
    bad = LANGUAGES + BOOK + "<p>We do not deliver to your country</p>"
    failure = beside_a_good_run(browser, good, bad, see("button", "Buy"))
    assert failure.sentence.endswith("/ showed 'We do not deliver to your country'")


# -- slow answers ----------------------------------------------------------------------------------------------------------


def test_a_chain_of_redirects_under_way_is_told_hop_by_hop(context: BrowserContext) -> None:
    def slow(to: str) -> Answer:
        return Answer(status=302, headers={"location": to}, before=lambda: time.sleep(1))

    pages: Pages = {
        "/": "<form method=post action=/order><button>Continue</button></form>",
        "/order": slow("/a"),
        "/a": slow("/b"),
        "/b": Answer("<h1>Thanks</h1>", before=lambda: time.sleep(4)),
    }
    failure, _ = walked(context, pages, press_and_see("Thanks"), step_s=3)
    assert failure is not None
    assert failure.kind is Kind.SILENT
    assert re.search(
        r"POST /order took 1\.\d s, then GET /a took 1\.\d s, then GET /b had no answer yet", failure.sentence
    )


def test_a_site_that_is_slow_as_such_is_said_to_be(context: BrowserContext) -> None:
    def slowly() -> None:
        time.sleep(2.2)

    pages: Pages = {
        "/": Answer(
            "<h1>Shop</h1><button id=b>Go</button><script>b.onclick = async () => {"
            "for (const n of [1, 2, 3]) await fetch('/api/' + n); document.body.innerHTML = '<h2>Done</h2>' }</script>",
            before=slowly,
        ),
        "/api/1": Answer("{}", kind=JSON, before=slowly),
        "/api/2": Answer("{}", kind=JSON, before=slowly),
        "/api/3": Answer("{}", kind=JSON, before=slowly),
    }
    failure, _ = walked(context, pages, press_and_see("Done"), step_s=5)
    assert failure is not None
    assert failure.kind is Kind.SILENT
    assert "all of the site's answers are slow: they took about 2 s each" in failure.sentence


# -- Playwright's own words ------------------------------------------------------------------------------------------------


def test_a_layer_over_a_control_is_named_by_its_words(context: BrowserContext) -> None:
    cover = (
        "<div style='position:fixed;inset:0;background:#fff'><p>x</p><h2>Join our newsletter</h2>"
        "<a href=/no>No</a><input type=submit value=Yes><span role=button aria-label=Close>x</span></div>"
    )
    look = lambda v: v.press(v.page.get_by_text("Place order"))  # noqa: E731
    failure, _ = walked(context, {"/": a_shop(body=cover)}, look, step_s=1)
    assert failure is not None
    assert "'Join our newsletter' (it has 'No', 'Yes', 'Close') covers the text \"Place order\"" in failure.sentence
    assert "<div" not in failure.sentence


CONSENT = "<h2>We value your privacy</h2><button>Accept all</button>"
OVER = "position:fixed;inset:0;width:100%;height:100%;border:0;background:#fff"


@pytest.mark.parametrize(
    "layer",
    [
        f'<iframe style="{OVER}" srcdoc="{CONSENT}"></iframe>',
        f'<div id=cmp style="{OVER}"></div><script>cmp.attachShadow({{mode: "open"}}).innerHTML = "{CONSENT}"</script>',
    ],
)
def test_a_layer_in_a_frame_or_a_shadow_tree_is_named_too(context: BrowserContext, layer: str) -> None:
    look = lambda v: v.press(v.page.get_by_text("Place order"))  # noqa: E731
    failure, _ = walked(context, {"/": a_shop(body=layer)}, look, step_s=1)
    assert failure is not None
    assert "'We value your privacy' (it has 'Accept all') covers the text" in failure.sentence


@pytest.mark.parametrize(
    ("look", "facts"),
    [
        (lambda v: expect(v.page.locator("#price")).to_have_text("£6.99", timeout=300), ("£6.99", "£7.99")),
        (lambda v: expect(v.page.get_by_label("Size")).to_have_value("Large", timeout=300), ("Large", "Small")),
        (lambda v: expect(v.page.get_by_role("button")).to_have_count(2, timeout=300), ("2", "1")),
    ],
)
def test_an_expectation_says_what_was_expected_and_what_is_there(
    context: BrowserContext, look: Walk, facts: tuple[str, str]
) -> None:
    failure, _ = walked(context, {"/": PRICED}, look)
    assert failure is not None
    assert failure.kind is Kind.SHOWN
    assert "was expected to have" in failure.sentence
    assert all(fact in failure.sentence for fact in facts)


PRICED = a_shop(body="<p id=price>£7.99</p><select aria-label=Size><option>Small<option>Medium</select>")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<button style='pointer-events:none'>Buy</button>", 'the button "Buy" takes no clicks (pointer-events: none)'),
        (
            "<button>Buy</button><div style='position:fixed;inset:0'><img alt='Black Friday' src=data:,></div>",
            "'Black Friday' covers the button \"Buy\"",
        ),
        (
            "<label><input type=checkbox>I agree</label><p style='position:fixed;inset:0;margin:0;background:#fff'>News</p>",
            "'News' covers the checkbox \"I agree\"",
        ),
        (
            "<style>body::after{content:'We use cookies';position:fixed;inset:0}</style><button>Buy</button>",
            "'We use cookies' covers the button \"Buy\"",
        ),
        ("<button disabled>Buy</button><button>Sell</button>", 'the button "Buy" stayed disabled'),
    ],
)
def test_what_keeps_a_control_from_being_used_is_told(context: BrowserContext, body: str, words: str) -> None:
    def look(visit: Visit) -> None:
        visit.page.get_by_role("checkbox" if "checkbox" in body else "button").first.click(timeout=600)

    failure, _ = walked(context, {"/": f"<h1>Shop</h1>{body}"}, look)
    assert failure is not None
    assert failure.sentence.replace("a button", 'the button "Buy"').startswith(f"look: {words}")
    assert "there is" not in failure.sentence, "the control was found"


def test_a_list_says_which_options_it_offers(context: BrowserContext) -> None:
    def look(visit: Visit) -> None:
        visit.page.get_by_label("Size").select_option(label="Large", timeout=300)

    failure, _ = walked(context, {"/": PRICED}, look)
    assert failure is not None
    assert "it offers 'Small', 'Medium'" in failure.sentence


def test_a_bare_assert_shows_its_code_and_values(context: BrowserContext, tmp_path: Path) -> None:
    # In a file of its own: pytest rewrites the asserts of its tests.
    (tmp_path / "prices.py").write_text(
        "def look(visit):\n    total, due = visit.page.locator('#price').inner_text(), '£6.99'\n    assert total == due\n"
    )
    look = runpy.run_path(str(tmp_path / "prices.py"))["look"]
    failure, _ = walked(context, {"/": PRICED}, look)
    assert failure is not None
    assert failure.sentence == "look: `assert total == due` does not hold: total was '£7.99', due was '£6.99'"


def test_a_bare_assert_reads_again_what_was_compared_and_calls_nothing_else(page: Page, tmp_path: Path) -> None:
    checks = {
        "page.locator('#price').inner_text() == '£6.99'": "page.locator('#price').inner_text() was '£7.99'",
        "page.title() == 'Books'": "page.title() was 'Shop'",
        "len(page.get_by_role('button').all_inner_texts()) > 2": "was 1",
        "not page.get_by_text('Medium').first.is_hidden() and False": "is_hidden() was ",
        "prices['ga'] == 2": "prices['ga'] was 1",
        "page.get_by_role('button').count(\n    ) == 3": "page.get_by_role('button').count() was 1",
        "page.goto('about:blank') is False": "`assert page.goto('about:blank') is False` does not hold",
        "bought() == 2": "`assert bought() == 2` does not hold",
    }
    page.set_content(PRICED)
    calls = []
    for number, (check, words) in enumerate(checks.items()):
        file = tmp_path / f"check_{number}.py"
        file.write_text(f"prices = {{'ga': 1}}\ndef look(page, bought):\n    assert {check}\n")
        with pytest.raises(AssertionError) as raised:
            runpy.run_path(str(file))["look"](page, lambda: calls.append(1))
        told = asserted(raised.value)
        assert told is not None
        assert words in told
    assert calls == [1], "the journey's own call, and not a second one"


QUESTION: Pages = {"/": a_shop("if (confirm('Place this order?')) a.innerHTML = '<h2>Thank you</h2>'")}


def test_a_journey_answers_a_question_of_the_page_by_playwrights_own_words(context: BrowserContext) -> None:
    def look(visit: Visit) -> None:
        visit.page.once("dialog", lambda dialog: dialog.accept())
        press_and_see("Thank you")(visit)

    failure, visit = walked(context, QUESTION, look)
    assert failure is None
    assert [dialog.text for dialog in visit.recorder.dialogs] == ["Place this order?"]


def test_a_question_that_the_journey_does_not_answer_is_cancelled(context: BrowserContext) -> None:
    failure, _ = walked(context, QUESTION, press_and_see("Thank you"))
    assert failure is not None
    assert "the page asked 'Place this order?' (confirm), and the journey did not answer it" in failure.sentence


def test_a_link_that_brings_a_download_is_named(context: BrowserContext) -> None:
    pages: Pages = {
        "/": "<h1>Shop</h1><form action=/next><button>Order</button></form>",
        "/next": Answer("<h1>Thank you</h1>", headers={"content-disposition": "attachment; filename=thanks.html"}),
    }
    failure, _ = walked(context, pages, press_and_see("Thank you"))
    assert failure is not None
    assert failure.sentence == "look: GET /next answered 200 with a download, which is no page"


# -- one site under two names ----------------------------------------------------------------------------------------------


def test_the_host_that_the_first_page_is_redirected_to_is_the_site_too(context: BrowserContext) -> None:
    pages: Pages = {
        "/": a_shop("await fetch('/api/orders', {method: 'POST'})"),
        "/api/orders": Answer("no", status=500),
    }

    def walk(visit: Visit) -> None:
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("look"):
            visit.press(visit.page.get_by_role("button"))
            _see(visit, "heading", "Thank you")

    with a_site(pages) as www:
        home = www.url.replace("127.0.0.1", "localhost")
        with a_site({"/": Answer(status=301, headers={"location": home + "/"})}) as apex:
            visit = a_visit(context.new_page(), apex.url, walk, step_s=1)
            failure = failure_of(visit)
    assert failure is not None
    assert failure.kind is Kind.ANSWERED
    assert {r.party for r in visit.recorder.requests} == {"first"}
    assert any("redirect" in note and "localhost" in note for note in visit.notes)


@pytest.mark.parametrize(
    "leads_on",
    ["<meta http-equiv=refresh content='0; url={home}/'>", "<h1>Wait</h1><script>location.replace('{home}/')</script>"],
)
def test_the_host_that_the_first_page_leads_to_by_itself_is_the_site_too(
    context: BrowserContext, leads_on: str
) -> None:
    def walk(visit: Visit) -> None:
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("look"):
            _see(visit, "heading", "Shop")

    with a_site({"/": "<h1>Shop</h1><script src=/app.js></script>"}) as www:
        home = www.url.replace("127.0.0.1", "localhost")
        with a_site({"/": leads_on.format(home=home)}) as apex:
            visit = a_visit(context.new_page(), apex.url, walk, step_s=5)
            assert failure_of(visit) is None
    assert {r.party for r in visit.recorder.requests} == {"first"}
    assert f"{apex.url} redirects to {home}, which counts as the site too" in visit.notes


def test_a_host_that_a_later_page_redirects_to_is_a_third_party(context: BrowserContext) -> None:
    with a_site({"/": "<h1>Elsewhere</h1>"}) as other:
        away = other.url.replace("127.0.0.1", "localhost")
        pages: Pages = {"/": "<h1>Shop</h1>", "/out": Answer(status=302, headers={"location": away + "/"})}
        failure, visit = walked(context, pages, lambda v: v.go(v.site.url("/out")))
    assert failure is None
    assert {r.party for r in visit.recorder.requests} == {"first", away}


def test_a_question_beside_the_page_carries_the_headers_of_the_page(context: BrowserContext) -> None:
    def look(visit: Visit) -> None:
        visit.ask("/api/session", id="1")

    def walk(visit: Visit) -> None:
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("look"):
            look(visit)

    def asked(site: Served) -> dict[str, str]:
        (found,) = [a for a in site.asked if a.path.startswith("/api/session")]
        return {name.lower(): value for name, value in found.headers.items()}

    with a_site({"/": "Shop", "/api/session": Answer("{}", kind=JSON)}) as site:
        described = journey(title="A test", steps=("open", "look"), slow_after_s=30, deadline_s=40)(walk)
        visit = Visit(
            context.new_page(),
            site=Site(base_url=site.url, cities={"Dallas": "d"}),
            journey=described,
            headers={"x-shop-secret": "open sesame"},
        )
        assert failure_of(visit) is None
        assert asked(site)["x-shop-secret"] == "open sesame"


def a_visit_with_a_secret(context: BrowserContext, url: str, walk: Walk) -> Visit:
    described = journey(title="A test", steps=("open", "look"), slow_after_s=30, deadline_s=40)(walk)
    headers = {"x-shop-secret": "open sesame"}
    add_headers(context, url, headers)
    return Visit(context.new_page(), site=Site(base_url=url), journey=described, headers=headers)


def test_a_question_that_is_redirected_takes_the_headers_to_nobody_else(context: BrowserContext) -> None:
    with a_site({"/in": Answer('{"a": 1}', kind=JSON)}) as other:
        away = other.url.replace("127.0.0.1", "localhost")
        pages: Pages = {
            "/": "Shop",
            "/api/session": Answer(status=302, headers={"location": "/api/next"}),
            "/api/next": Answer(status=307, headers={"location": away + "/in"}),
        }
        answers = []

        def walk(visit: Visit) -> None:
            with visit.step("open"):
                visit.go(visit.site.url("/"))
            with visit.step("look"):
                answers.append(visit.ask("/api/session", id="1"))

        with a_site(pages) as site:
            assert failure_of(a_visit_with_a_secret(context, site.url, walk)) is None
        assert answers[0].json == {"a": 1}
        told = {a.path: "x-shop-secret" in {n.lower() for n in a.headers} for a in (*site.asked, *other.asked)}
    assert told["/api/session?id=1"]
    assert told["/api/next"]
    assert not told["/in"]


def test_a_question_in_a_circle_has_an_end(context: BrowserContext) -> None:
    answers = []

    def look(visit: Visit) -> None:
        answers.append(visit.ask("/api/session"))

    walked(context, {"/": "Shop", "/api/session": Answer(status=302, headers={"location": "/api/session"})}, look)
    assert answers[0].status is None
    assert "redirects" in answers[0].said


def test_headers_for_the_site_go_to_nobody_to_whom_it_redirects(context: BrowserContext) -> None:
    def walk(visit: Visit) -> None:
        with visit.step("open"):
            visit.go(visit.site.url("/"))
            expect(visit.page.locator("img")).to_have_js_property("complete", True)
            expect(visit.page.frame_locator("#theirs").frame_locator("iframe").get_by_text("Inside")).to_be_visible()
        with visit.step("look"):
            with visit.page.expect_popup() as opened:
                visit.page.get_by_role("link", name="Tab").click()
            expect(opened.value.get_by_text("Back again")).to_be_visible()
            visit.go(visit.site.url("/out"))

    theirs: dict[str, Answer | str] = {
        "/": "<h1>Elsewhere</h1>",
        "/picture.png": Answer(kind="image/png"),
        "/frame": "",
    }
    with a_site(theirs) as other:
        away = other.url.replace("127.0.0.1", "localhost")
        pages: Pages = {
            "/": f"Shop <img src=/picture><a href=/tab target=_blank>Tab</a><iframe id=theirs src={away}/frame></iframe>",
            "/picture": Answer(status=302, headers={"location": away + "/picture.png"}),
            "/tab": Answer(status=307, headers={"location": away + "/hop"}),
            "/inside": "Inside",
            "/back": "Back again",
            "/out": Answer(status=301, headers={"location": "/on"}),
            "/on": Answer(status=302, headers={"location": away + "/"}),
        }
        with a_site(pages) as site:
            theirs["/frame"] = f"<iframe src={site.url}/inside></iframe>"
            theirs["/hop"] = Answer(status=302, headers={"location": site.url + "/back"})
            assert failure_of(a_visit_with_a_secret(context, site.url, walk)) is None
            context.close()
    has_secret = {(served.url, a.path): "x-shop-secret" in a.headers for served in (site, other) for a in served.asked}
    assert all(told is (url == site.url) for (url, _), told in has_secret.items()), has_secret
    assert {path for url, path in has_secret if url == site.url} >= {*pages, "/inside"}
    assert {path for url, path in has_secret if url == other.url} >= {*theirs}


def test_headers_for_the_site_end_with_their_context(browser: Browser, context: BrowserContext) -> None:
    with a_site({"/": "Shop"}) as site:
        add_headers(context, site.url, {"x-shop-secret": "open sesame"})
        context.close()
        after = browser.new_context()
        after.new_page().goto(site.url)
        after.close()
        assert "x-shop-secret" not in site.asked[0].headers


# -- rest ------------------------------------------------------------------------------------------------------------------

FADES = """<style>@keyframes in {{ from {{ opacity: 0 }} to {{ opacity: 1 }} }}
@keyframes turn {{ to {{ transform: rotate(360deg) }} }}
h1 {{ font-size: 90px; animation: in {seconds}s linear backwards }} i {{ animation: turn 1s linear infinite }}</style>
<i>*</i><h1>A headline that fades in</h1><button>Buy</button><div id=late></div><script>{script}</script>"""
POLLS = "setInterval(() => fetch('/api/poll'), 1000); fetch('/api/stream')"


# Brings the same headline in otherwise: in a web component, in one within another, later, by a transition.
IN_SHADOW = """const h = document.querySelector('h1'), style = document.querySelector('style');
const host = document.createElement('shop-page'), inside = {{mode: 'open'}};
h.replaceWith(host);
let root = host.attachShadow(inside);
for (let n = {depth}; n > 0; n--) {{
  const inner = document.createElement('div');
  root.append(inner);
  root = inner.attachShadow(inside);
}}
root.append(style.cloneNode(true), h)"""
LATER = "document.querySelector('h1').style.animationDelay = '0.4s'"
TRANSITION = """const h = document.querySelector('h1');
h.style.cssText = 'animation: none; opacity: 0; transition: opacity 0.8s step-end';
requestAnimationFrame(() => requestAnimationFrame(() => { h.style.opacity = 1 }))"""


CAROUSEL = """let n = 0; const h = document.querySelector('h1');
h.style.transition = 'transform 0.4s';
setInterval(() => { h.style.transform = `translateX(${n++ % 3 * 9}px)`; late.textContent = 'Picture ' + n }, 2000)"""
# A banner that is larger than the headline: its call is answered late.
BANNER = """h = document.querySelector('h1'); h.style.animation = 'none';
fetch('/api/banner').then(() => { late.innerHTML = '<p style="font-size: 200px">Summer sale, all of it</p>' })"""


def rested(context: BrowserContext, seconds: float, script: str = "") -> Vital:
    """Return the LCP of a page that is clicked once the visit found it at rest."""
    pages: Pages = {
        "/": FADES.format(seconds=seconds, script=script),
        "/api/poll": Answer("{}", kind=JSON),
        "/api/stream": Answer("{}", kind=JSON, before=lambda: time.sleep(6)),
        "/api/banner": Answer("{}", kind=JSON, before=lambda: time.sleep(1)),
    }
    failure, visit = walked(context, pages, lambda v: v.press(v.page.get_by_role("button")), step_s=8)
    assert failure is None
    return next(v for v in visit.recorder.vitals.vitals() if (v.page, v.name) == ("/", "LCP"))


@pytest.mark.parametrize(
    ("seconds", "script"),
    [
        *((0.3, ""), (0.8, ""), (1.2, ""), (0.8, POLLS), (0.8, LATER), (0.8, TRANSITION)),
        *((0.8, CAROUSEL), (1.0, BANNER)),
        *((1.2, IN_SHADOW.format(depth=depth)) for depth in (0, 1)),
    ],
)
def test_a_page_that_fades_in_is_whole_when_it_is_touched(context: BrowserContext, seconds: float, script: str) -> None:
    lcp = rested(context, seconds, script)
    assert not lcp.cut
    assert lcp.value is not None
    assert lcp.value >= seconds * 1000 - 50, "touched before the largest paint"


def test_a_page_that_fades_in_for_longer_than_it_is_waited_for_is_cut(context: BrowserContext) -> None:
    assert rested(context, 60.0).cut


def test_a_page_that_fades_in_for_four_seconds_is_whole_or_cut(context: BrowserContext) -> None:
    lcp = rested(context, 4.0)
    assert lcp.cut or (lcp.value or 0) >= 3950


# -- what a run says beside its sentence -------------------------------------------------------------------------------------


def test_a_run_that_passes_says_which_of_the_sites_own_files_failed(context: BrowserContext) -> None:
    failure, visit = walked(
        context, {"/": "<link rel=stylesheet href=/app.css><button>Buy</button>"}, see("button", "Buy")
    )
    assert failure is None
    assert visit.notes == ["1 of the site's own files failed: GET /app.css answered 404"]


def test_a_run_that_passes_says_which_of_the_sites_own_files_never_came(context: BrowserContext) -> None:
    pages: Pages = {
        "/": "<img src=/logo.png><button>Buy</button>",
        "/logo.png": Answer("x", kind="image/png", before=lambda: time.sleep(12)),
    }
    failure, visit = walked(context, pages, see("button", "Buy"))
    assert failure is None
    assert visit.notes == ["1 of the site's own files failed: GET /logo.png never came"]


BOUGHT = Purchase(
    session_id="cs_test_1", amount_minor=100000, currency="usd", state="open", note="open, expires in 24 h"
)
PAID = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "payment_status": "paid",
    "amount_total": 100000,
    "currency": "usd",
}


def _pay_and_fail(visit: Visit) -> None:
    visit.purchase(BOUGHT)
    visit.about_to_pay("cs_test_1")
    raise SiteBroken("the way back never came")


def test_a_run_that_failed_after_pay_was_pressed_says_so_as_the_ledger_does(context: BrowserContext) -> None:
    failure, visit = walked(context, {"/": "Shop"}, _pay_and_fail)
    assert failure is not None
    assert visit.purchases["cs_test_1"].note == PAY_PRESSED


def test_a_session_that_nobody_has_read_is_known_once_pay_is_pressed(context: BrowserContext) -> None:
    _, visit = walked(context, {"/": "Shop"}, lambda v: v.about_to_pay("cs_test_9"))
    assert visit.purchases["cs_test_9"].note == PAY_PRESSED


def test_stripe_is_asked_after_a_run_that_passed_without_seeing_the_end(context: BrowserContext) -> None:
    with a_site({"/v1/checkout/sessions/cs_test_1": Answer(json.dumps(PAID), kind=JSON)}) as stripe:

        def look(visit: Visit) -> None:
            visit.stripe = StripeAccess("sk_test_1", stripe.url)
            visit.purchase(BOUGHT)
            visit.about_to_pay("cs_test_1")

        failure, visit = walked(context, {"/": "Shop"}, look)
    assert failure is None
    assert visit.purchases["cs_test_1"].state == "paid"


@pytest.mark.parametrize(
    ("session", "pay_pressed", "left"),
    [
        (Session(told_by="x", paid=True), True, ("paid", "paid, not refunded")),
        (Session(told_by="x"), False, ("open", "open, expires in 24 h")),
        (Session(told_by="x"), True, ("open", PAY_PRESSED)),
        (Session(told_by="x", error="no answer"), True, ("open", PAY_PRESSED)),
        (Session(told_by="x", is_expired=True), True, ("expired", "expired, nothing left to do")),
    ],
)
def test_a_purchase_is_told_in_the_words_of_the_ledger(
    session: Session, pay_pressed: bool, left: tuple[str, str]
) -> None:
    assert left_to_do(session, pay_pressed=pay_pressed) == left


@pytest.mark.parametrize("answer", [None, {"status": "open", "payment_status": "unpaid"}])
def test_a_success_page_that_cannot_be_proved_leaves_the_words_of_the_ledger(
    context: BrowserContext, answer: dict[str, str] | None
) -> None:
    said = Answer(json.dumps({**PAID, **answer}), kind=JSON) if answer else Answer("{}", status=503, kind=JSON)
    with a_site({"/v1/checkout/sessions/cs_test_1": said}) as stripe:

        def look(visit: Visit) -> None:
            visit.stripe = StripeAccess("sk_test_1", stripe.url)
            visit.purchase(BOUGHT)
            visit.about_to_pay("cs_test_1")
            SuccessPage(visit).is_paid("cs_test_1", 1000)

        failure, visit = walked(context, {"/": "Shop"}, look)
    assert failure is not None
    assert (visit.purchases["cs_test_1"].state, visit.purchases["cs_test_1"].note) == ("open", PAY_PRESSED)


def test_stripe_is_asked_what_became_of_a_payment_whose_end_was_not_seen(context: BrowserContext) -> None:
    with a_site({"/v1/checkout/sessions/cs_test_1": Answer(json.dumps(PAID), kind=JSON)}) as stripe:

        def look(visit: Visit) -> None:
            visit.stripe = StripeAccess("sk_test_1", stripe.url)
            _pay_and_fail(visit)

        _, visit = walked(context, {"/": "Shop"}, look)
    assert (visit.purchases["cs_test_1"].state, visit.purchases["cs_test_1"].note) == ("paid", "paid, not refunded")


# -- what is new on a page -------------------------------------------------------------------------------------------------

CART = (
    "<h1>Spring Concert</h1><section><h2>Your cart</h2><p>29:52</p><table><tr><th>Product</th><th>Quantity</th><th>Price per item</th>"
    "<th>Price total</th></tr><tr><td>Regular ticket, with a seat of your own choice</td><td>1</td><td>€23.00</td><td>€23.00</td></tr>"
    "</table><p>The items in your cart are reserved for you for 29 minutes.</p></section>"
)


@pytest.mark.parametrize("wrapped", ["{}", "<main>{}</main>"])
def test_the_sentence_quotes_what_is_new_on_the_page_and_not_the_cart_above_it(
    context: BrowserContext, wrapped: str
) -> None:
    later = CART.replace("29:52", "29:37").replace("29 minutes", "28 minutes")
    no_way = "<h2>Payment</h2><p>There are no payment providers enabled.</p>"
    pages = {"/": CART + "<a href='/pay'>Pay</a>", "/pay": wrapped.format(later + no_way)}

    def look(visit: Visit) -> None:
        visit.press(visit.page.get_by_role("link", name="Pay"))
        visit.see(visit.page.get_by_text("Bank transfer"))

    failure, _ = walked(context, pages, look)
    assert failure is not None
    assert "/pay showed 'Payment There are no payment providers enabled.'" in failure.sentence


def test_a_price_that_became_another_is_new(context: BrowserContext) -> None:
    pages = {"/": CART + "<a href='/pay'>Pay</a>", "/pay": CART.replace("€23.00", "the price was raised to €32.00")}

    def look(visit: Visit) -> None:
        visit.press(visit.page.get_by_role("link", name="Pay"))
        visit.see(visit.page.get_by_text("Bank transfer"))

    failure, _ = walked(context, pages, look)
    assert failure is not None
    assert "showed 'Regular ticket, with a seat of your own choice 1 the price was raised to €32.00" in failure.sentence


def test_a_page_on_which_nothing_is_new_is_quoted_from_its_beginning(context: BrowserContext) -> None:
    pages = {"/": "<h1>Books</h1><p>Ten thousand books.</p>"}
    failure, _ = walked(context, pages, see("heading", "Basket"))
    assert failure is not None
    assert "showed 'Books Ten thousand books.'" in failure.sentence
