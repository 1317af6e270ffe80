"""From what was seen in a step to its kind and its one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from facts import Dialog
from journeys.cause import explain, mark
from journeys.failure import FailureContext, Kind, SiteBroken, Thrown
from journeys.recording import SeenRequest
from journeys.wording import describe, plain

TIMEOUT = PlaywrightTimeout(
    'Locator.wait_for: Timeout 15000ms exceeded.\nCall log:\n  - waiting for get_by_role("button", name="Buy").first to be visible\n'
)


def a_request(path: str = "/api/buy", **changes: Any) -> SeenRequest:
    values: dict[str, Any] = {
        "url": f"https://shop.example.com{path}",
        "method": "POST",
        "kind": "fetch",
        "step": "buy",
        "party": "first",
        "began": 100.0,
        "is_main": False,
        "ended": True,
    }
    return SeenRequest(**{**values, **changes})


def a_scene(**changes: Any) -> FailureContext:
    values: dict[str, Any] = {
        "step": "buy",
        "requests": [],
        "dialogs": [],
        "exceptions": [],
        "now": 115.0,
        "page": "/register",
        "page_text": "Complete Your Registration",
        "page_is_first": True,
    }
    return FailureContext(**{**values, **changes})


@pytest.mark.parametrize(
    ("error", "scene", "kind", "sentence"),
    [
        (
            TIMEOUT,
            {
                "requests": [a_request(status=403, body="CSRF Token Invalid")],
                "dialogs": [Dialog(kind="alert", text="Failed to proceed to payment.")],
            },
            Kind.ANSWERED,
            "buy: POST /api/buy answered 403 'CSRF Token Invalid'; the page showed alert 'Failed to proceed to payment.'",
        ),
        (
            SiteBroken("the page said 'Email not found'"),
            {"requests": [a_request(status=500, body='{"success":false,"error":"It is \\"down\\""}')]},
            Kind.ANSWERED,
            "buy: POST /api/buy answered 500 'It is \"down\"'; the page said 'Email not found'",
        ),
        (TIMEOUT, {"requests": [a_request(ended=False)]}, Kind.SILENT, "buy: POST /api/buy gave no answer in 15.0 s"),
        (
            TIMEOUT,
            {"requests": [a_request(failure="net::ERR_NAME_NOT_RESOLVED")]},
            Kind.UNREACHED,
            "buy: POST /api/buy failed: the name does not resolve (net::ERR_NAME_NOT_RESOLVED)",
        ),
        (
            TIMEOUT,
            {"requests": [a_request(failure="net::ERR_EMPTY_RESPONSE")]},
            Kind.SILENT,
            "closed without an answer",
        ),
        (
            PlaywrightError("Page.goto: net::ERR_TIMED_OUT at https://x"),
            {},
            Kind.UNREACHED,
            "buy: timed out (net::ERR_TIMED_OUT)",
        ),
        (
            TIMEOUT,
            {},
            Kind.MISSING,
            "buy: the button \"Buy\" never appeared within 15 s; /register showed 'Complete Your Registration'",
        ),
        (
            TIMEOUT,
            {
                "requests": [
                    a_request("/hero.png", kind="image", status=404),
                    a_request("/old", failure="net::ERR_ABORTED"),
                ]
            },
            Kind.MISSING,
            'the button "Buy" never appeared',
        ),
        (
            TIMEOUT,
            {"exceptions": [Thrown("TypeError: x is null")]},
            Kind.THREW,
            "a script of the page threw 'TypeError: x is null'",
        ),
        (SiteBroken("Stripe said no", kind=Kind.THIRD_PARTY), {}, Kind.THIRD_PARTY, "buy: Stripe said no"),
        (
            TIMEOUT,
            {
                "requests": [
                    a_request(
                        "/c/pay",
                        method="GET",
                        kind="document",
                        party="https://pay.example",
                        status=500,
                        body="oops",
                        is_main=True,
                    )
                ],
                "page_is_first": False,
            },
            Kind.THIRD_PARTY,
            "buy: GET https://pay.example/c/pay answered 500 'oops'",
        ),
        (
            TIMEOUT,
            {"requests": [a_request(status=429, body="Too Many Requests")]},
            Kind.LIMITED,
            "used up the requests",
        ),
        (TIMEOUT, {"requests": [a_request("/a.png", kind="image", status=429)]}, Kind.MISSING, "never appeared"),
        (
            SiteBroken("the page at / is an error page", kind=Kind.SHOWN),
            {
                "requests": [
                    a_request("/", method="GET", kind="document", status=407, body="who are you?", is_main=True)
                ]
            },
            Kind.UNREACHED,
            "buy: GET / answered 407 'who are you?': the proxy on the way does not take our login",
        ),
        (TIMEOUT, {"walled": "a bot wall says 'no'"}, Kind.WALLED, "buy: a bot wall says 'no'"),
        (
            SiteBroken("the ledger cannot be written", kind=Kind.UNBOOKED),
            {"requests": [a_request("/api/buy", status=500)]},
            Kind.UNBOOKED,
            "buy: the ledger cannot be written",
        ),
        (TIMEOUT, {"crashed": True}, Kind.CRASHED, "buy: the page crashed"),
        (
            PlaywrightError("Target page, context or browser has been closed"),
            {},
            Kind.BROWSER_GONE,
            "the browser went away",
        ),
        (
            TIMEOUT,
            {"over_deadline_s": 45.0, "requests": [a_request(ended=False)]},
            Kind.SILENT,
            "buy: the journey took longer than its 45 s; POST /api/buy gave no answer in 15.0 s",
        ),
        (
            ValueError("no"),
            {"requests": [a_request(status=500)]},
            Kind.SCRIPT,
            "buy: the journey's code raised ValueError: no",
        ),
    ],
)
def test_the_sentence_names_the_cause(error: Exception, scene: dict[str, Any], kind: Kind, sentence: str) -> None:
    failure = explain(error, a_scene(**scene))
    assert failure.kind is kind
    assert sentence in failure.sentence
    assert failure.sentence.startswith("buy: ")


OLD = a_request("/old.js", kind="script", method="GET", step="before", status=404)
FOREIGN = a_request("/kit.js", kind="script", method="GET", party="https://kit.example", status=503)
THE_PAGE = a_request("/success", kind="document", method="GET", step="before", status=500, is_main=True)
CSRF_AT_CLOUDFLARE = a_request(status=403, body="CSRF Token Invalid")


@pytest.mark.parametrize(
    ("error", "scene", "kind", "sentence"),
    [
        (TIMEOUT, {"around": [OLD]}, Kind.ANSWERED, "GET /old.js answered 404; the button"),
        (TIMEOUT, {"around": [OLD], "survived": {mark(OLD)}}, Kind.ANSWERED, "GET /old.js answered 404; the button"),
        (TIMEOUT, {"around": [THE_PAGE]}, Kind.ANSWERED, "GET /success answered 500"),
        (TIMEOUT, {"requests": [FOREIGN]}, Kind.THIRD_PARTY, "GET https://kit.example/kit.js answered 503"),
        (TIMEOUT, {"requests": [FOREIGN], "survived": {mark(FOREIGN)}}, Kind.MISSING, "the button"),
        (
            TIMEOUT,
            {"requests": [a_request("/kit.js", kind="script", party="https://kit.example", failure="csp")]},
            Kind.MISSING,
            "the button",
        ),
        (TIMEOUT, {"exceptions": [Thrown("x")], "survived": {"x"}}, Kind.MISSING, "the button"),
        (
            TIMEOUT,
            {"exceptions": [Thrown("quota", "https://kit.example"), Thrown("Kit is not defined")]},
            Kind.THIRD_PARTY,
            "a script of the page threw 'quota', which comes from https://kit.example",
        ),
        (TIMEOUT, {"dialogs": [Dialog(kind="alert", text="Sorry")]}, Kind.SHOWN, "the page showed alert 'Sorry'"),
        (TIMEOUT, {"asks_to_log_in": True}, Kind.SHOWN, "the site asks the buyer to log in"),
        (TIMEOUT, {"puzzled": True}, Kind.WALLED, "a CAPTCHA stands on the page"),
        (
            TIMEOUT,
            {"requests": [a_request(status=200, ended=False)]},
            Kind.SILENT,
            "answered 200, and its answer came to no end in 15.0 s",
        ),
        (
            TIMEOUT,
            {"requests": [a_request(status=200, failure="net::ERR_CONTENT_LENGTH_MISMATCH")]},
            Kind.SILENT,
            "POST /api/buy failed: the connection was cut in the middle of the answer",
        ),
        (
            TIMEOUT,
            {"requests": [a_request(failure="net::ERR_CONNECTION_RESET")], "site_answered": True},
            Kind.SILENT,
            "the connection was reset",
        ),
        (TIMEOUT, {"requests": [a_request(failure="net::ERR_CONNECTION_RESET")]}, Kind.UNREACHED, "was reset"),
        (TIMEOUT, {"requests": [a_request(failure="net::ERR_INSUFFICIENT_RESOURCES")]}, Kind.SETUP, "run out"),
        (
            TIMEOUT,
            {
                "page_is_first": False,
                "requests": [a_request("/pay", party="https://pay.example", ended=False, kind="document")],
            },
            Kind.THIRD_PARTY,
            "https://pay.example/pay gave no answer in 15.0 s",
        ),
        (
            TIMEOUT,
            {"page_is_first": False, "page": "https://pay.example"},
            Kind.MISSING,
            "the page at https://pay.example",
        ),
        (
            SiteBroken("nobody can tell whether it is paid"),
            {"requests": [a_request("/api/session", kind="probe", status=429)]},
            Kind.LIMITED,
            "used up the requests",
        ),
        (
            TIMEOUT,
            {"requests": [a_request(status=429, body="Vercel Security Checkpoint")]},
            Kind.WALLED,
            "answered 429 'Vercel Security Checkpoint': a bot wall",
        ),
        (TIMEOUT, {"requests": [CSRF_AT_CLOUDFLARE]}, Kind.ANSWERED, "answered 403 'CSRF Token Invalid'"),
        (PlaywrightError("Page.goto: Playwright connection closed"), {}, Kind.BROWSER_GONE, "the browser went away"),
        (ValueError("the connection closed"), {}, Kind.SCRIPT, "the journey's code raised ValueError"),
        (
            AssertionError("Locator expected to be visible\nError: element(s) not found\nCall log:\n  - waiting for x"),
            {"requests": [a_request(status=500)]},
            Kind.ANSWERED,
            "answered 500",
        ),
        (TIMEOUT, {"over_deadline_s": 45.0}, Kind.DEADLINE, "the journey took longer than its 45 s; the button"),
    ],
)
def test_what_stands_around_a_failure_says_whose_it_is(
    error: Exception, scene: dict[str, Any], kind: Kind, sentence: str
) -> None:
    if "survived" in scene:
        scene = {**scene, "survived": frozenset(scene["survived"])}
    failure = explain(error, a_scene(**scene))
    assert failure.kind is kind, failure.sentence
    assert sentence in failure.sentence
    assert failure.late is ("over_deadline_s" in scene)


def test_a_request_under_way_for_a_moment_is_no_silence() -> None:
    assert explain(TIMEOUT, a_scene(requests=[a_request(ended=False)], now=101.0)).kind is Kind.MISSING


def test_an_amount_that_is_wrong_is_not_laid_on_a_slow_request() -> None:
    failure = explain(SiteBroken("$1 is charged where $2 is due"), a_scene(requests=[a_request(ended=False)]))
    assert (failure.kind, failure.sentence) == (Kind.SHOWN, "buy: $1 is charged where $2 is due")


def test_equal_answers_are_told_once() -> None:
    three = [a_request(status=500, body="no") for _ in range(3)]
    assert explain(TIMEOUT, a_scene(requests=three)).sentence.count("answered 500") == 1


@pytest.mark.parametrize(
    ("locator", "words"),
    [
        ('get_by_role("button", name="Next", exact=True)', 'the button "Next"'),
        ('get_by_role("button", name=re.compile(r"^Select Dallas"))', 'the button "Select Dallas"'),
        (
            'get_by_role("button", name=re.compile(r"^(Expand|Collapse) details for Dallas\\b"))',
            'the button "Expand details for Dallas"',
        ),
        (
            'get_by_role("button", name=re.compile(r"Secure Your .*(?:General Admission|VIP)"))',
            'the button "Secure Your …General Admission"',
        ),
        ('get_by_placeholder("Enter your first name")', 'the field "Enter your first name"'),
        ('get_by_text("Thank you")', 'the text "Thank you"'),
        ("Stripe's payment form", "Stripe's payment form"),
        ('locator("#cardNumber")', 'the element "#cardNumber"'),
        ('get_by_role("heading", level=1)', "a heading of level 1"),
        ('get_by_role("textbox", name="E-mail")', 'the field "E-mail"'),
        ('get_by_role("button").filter(has_text="Buy")', 'a button with "Buy"'),
        (
            'get_by_role("listitem").filter(has_text="Shirt").get_by_role("button", name="Add")',
            'the button "Add" in the list item with "Shirt"',
        ),
        (
            'get_by_role("region", name="Basket").get_by_role("button", name="Pay (now)").first',
            'the button "Pay (now)" in the region "Basket"',
        ),
        ('locator("#card").content_frame.get_by_label("Number")', 'the field "Number" in the frame "#card"'),
        ('locator("li").filter(has_text="Shirt").locator("a")', 'a link in the element with "Shirt"'),
        ('locator("input[name=\\"email\\"]").nth(1)', 'the field "email"'),
        ('locator("form button:has-text(\\"Buy\\")")', 'the button "Buy"'),
        ('locator("text=Buy")', 'the text "Buy"'),
        ('get_by_test_id("total")', 'the element with the test id "total"'),
        ('get_by_alt_text("Logo")', 'the picture "Logo"'),
        ('get_by_text(re.compile(r"Thank you( very much)?"))', 'the text "Thank you very much"'),
        ('get_by_role("button", name="A").or_(get_by_role("link", name="B"))', 'the button "A"'),
    ],
)
def test_a_locator_is_named_as_a_person_would(locator: str, words: str) -> None:
    assert describe(locator) == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("CSRF Token Invalid", "CSRF Token Invalid"),
        ('{"success": false, "error": "City not found"}', "City not found"),
        ("<!doctype html><html><head><title>x</title></head><body><h1>502</h1> Bad <b>Gateway</b>", "502 Bad Gateway"),
        ("x" * 500, "x" * 159 + "…"),
    ],
)
def test_what_an_answer_says_is_its_message(body: str, words: str) -> None:
    assert plain(body) == words


def test_a_journey_written_for_an_earlier_version_finds_the_name_that_it_imports() -> None:
    from journeys import visit

    assert visit.Broken is SiteBroken


# -- sold out --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "offers", "words"),
    [
        ("Regular ticket\n€23.00\nSOLD OUT\n", [], "SOLD OUT"),
        ("Bleak House\nOut of stock.", ["Notify me", "Search"], "Out of stock."),
        ("Bleak House\nSorry, this item is currently out of stock", [], "Sorry, this item is currently out of stock"),
        ("Bleak House\nThis product is no longer available.", [], "This product is no longer available."),
        ("Konzert\nAusverkauft", [], "Ausverkauft"),
        # Another product is sold out, and this one's button has another name: the script is stale.
        ("Bleak House\nHard Times\nSold out", ["Put in basket"], None),
        ("Bleak House\nHard Times\nSold out", ["Add to cart"], None),
        # What was sold out once says nothing of today.
        ("Last year's concert was sold out within hours", [], None),
        ("Regular ticket\n€23.00\n", [], None),
    ],
)
def test_a_shop_that_has_none_left_is_told_in_its_own_words(text: str, offers: list[str], words: str | None) -> None:
    failure = explain(TIMEOUT, a_scene(page_text=text, offers=offers))
    assert failure.kind is Kind.MISSING
    assert ("the page says '" in failure.sentence) is (words is not None)
    assert words is None or f"the page says '{words}'" in failure.sentence


@pytest.mark.parametrize(
    ("actual", "words"),
    [
        ("\n   Total\n\n  One product\n  €32.00\n ", "it is 'Total One product €32.00'"),
        (" one\ntwo ", "it is 'one two'"),
        (" ", "it is ''"),
        (" €32.00 ", "it is '€32.00'"),
        (" <element(s) not found> \nError: element(s) not found ", "it is not there"),
    ],
)
def test_a_value_of_several_lines_is_quoted_whole(actual: str, words: str) -> None:
    log = 'Call log:\n  - Expect "to_contain_text" locator(".total") with timeout 300ms\n  - waiting for locator(".total")\n'
    error = AssertionError(f"Locator expected to contain text '€23.00'\nActual value:{actual}\n{log}")
    sentence = explain(error, a_scene()).sentence
    assert f"the element \".total\" was expected to contain text '€23.00', and {words}" in sentence
