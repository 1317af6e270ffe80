"""What a failed step says of the faults that real shops have: the cause first, then what did not come."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from facts import Dialog
from journeys.cause import explain, mark, mark_of_alert, mark_of_type, marks_of_polls
from journeys.failure import Failure, Kind, SiteBroken, Thrown
from journeys.failure_context import is_exception
from journeys.recording import SeenRequest
from journeys.refusals import pending_in, please_wait, refusal_in, refuses, sold_out, welcomes, went_wrong
from journeys.wording import missed, without_stack
from tests.journeys.test_failure import TIMEOUT, a_request, a_scene

STACK = "\n    at total (https://shop.example.com/static/app.js:12:7)\n    at pay (https://shop.example.com/static/app.js:40:3)"
THROWN = "TypeError: Cannot read properties of undefined (reading 'final')"


def a_file(path: str, kind: str, **changes: Any) -> SeenRequest:
    values = {"method": "GET", "kind": kind, "status": 200, "content_type": "text/html", **changes}
    return a_request(path, **values)


def a_page(path: str, **changes: Any) -> SeenRequest:
    return a_request(path, **{"method": "GET", "kind": "document", "is_main": True, **changes})


def explained(error: BaseException = TIMEOUT, **scene: Any) -> Failure:
    return explain(error, a_scene(**scene))


# -- a page in the place of a file ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["script", "stylesheet"])
@pytest.mark.parametrize("content_type", ["text/html", "application/xhtml+xml"])
@pytest.mark.parametrize("where", ["requests", "around"])
def test_a_page_in_the_place_of_a_file_is_the_cause(kind: str, content_type: str, where: str) -> None:
    file = a_file("/app", kind, content_type=content_type)
    scene: dict[str, Any] = {where: [file]}
    failure = explained(exceptions=[Thrown("Unexpected token '<'")], **scene)
    assert failure.kind is Kind.ANSWERED
    assert failure.sentence.startswith(f"buy: GET /app answered 200 with HTML where a {kind} was due; ")


@pytest.mark.parametrize(
    ("kind", "content_type"), [("script", "text/javascript"), ("fetch", "text/html"), ("script", "")]
)
def test_what_is_no_page_or_no_file_is_no_cause(kind: str, content_type: str) -> None:
    assert explained(requests=[a_file("/app", kind, content_type=content_type)]).kind is Kind.MISSING


def test_a_page_in_the_place_of_somebody_elses_script_is_theirs() -> None:
    failure = explained(requests=[a_file("/kit.js", "script", party="https://kit.example")])
    assert failure.kind is Kind.THIRD_PARTY
    assert "GET https://kit.example/kit.js answered 200 with HTML where a script was due" in failure.sentence


def test_such_a_file_of_the_last_good_run_is_no_suspect() -> None:
    file = a_file("/old.js", "script")
    assert explained(requests=[file], usual=frozenset({mark(file)})).kind is Kind.MISSING


def test_a_script_that_lies_about_its_type_is_found_by_what_the_browser_read() -> None:
    failure = explained(exceptions=[Thrown("Unexpected token '<'")])
    assert failure.kind is Kind.THREW
    assert "a script of the page is HTML, no JavaScript: 'Unexpected token '<''; " in failure.sentence


def test_a_dead_stylesheet_leaves_room_for_the_buttons_there_are() -> None:
    css = a_file("/app.css", "stylesheet", status=404, content_type="text/plain")
    failure = explained(requests=[css], offers=["Order now"])
    assert "GET /app.css answered 404; there is 'Order now'; the button" in failure.sentence


@pytest.mark.parametrize(
    "thrown", ["Unexpected token '<', \"<p>oops\" is not valid JSON", "Unexpected end of JSON input"]
)
def test_an_answer_that_a_page_could_not_read_as_json_is_the_cause(thrown: str) -> None:
    data = a_request("/pricing", method="GET", status=200, body="<p>oops</p>")
    failure = explained(requests=[data], exceptions=[Thrown(thrown)])
    assert failure.kind is Kind.ANSWERED
    assert "GET /pricing answered 200 with HTML where JSON was due: 'oops'" in failure.sentence


# -- data that a page had asked for in the step before ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (
            {"status": 500, "body": '{"error": "no tea"}'},
            Kind.ANSWERED,
            "GET /api/teas answered 500 'no tea'; a script",
        ),
        (
            {"status": 200, "body": '{"error": "no tea"}'},
            Kind.ANSWERED,
            "GET /api/teas answered 200, and says no: 'no tea'",
        ),
        (
            {"status": 200, "body": "<p>oops", "wants_json": True},
            Kind.ANSWERED,
            "answered 200 with HTML where JSON was due",
        ),
        ({"failure": "net::ERR_EMPTY_RESPONSE"}, Kind.SILENT, "GET /api/teas failed: "),
        ({"ended": False}, Kind.SILENT, "GET /api/teas gave no answer in 15.0 s; a script"),
    ],
)
def test_a_call_that_failed_on_this_page_in_the_step_before_is_the_cause(
    call: dict[str, Any], kind: Kind, said: str
) -> None:
    asked = a_request("/api/teas", method="GET", step="before", **call)
    failure = explained(around=[asked], exceptions=[Thrown("ts is not iterable")])
    assert failure.kind is kind
    assert said in failure.sentence
    assert "a script of the page threw 'ts is not iterable'" in failure.sentence


@pytest.mark.parametrize(
    "call",
    [
        {"status": 200},
        {"status": 200, "ended": False},
        {"failure": "net::ERR_ABORTED"},
        {"status": 404, "party": "https://stats.example"},
    ],
)
def test_a_good_call_a_stream_and_one_given_up_are_no_cause(call: dict[str, Any]) -> None:
    asked = a_request("/api/teas", method="GET", step="before", **call)
    assert explained(around=[asked]).kind in (Kind.MISSING, Kind.THIRD_PARTY)


def test_a_call_that_was_tried_again_in_vain_once_only_is_no_cause() -> None:
    tries = [a_request("/api/teas", method="GET", step="before", status=status) for status in (503, 200)]
    assert explained(around=tries).kind is Kind.MISSING


def test_a_call_that_is_new_beside_the_good_run_is_the_cause_though_steps_passed_since() -> None:
    call = a_request(
        "/api/teas", method="GET", kind="fetch", status=500, body='{"error": "database is locked"}', step="open"
    )
    survived = frozenset({mark(call)})
    failure = explained(around=[call], survived=survived, has_good_run=True, is_another_page=True)
    assert failure.kind is Kind.ANSWERED
    assert failure.sentence.startswith("buy: GET /api/teas answered 500 'database is locked'; the button")
    assert explained(around=[call], survived=survived).kind is Kind.MISSING, (
        "without a good run nobody knows that it is new"
    )
    assert explained(around=[call], survived=survived, usual=survived, has_good_run=True).kind is Kind.MISSING


def test_a_call_that_failed_while_buyers_got_through_is_no_cause() -> None:
    beat = a_request("/api/beat", step="before", status=404)
    assert explained(around=[beat], survived=frozenset({mark(beat)})).kind is Kind.MISSING


# -- open shops that speak of maintenance --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["Assam\nBack soon!\nOolong $9.50", "Bikes\nRoutine maintenance $40", "Coming soon: Darjeeling"]
)
def test_a_page_that_sells_something_is_no_maintenance_page(text: str) -> None:
    assert explained(page_text=text).kind is Kind.SHOWN, "without anything to buy it is one"
    failure = explained(page_text=text, offers=["Add to basket", "Checkout"])
    assert failure.kind is Kind.MISSING
    assert "maintenance page" not in failure.sentence


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("ZeroDivisionError\nTraceback (most recent call last)\nFile app.py, line 3", "a Python program"),
        ("Illuminate\\Database\\QueryException\nSQLSTATE[HY000] [2002] Connection refused", "Laravel"),
        ("SQLSTATE[42S02]: Base table or view not found: 1146 Table 'shop.cart' doesn't exist", "a PHP program"),
        ("Action Controller: Exception caught\nActionController::RoutingError", "Rails"),
        ("java.lang.NullPointerException\n\tat com.example.shop.Cart.total(Cart.java:12)", "a Java program"),
        ("TypeError: x is not a function\n    at pay (/srv/shop/server.js:12:3)", "a Node.js program"),
        ("404 page not found\n", "a Go program"),
        ("Index of /\nwp-content/\nindex.php.bak", "a web server"),
        ("Error 403 - This web app is stopped.\nThe web app you have attempted to reach is stopped.", "Azure"),
        ("Site Not Found\nWhy am I seeing this?", "Firebase"),
        ("default backend - 404", "Kubernetes"),
        ("The endpoint shop.ngrok.app is offline.\nERR_NGROK_3200", "ngrok"),
        ('[plugin:vite:import-analysis] Failed to resolve import "./pay" from "src/app.js".', "Vite"),
        ("Failed to compile\n./src/App.js", "webpack"),
    ],
)
def test_the_error_page_of_a_program_is_known_and_is_the_sites(text: str, whose: str) -> None:
    failure = explained(page_text=text)
    assert failure.kind is Kind.SHOWN
    assert f"shows {whose}'s error page: '" in failure.sentence


@pytest.mark.parametrize(
    "text",
    [
        "Index of authors\nAusten, Jane",
        "Learn Java: java.util in a weekend, $20",
        "Books about Rails: ActionController in depth",
        "Our index of / to 500 teas",
        "Node.js Error: a love story, by A. Author",
    ],
)
def test_a_page_that_only_speaks_of_programs_is_no_error_page(text: str) -> None:
    assert explained(page_text=text).kind is Kind.MISSING


# -- what scripts threw ----------------------------------------------------------------------------------------------------


def test_an_exception_is_told_with_its_place_and_without_its_stack() -> None:
    failure = explained(exceptions=[Thrown(THROWN + STACK, caught=True, place="/static/app.js:12")])
    told = f"a script of the page threw '{THROWN}' in /static/app.js:12, caught and written to the console; the button"
    assert told in failure.sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (THROWN + STACK, THROWN),
        (f"{THROWN} at https://shop.example.com/a.js:1:2 at caught (https://shop.example.com/a.js:3:4)", THROWN),
        ("Error: no\n    at async pay (webpack-internal:///./src/pay.js:1:2)", "Error: no"),
        ("Look at https://docs.example.com/help", "Look at https://docs.example.com/help"),
        ("{error: no at b.onclick (http://127.0.0.1:36027/:1…}", "{error: no"),
        ("\n    at x (https://shop.example.com/a.js:1:2)", "\n    at x (https://shop.example.com/a.js:1:2)"),
    ],
)
def test_a_stack_is_cut_off(text: str, words: str) -> None:
    assert without_stack(text) == words


# -- a site that asks who it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_page_that_asks_who_it_is_says_what_site_yaml_has(status: int) -> None:
    page = a_page("/", status=status, body="Authentication Required")
    bare = explained(SiteBroken("the page at / is an error page"), requests=[page])
    sent = explained(SiteBroken("the page at / is an error page"), requests=[page], has_credentials=True)
    assert "'Authentication Required'; site.yaml names no login and no secret header" in bare.sentence
    assert "the login or secret header that site.yaml names was not taken" in sent.sentence
    assert {bare.kind, sent.kind} == {Kind.ANSWERED}


def test_a_login_that_another_address_of_the_site_asks_for_is_told_with_the_address_to_write() -> None:
    page = a_page("/", status=401, url="https://www.shop.example.com/")
    failure = explained(
        SiteBroken("an error page"), requests=[page], has_credentials=True, site_origin="https://shop.example.com"
    )
    assert (
        "goes to https://shop.example.com alone, so write https://www.shop.example.com as base_url" in failure.sentence
    )


@pytest.mark.parametrize("request_", [a_request(status=401), a_page("/", status=500), a_page("/", status=404)])
def test_other_refusals_say_nothing_of_site_yaml(request_: SeenRequest) -> None:
    assert "site.yaml" not in explained(requests=[request_]).sentence


# -- one slow answer after another --------------------------------------------------------------------------------------------


def test_slow_calls_and_pages_that_follow_one_another_are_told_in_their_order() -> None:
    call = a_request(began=100.0, status=200, duration_ms=7000)
    hop = a_page("/start", began=107.05, status=302, duration_ms=7000)
    last = a_page("/redirect", began=114.06, ended=False, came_from=hop)
    failure = explained(requests=[call, hop, last], now=117.0, failed_at=115.1)
    assert failure.kind is Kind.SILENT
    assert failure.sentence == (
        "buy: one slow answer after another: POST /api/buy took 7.0 s, then GET /start took 7.0 s, "
        "then GET /redirect had no answer yet after 1.0 s"
    )


def test_what_came_while_the_scene_was_looked_at_was_still_under_way() -> None:
    call = a_request(began=100.0, status=200, duration_ms=2500)
    hop = a_page("/start", began=102.51, status=302, duration_ms=2500)
    after = a_page("/redirect", began=105.02, ended=False, came_from=hop)
    failure = explained(requests=[call, hop, after], now=106.0, failed_at=104.0, page_text="")
    assert failure.kind is Kind.SILENT
    assert failure.sentence.endswith("POST /api/buy took 2.5 s, then GET /start had no answer yet after 1.5 s")


@pytest.mark.parametrize(
    "requests",
    [
        [a_request(began=100.0, status=200, duration_ms=7000), a_page("/start", began=100.1, ended=False)],
        [a_request(began=100.0, status=200, duration_ms=100), a_page("/start", began=113.0, ended=False)],
        [
            a_page("/a", began=100.0, status=200, duration_ms=7000),
            a_page("/b", began=107.0, status=200, duration_ms=900),
        ],
    ],
)
def test_one_slow_answer_is_no_chain(requests: list[SeenRequest]) -> None:
    assert "after another" not in explained(requests=requests, now=115.0, failed_at=114.0).sentence


def test_what_an_earlier_step_waited_for_is_a_link_where_the_whole_journey_ran_out_of_time() -> None:
    scene: dict[str, Any] = {
        "around": [a_page("/", step="before", began=100.0, status=200, duration_ms=8000)],
        "requests": [a_request("/pricing", method="GET", began=108.1, ended=False)],
        "now": 112.0,
        "failed_at": 110.5,
    }
    late, early = explained(**scene, over_deadline_s=10.0), explained(**scene)
    assert (
        "its 10 s; one slow answer after another: GET / took 8.0 s, then GET /pricing had no answer yet"
        in late.sentence
    )
    assert early.sentence == "buy: GET /pricing gave no answer in 3.9 s"


@pytest.mark.parametrize(
    ("party", "kind", "words"),
    [
        ("first", Kind.SILENT, "buy: GET /app.js gave no answer in 14.9 s, and the page at / waits for it"),
        (
            "https://cdn.example",
            Kind.THIRD_PARTY,
            "buy: GET https://cdn.example/app.js gave no answer in 14.9 s, and the",
        ),
    ],
)
def test_a_page_that_waits_for_a_file_names_the_file(party: str, kind: Kind, words: str) -> None:
    error = PlaywrightTimeout(
        'Page.goto: Timeout 15000ms exceeded.\nCall log:\n  - navigating to "https://shop.example.com/"\n'
    )
    page = a_page("/", status=200, duration_ms=20.0)
    file = a_file("/app.js", "script", party=party, status=None, content_type="", ended=False, began=100.1)
    failure = explained(error, requests=[page, file])
    assert failure.kind is kind
    assert failure.sentence.startswith(words)


def test_a_page_that_is_late_itself_is_no_files_fault() -> None:
    error = PlaywrightTimeout("Page.goto: Timeout 15000ms exceeded.")
    page = a_page("/", status=200, duration_ms=14_000.0)
    assert explained(error, requests=[page]).sentence == "buy: GET / did not come in time: it took 14.0 s"


# -- sold out ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [{"offers": ["Back", "Sold Out"]}, {"page_text": "Dallas\nSold out\nAtlanta $1,000"}])
def test_what_is_sold_out_is_not_laid_on_the_site(where: dict[str, Any]) -> None:
    failure = explained(**where)
    assert failure.kind is Kind.MISSING
    assert failure.sentence.lower().startswith(
        "buy: the page says 'sold out': what this journey buys may not be for sale"
    )


def test_another_value_on_a_page_where_something_is_sold_out_stays_the_sites() -> None:
    error = AssertionError(
        "Locator expected to have text '$6'\nActual value: $7 \nCall log:\n  - waiting for locator('#price')\n"
    )
    assert explained(error, page_text="VIP: sold out").kind is Kind.SHOWN


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("General Admission\nSOLD OUT\n$1,000", "SOLD OUT"),
        ("Currently out of stock", "Currently out of stock"),
        ("0 spots left", "0 spots left"),
        ("Leider ausverkauft", "Leider ausverkauft"),
        ("50 spots left", None),
        (
            "Last year we sold out within a week, which is why this year there are two days in each of the six cities.",
            None,
        ),
        ("Complete your registration", None),
        ("", None),
    ],
)
def test_labels_that_say_sold_out_are_known(text: str, line: str | None) -> None:
    assert sold_out(text) == line


# -- tabs, layers, waits ----------------------------------------------------------------------------------------------------------


def test_a_tab_that_nobody_looked_at_is_told() -> None:
    tab = a_page("/c/pay", party="https://pay.example", status=200)
    failure = explained(tabs=[tab])
    assert failure.kind is Kind.MISSING
    assert "the site opened https://pay.example/c/pay in a new tab, where the journey did not look; the button" in (
        failure.sentence
    )


def test_a_layer_is_told_with_its_own_controls_and_nothing_else() -> None:
    failure = explained(cover="We use cookies", closers=["Accept all", "Reject all"], offers=["Buy"])
    assert failure.kind is Kind.MISSING
    assert failure.sentence == """buy: 'We use cookies' (it has 'Accept all', 'Reject all') covers the button "Buy\""""


def test_a_layer_without_an_element_of_its_own_is_told_by_its_victim_alone() -> None:
    error = PlaywrightTimeout(
        'Locator.click: Timeout 5000ms exceeded.\nCall log:\n  - waiting for get_by_role("button", name="Buy")\n'
        "  - <html>...</html> intercepts pointer events\n"
    )
    assert explained(error).sentence == 'buy: the button "Buy" could not be clicked within 5 s: something lies over it'


def test_a_layer_that_a_dead_script_left_there_is_the_scripts() -> None:
    script = a_file("/app.js", "script", status=404, content_type="text/plain")
    failure = explained(cover="Loading", requests=[script])
    assert failure.kind is Kind.ANSWERED
    assert """GET /app.js answered 404; 'Loading' covers the button "Buy\"""" in failure.sentence


@pytest.mark.parametrize(
    ("waited", "words"),
    [("5012", "never appeared within 5 s"), ("4960", "within 5 s"), ("2430", "within 2.4 s"), ("1", "appeared")],
)
def test_how_long_was_waited_is_told_in_tenths(waited: str, words: str) -> None:
    said = missed(f"Timeout {waited}ms exceeded.\nwaiting for Stripe's page")
    assert said.endswith(words)


# -- answers and pages that say no --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": 1, "errorMessage": "Transaction failed."}', "Transaction failed."),
        ('{"success": 0, "reason": "out of stock"}', "out of stock"),
        ('{"Success": "false", "ErrorMsg": "No stock"}', "No stock"),
        ('{"ok": false, "error_description": "token expired"}', "token expired"),
        ('{"success": false, "data": {}}', "success: false"),
        ('{"error": true}', "error: true"),
        ('{"status": "failed"}', 'status: "failed"'),
        ('{"errors": [{"userMessage": "Pick a size"}]}', "Pick a size"),
        ('{"data": {"success": false, "message": "Card expired"}}', "Card expired"),
        ('{"data": {"checkoutCreate": {"checkout": null, "userErrors": [{"message": "Sold out"}]}}}', "Sold out"),
        ('{"result": "ERR", "code": 4711, "msg": "Kein Bestand"}', "Kein Bestand"),
        ('{"statusCode": 409, "message": "Seat is taken"}', "Seat is taken"),
        ('{"status": "500", "message": "Internal"}', "Internal"),
        ('{"code": "OUT_OF_STOCK", "message": "This is not available"}', "This is not available"),
        ('[{"error": "Variant is sold out"}]', "Variant is sold out"),
        ('<?xml version="1.0"?><error><code>7</code> No stock</error>', "7 No stock"),
        ("<soap:Envelope><soap:Fault><faultstring>No seat</faultstring></soap:Fault></soap:Envelope>", "No seat"),
        ('<?xml version="1.0"?><order><id>7</id></order>', None),
        ("<response><ok>true</ok></response>", None),
        ('{"items": [{"success": false}, {"success": true}]}', None),
        ('{"product": {"available": false, "name": "Shirt"}}', None),
        ('{"code": "SUMMER", "message": "10 % off"}', None),
        ('{"code": 200, "message": "created"}', None),
        ('{"status": 404}', None),
        ('{"data": {"errors": [], "userErrors": []}}', None),
        ('{"success": 1, "successMessage": "Your order has been received."}', None),
        ('{"error": 0, "status": "ok"}', None),
        ('{"available": 3}', None),
        ('{"success": null}', None),
    ],
)
def test_a_refusal_is_told_by_its_own_words(body: str, said: str | None) -> None:
    assert refusal_in(body) == said


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Checkout\nWe couldn´t process your order\nTRY AGAIN", "We couldn´t process your order"),
        ("We couldn’t complete your purchase.", "We couldn’t complete your purchase."),
        ("Something went wrong", "Something went wrong"),
        ("Your payment was declined", "Your payment was declined"),
        ("An unexpected error occurred.", "An unexpected error occurred."),
        ("Die Zahlung ist fehlgeschlagen", "Die Zahlung ist fehlgeschlagen"),
        ("Please enter a valid phone number", None),
        ("Invalid Email", None),
        ("This field is required", None),
        ("Free returns, no matter what. We could not be happier", None),
        ("Thank you", None),
    ],
)
def test_a_page_that_says_that_the_shop_failed_is_told_from_one_that_asks_to_correct_a_field(
    text: str, line: str | None
) -> None:
    assert went_wrong(text) == line
    failure = explained(page_text=text, excerpt=text)
    assert failure.kind is (Kind.SHOWN if line else Kind.MISSING)
    if line:
        assert failure.sentence.startswith(f"buy: the page says '{line}'; the button")


def test_a_no_that_each_good_run_heard_too_is_no_suspect() -> None:
    guest = a_request("/api/me", status=200, body="{}", refusal="no session")
    assert explained(requests=[guest]).kind is Kind.ANSWERED
    assert explained(requests=[guest], survived=frozenset({mark(guest)})).kind is Kind.MISSING
    other = a_request("/api/me", status=200, body="{}", refusal="your account is closed")
    assert explained(requests=[other], survived=frozenset({mark(guest)})).kind is Kind.ANSWERED


@pytest.mark.parametrize(
    "thrown",
    [
        "Expected double-quoted property name in JSON at position 15 (line 1 column 16)",
        "Unterminated string in JSON at position 9",
        "Unexpected non-whitespace character after JSON at position 4",
    ],
)
def test_an_empty_answer_that_the_page_could_not_read_is_named(thrown: str) -> None:
    empty = a_request("/api/cart", method="GET", status=200, is_broken_json=True)
    failure = explained(requests=[empty], exceptions=[Thrown(thrown)])
    assert failure.sentence.startswith("buy: GET /api/cart answered 200 with an empty body where JSON was due; ")
    assert explained(requests=[empty]).kind is Kind.MISSING, "nobody wanted to read it"


# -- the control that was looked for ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("element is not enabled", 'the field "E-mail" stayed disabled within 2 s'),
        ("element is not editable", 'the field "E-mail" stayed read-only within 2 s'),
        ("element is not visible", 'the field "E-mail" is on the page and stayed hidden within 2 s'),
        ("element is outside of the viewport", "could not be clicked within 2 s: it lies outside of the window"),
    ],
)
def test_a_control_that_was_found_is_named_by_its_label(state: str, words: str) -> None:
    log = f'Locator.fill: Timeout 2000ms exceeded.\nCall log:\n  - waiting for locator("#e")\n    - {state}\n'
    failure = explained(PlaywrightTimeout(log), control='the field "E-mail"')
    assert words in failure.sentence
    assert "#e" not in failure.sentence


def test_fields_that_are_there_are_told_where_one_is_missing() -> None:
    error = PlaywrightTimeout(
        'Locator.fill: Timeout 2000ms exceeded.\nCall log:\n  - waiting for get_by_label("E-mail")\n'
    )
    sentence = explained(error, alike=["Email", "Phone Number"]).sentence
    assert """the field "E-mail" never appeared within 2 s; there is 'Email', 'Phone Number'""" in sentence


# -- what a console line amounts to ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("Error: Checkout failed\n    at pay (https://shop.example.com/app.js:1:2)", True),
        ("[cart] TypeError: total is undefined", True),
        ("Uncaught (in promise) no", True),
        ("Unhandled Promise Rejection: no", True),
        ("Failed to load resource: the server responded with a status of 404", False),
        ("Error while loading the banner, going on without", False),
        ("Service Worker registration blocked by Playwright", False),
    ],
)
def test_an_exception_that_was_caught_is_told_from_a_complaint(line: str, is_one: bool) -> None:
    assert is_exception(line) is is_one


# -- third parties that only measure ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "kind"),
    [
        ("https://www.google-analytics.com", Kind.MISSING),
        ("https://o123.ingest.sentry.io", Kind.MISSING),
        ("https://connect.facebook.net", Kind.MISSING),
        ("https://kit.example", Kind.THIRD_PARTY),
        ("https://notgoogle-analytics.com", Kind.THIRD_PARTY),
        ("https://google-analytics.com.evil.example", Kind.THIRD_PARTY),
    ],
)
@pytest.mark.parametrize("what", ["script", "fetch"])
def test_a_third_party_that_only_measures_explains_no_missing_control(origin: str, kind: Kind, what: str) -> None:
    dead = a_file("/a.js", what, party=origin, status=None, failure="net::ERR_NAME_NOT_RESOLVED")
    assert explained(requests=[dead]).kind is kind


def test_telemetry_that_is_always_limited_hides_no_outage() -> None:
    telemetry = a_request("/collect", status=429)
    order = a_request(status=500, body="no")
    assert explained(requests=[telemetry, order]).kind is Kind.LIMITED
    known = frozenset({mark(telemetry)})
    assert explained(requests=[telemetry, order], usual=known, survived=known).kind is Kind.ANSWERED
    assert explained(requests=[telemetry, order], survived=known).kind is Kind.LIMITED, "the limit was reached before"
    page = a_page("/success", status=429)
    assert explained(requests=[page], usual=frozenset({mark(page)})).kind is Kind.LIMITED, "a page is no telemetry"


@pytest.mark.parametrize("text", ["Object", "[object Object]"])
def test_an_object_that_was_thrown_is_told_as_such(text: str) -> None:
    assert "a script of the page threw an object that is no Error" in explained(exceptions=[Thrown(text)]).sentence


# -- what is no page -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 204}, "answered 204, which brings no page"),
        ({"status": 304}, "answered 304, which brings no page"),
        ({"status": 200, "is_download": True, "failure": "net::ERR_ABORTED"}, "answered 200 with a download"),
        ({"status": 302}, "answered 302, a redirect that names no address"),
    ],
)
def test_a_link_that_brings_no_page_is_the_sites(answer: dict[str, Any], said: str) -> None:
    failure = explained(requests=[a_page("/next", **answer)])
    assert failure.kind is Kind.ANSWERED
    assert f"GET /next {said}" in failure.sentence


def test_a_download_that_each_good_run_had_and_a_redirect_that_goes_on_are_no_cause() -> None:
    invoice = a_page("/invoice", status=200, is_download=True, failure="net::ERR_ABORTED")
    assert invoice.is_suspect
    assert explained(requests=[invoice], usual=frozenset({mark(invoice)})).kind is Kind.MISSING
    hop = a_page("/start", status=302, duration_ms=10)
    assert explained(requests=[hop, a_page("/next", status=200, came_from=hop)]).kind is Kind.MISSING


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_a_document_that_is_no_html_is_the_sites_unless_the_journey_looks_at_such_a_one(content_type: str) -> None:
    document = a_page("/next", status=200, content_type=content_type)
    failure = explained(requests=[document])
    assert failure.kind is Kind.SHOWN
    assert f"GET /next answered 200 with {content_type} where a page was due" in failure.sentence
    assert explained(requests=[document], usual=frozenset({mark_of_type(document)})).kind is Kind.MISSING


# -- dialogs and promises --------------------------------------------------------------------------------------------------


def test_a_question_that_was_cancelled_is_told_as_such() -> None:
    asked = Dialog(kind="confirm", text="Place this order?", step="buy")
    failure = explained(dialogs=[asked], cancelled=[asked])
    assert failure.kind is Kind.MISSING
    assert (
        "the page asked 'Place this order?' (confirm), and the journey did not answer it, which is Cancel"
        in failure.sentence
    )


@pytest.mark.parametrize(
    ("text", "says_no"),
    [
        ("Added. Free returns - no problem!", False),
        ("Success! You can’t go wrong with this one.", False),
        ("Don't miss our sale", False),
        ("There was a problem with your card", True),
        ("You can't order this", True),
        ("Impossibile aggiungere al carrello", True),
        ("Não foi possível concluir", True),
        ("Nie można złożyć zamówienia", True),
        ("Er is een fout opgetreden", True),
    ],
)
def test_a_promise_in_words_of_failure_is_no_refusal(text: str, says_no: bool) -> None:
    assert refuses(text) is says_no


@pytest.mark.parametrize(
    "text", ["Aggiunto al carrello!", "Toegevoegd aan winkelwagen", "Dodano do koszyka", "Adicionado!"]
)
def test_a_welcome_in_other_languages_is_one(text: str) -> None:
    assert welcomes(text)


# -- what the last good run saw under another name ---------------------------------------------------------------------------


def test_a_third_partys_file_is_the_same_one_after_a_build_and_however_it_fails() -> None:
    one = a_file("/kit.abc12345.js", "script", party="https://cdn.example", failure="net::ERR_FAILED", status=None)
    other = a_file("/kit.def67890.js", "script", party="https://cdn.example", status=503)
    assert mark(one) == mark(other)
    waiting = a_file("/kit.js", "script", party="https://cdn.example", status=None, ended=False)
    assert mark(waiting) != mark(other), "what had no answer yet when a good run ended has not failed"


def test_words_of_a_files_name_are_no_hash() -> None:
    one, other = a_file("/checkout-page.js", "script", status=404), a_file("/checkout-form.js", "script", status=404)
    assert mark(one) != mark(other)


# -- Playwright's words ----------------------------------------------------------------------------------------------------

PRICE = 'Call log:\n  - Expect "to_have_text" locator(".price") with timeout 900ms\n  - waiting for locator(".price")\n'


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (
            f"the basket's total\nExpected value: '£6.99'\nActual value: £7.99 \n{PRICE}",
            Kind.SHOWN,
            "the basket's total: the element \".price\" was expected to be '£6.99', and it is '£7.99'",
        ),
        (
            f"Locator expected to contain text 're.compile('€\\\\d+')'\nActual value: £7.99 \n{PRICE}\n\nAria snapshot:\n- x",
            Kind.SHOWN,
            "was expected to contain text like '€0', and it is '£7.99'",
        ),
        (
            f"Locator expected to have Value '3'\nActual value: 2 \n{PRICE}",
            Kind.SHOWN,
            "to have value '3', and it is '2'",
        ),
        (f"Locator expected to have attribute '1'\nActual value: None \n{PRICE}", Kind.SHOWN, "and it has none"),
        (f"Locator expected to have text '['Red']'\nActual value: [] \n{PRICE}", Kind.MISSING, "and it is not there"),
        (
            'Page.wait_for_url: Timeout 900ms exceeded.\n=== logs ===\nwaiting for navigation to "**/done" until "load"\n====',
            Kind.MISSING,
            "the page never went on to '**/done' within 0.9 s",
        ),
        (
            "Page.wait_for_function: Timeout 900ms exceeded.",
            Kind.MISSING,
            "what the journey asked the page by a script never came true within 0.9 s",
        ),
        (
            'Page.expect_response: Timeout 900ms exceeded while waiting for event "response"\nwaiting for response "**/api/x"\n==',
            Kind.MISSING,
            "the page never got an answer from '**/api/x' within 0.9 s",
        ),
        (
            'Page.expect_popup: Timeout 900ms exceeded while waiting for event "popup"\n=== logs ===\nwaiting for event "popup"\n==',
            Kind.MISSING,
            "a new tab never came within 0.9 s",
        ),
    ],
)
def test_what_playwright_waited_for_is_told_in_words(message: str, kind: Kind, words: str) -> None:
    error = AssertionError(message) if "Call log" in message else PlaywrightTimeout(message)
    failure = explained(error)
    assert failure.kind is kind
    assert words in failure.sentence


# -- one slow answer after another -----------------------------------------------------------------------------------------


def test_a_call_that_had_just_begun_behind_two_slow_ones_is_the_last_of_them() -> None:
    calls = [
        a_request(f"/{name}", began=100.0 + at, status=200, duration_ms=1200) for name, at in (("a", 0), ("b", 1.25))
    ]
    last = a_request("/c", began=102.5, ended=False)
    failure = explained(requests=[*calls, last], now=103.5, failed_at=103.0)
    assert failure.kind is Kind.SILENT
    assert "then POST /c had no answer yet after 0.5 s" in failure.sentence
    assert explained(requests=[calls[0], last], now=103.5, failed_at=103.0).kind is Kind.MISSING


# -- what is not decided yet -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"id": 7, "status": "pending"}', "status: pending"),
        ('{"order": {"paymentState": "IN_PROGRESS"}}', "paymentState: IN_PROGRESS"),
        ('{"state": "awaiting_payment"}', "state: awaiting_payment"),
        ('{"state": "awaiting payment"}', "state: awaiting payment"),
        ('{"paid": false}', "paid: false"),
        ('{"isReady": false}', "isReady: false"),
        ('{"status": "paid"}', None),
        ('{"note": "pending"}', None),
        ('[{"status": "pending"}]', None),
        ("pending", None),
    ],
)
def test_an_answer_that_decides_nothing_is_known(body: str, said: str | None) -> None:
    assert pending_in(body) == said


def a_poll(*states: str | None, path: str = "/api/orders/7", method: str = "GET") -> list[SeenRequest]:
    return [a_request(path, method=method, status=200, pending=state) for state in states]


def test_a_call_that_says_pending_to_the_end_is_the_sites() -> None:
    polls = a_poll("status: pending", "status: pending", "status: pending")
    failure = explained(requests=polls)
    assert failure.kind is Kind.ANSWERED
    assert "GET /api/orders/7 was asked 3 times in" in failure.sentence
    assert "and answered 'status: pending' to the end; the button" in failure.sentence
    assert explained(requests=polls, usual=marks_of_polls(polls)).kind is Kind.MISSING


@pytest.mark.parametrize(
    "polls",
    [
        a_poll("status: pending", "status: pending", "status: pending", None),
        a_poll("status: pending", "status: pending"),
        a_poll(None, None, None, None),
    ],
    ids=["decided", "asked twice", "never pending"],
)
def test_a_call_that_came_to_an_end_or_was_not_repeated_is_no_poll_in_vain(polls: list[SeenRequest]) -> None:
    assert explained(requests=polls).kind is Kind.MISSING
    assert marks_of_polls(polls) == frozenset()


@pytest.mark.parametrize(
    "text", ["Processing your payment…", "Shop\nPlease wait", "Wir sind gleich da\nBitte warten ..."]
)
def test_a_page_that_asks_to_wait_to_the_end_is_the_sites(text: str) -> None:
    failure = explained(page_text=text)
    assert failure.kind is Kind.SHOWN
    assert "the page still says '" in failure.sentence
    assert explained(page_text=text, offers=["Reserve"]).kind is Kind.MISSING, (
        "a page with other buttons came to its end"
    )


@pytest.mark.parametrize("text", ["Loading docks for vans", "Processing 200 orders a day", "Please waiter, a table"])
def test_a_page_that_speaks_of_waiting_is_not_taken_for_one_that_waits(text: str) -> None:
    assert please_wait(f"Shop\n{text}\nContact") is None


def test_an_alert_that_complains_is_told_first_and_once() -> None:
    failure = explained(dialogs=[Dialog(kind="alert", text="Card declined", step="buy")])
    assert failure.sentence.startswith("buy: the page showed alert 'Card declined'; the button ")
    assert failure.sentence.count("Card declined") == 1


def test_an_answer_whose_page_has_no_words_is_quoted_by_none() -> None:
    failure = explained(requests=[a_page("/", status=503, body="<!doctype html><head><title>x</title></head>")])
    assert failure.sentence == "buy: GET / answered 503"


def test_a_bare_503_is_laid_on_no_product() -> None:
    assert "shows a proxy or load balancer's error page" in explained(page_text="503 Service Unavailable").sentence


def test_an_alert_of_the_last_good_run_is_no_complaint_in_any_language() -> None:
    alert = Dialog(kind="alert", text="Tuote 17 lisättiin ostoskoriin", step="buy")
    usual = frozenset({mark_of_alert("Tuote 18 lisättiin ostoskoriin")})
    assert explained(dialogs=[alert]).kind is Kind.SHOWN
    assert explained(dialogs=[alert], usual=usual).kind is Kind.MISSING
    assert mark_of_alert("Kortti hylättiin") not in usual


@pytest.mark.parametrize(("later", "kind"), [(False, Kind.ANSWERED), (True, Kind.MISSING)])
def test_a_page_that_the_browser_gave_up_is_the_sites_unless_another_one_was_asked_for(later: bool, kind: Kind) -> None:
    given_up = a_page("/next", status=None, failure="net::ERR_ABORTED", began=1.0)
    more = [a_page("/other", status=200, began=2.0)] if later else []
    failure = explained(requests=[given_up, *more])
    assert failure.kind is kind
    assert ("GET /next brought no page" in failure.sentence) is not later
