"""The site is at fault: what it answered, did not answer, showed or charged."""

from __future__ import annotations

import time
from pathlib import Path

from facts import Blame, Run, Status
from tests.blame.sockets import a_certificate, a_port, hangs_up, says, speaks_tls
from tests.blame.stage import GA, VIP, Case, Stage
from tests.blame.toll import (
    Effect,
    Rule,
    answers,
    closes,
    cuts,
    drips,
    edits,
    garbage,
    never,
    resets,
)
from tests.jobs import LOOK
from tests.sites import Page

HOME = r"/"
DATA = r"/pricing\?city=.*_rsc.*"
SUCCESS = r"/success.*"
OPEN = "/api/create-checkout-session"
LOOKUP = r"/api/create-checkout-session\?.*"
SCRIPT = r".*/app\.js.*"
LOGIN = (
    "<h1>Members only</h1><form>E-mail <input type=email> Password <input type=password><button>Log in</button></form>"
)


def _shop(name: str, how: str, method: str, path: str, effect: Effect, **changes: object) -> Case:
    return _site(name, how, lambda stage: stage.buy(Rule(method, path, effect), **changes))


def _fault(name: str, how: str, **changes: object) -> Case:
    return _site(name, how, lambda stage: stage.buy(faults=(name,), **changes))


def _site(name: str, how: str, provoke: object, status: Status = Status.FAILED) -> Case:
    return Case(name, how, status, Blame.SITE, provoke)  # type: ignore[arg-type]


def _self_signed(stage: Stage) -> Run:
    with a_port(speaks_tls(a_certificate(Path(stage.a_folder())))) as port:
        return stage.look(f"https://127.0.0.1:{port}")


def _no_tls(stage: Stage) -> Run:
    with a_port(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        return stage.look(f"https://127.0.0.1:{port}")


def _hangs_up(stage: Stage) -> Run:
    with a_port(hangs_up) as port:
        return stage.look(f"http://127.0.0.1:{port}")


def _crash(stage: Stage) -> Run:
    body = """
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("look"):
            visit.page.goto("chrome://crash")
    """
    return stage.look_at({"/": "<h1>Shop</h1>"}, body=body)


CASES = (
    _fault("payment_500", "Stripe answers 500 to the shop, and the shop 500 to the buyer"),
    _fault("checkout_403", "the shop's CSRF check refuses the checkout with 403"),
    _fault("checkout_hang", "the checkout request is taken and never answered"),
    _fault("wrong_price", "Stripe is told another amount than the page shows"),
    _fault("success_unpaid", "the page says Registration Successful, and nothing was paid"),
    _fault("discount_lost", "a member is shown and charged the full price", journey=VIP),
    _fault("verify_down", "the member check answers 500; the page says the address was not found", journey=VIP),
    _shop(
        "home_500",
        "the home page answers 500",
        "GET",
        HOME,
        answers(500, "<html><h1>Internal Server Error</h1>"),
        journey=GA,
    ),
    _shop("home_404", "the home page answers 404", "GET", HOME, answers(404, "<html><h1>Not found</h1>"), journey=GA),
    _shop("home_empty", "the connection is closed without an answer", "GET", HOME, closes, journey=GA),
    _shop("home_garbage", "what the server sends is no HTTP", "GET", HOME, garbage, journey=GA),
    _shop("home_silent", "the home page is never answered", "GET", HOME, never, journey=GA),
    _shop("home_drips", "the home page comes a byte each half second", "GET", HOME, drips, journey=GA),
    _shop("home_cut", "the connection ends in the middle of the home page", "GET", HOME, cuts, journey=GA),
    _shop("home_blank", "the home page is an empty document", "GET", HOME, answers(503, ""), journey=GA),
    _shop(
        "home_circle",
        "the home page redirects to itself for ever",
        "GET",
        HOME,
        answers(302, "", location="/"),
        journey=GA,
    ),
    _shop("next_page_silent", "the next page's data is never answered", "GET", DATA, never, journey=GA),
    _shop(
        "next_page_garbage",
        "the next page's data is HTML instead of JSON",
        "GET",
        DATA,
        answers(200, "<p>oops</p>"),
        journey=GA,
    ),
    _shop("checkout_404", "the checkout's API is not there", "POST", OPEN, answers(404, "<html>404")),
    _shop("checkout_502", "a gateway answers the checkout with its own page", "POST", OPEN, answers(502, "<html>Bad")),
    _shop("checkout_garbage", "the checkout answers 200 with no JSON", "POST", OPEN, answers(200, "%PDF-1.7 what")),
    _shop("checkout_reset", "the checkout's connection is reset, after the pages came well", "POST", OPEN, resets),
    _shop("checkout_cut", "the checkout's answer is cut in the middle", "POST", OPEN, cuts),
    _shop("checkout_drips", "the checkout's answer drips", "POST", OPEN, drips),
    _shop("script_404", "the shop's own script is not there", "GET", SCRIPT, answers(404, "Not found"), journey=GA),
    _shop("script_silent", "the shop's own script never comes", "GET", SCRIPT, never, journey=GA),
    _shop(
        "script_throws",
        "the shop's own script throws before it did anything",
        "GET",
        SCRIPT,
        edits(('"use strict";', '"use strict"; throw new TypeError("cannot boot");')),
        journey=GA,
    ),
    _shop(
        "verify_garbage",
        "the member check answers 200 with no JSON",
        "POST",
        "/api/verify-member",
        answers(200, "?"),
        journey=VIP,
    ),
    _shop("success_500", "after the payment the success page answers 500", "GET", SUCCESS, answers(500, "<html>Oops")),
    _shop("success_silent", "after the payment the success page is never answered", "GET", SUCCESS, never),
    _shop(
        "lookup_down",
        "no Stripe key, and the shop's own session lookup answers 500",
        "GET",
        LOOKUP,
        answers(500, '{"error": "Failed to retrieve session"}', kind="application/json"),
        stripe_key=None,
    ),
    _shop(
        "login_page", "the shop shows a login instead of its home page", "GET", HOME, answers(200, LOGIN), journey=GA
    ),
    _shop(
        "login_401",
        "the shop asks for a password by 401",
        "GET",
        HOME,
        answers(401, "Authentication Required"),
        journey=GA,
    ),
    _shop(
        "policy_blocks_script",
        "the site's own security policy keeps its script away",
        "GET",
        HOME,
        edits(("<head>", "<head><meta http-equiv='Content-Security-Policy' content=\"script-src 'none'\">")),
        journey=GA,
    ),
    _site("tls_self_signed", "the certificate is signed by nobody that a browser trusts", _self_signed),
    _site("tls_none", "the https port does not speak TLS", _no_tls),
    _site("hangs_up", "every connection is closed as soon as something was asked", _hangs_up),
    _site("page_crashes", "the page's renderer crashes", _crash),
    _site(
        "too_slow",
        "a page takes longer than the whole journey may",
        lambda stage: stage.look_at(
            {"/": Page("<button>Buy</button>", before=lambda: time.sleep(6))},
            body=LOOK,
            options="slow_after_s=1, deadline_s=4",
        ),
        Status.TIMED_OUT,
    ),
)
