"""A wall against robots stands between us and the shop."""

from __future__ import annotations

from collections.abc import Callable

from facts import Blame, Run, Status
from tests.blame.labelled.site import HOME, OPEN
from tests.blame.stage import GA, Case, Stage
from tests.blame.toll import Effect, Rule, answers
from tests.sites import a_site

AKAMAI = (
    "<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY><H1>Access Denied</H1>"
    "You don't have permission to access this server.<P>Reference #18.2d351ab8.1557333295.a4e16ab</BODY></HTML>"
)


def _case(name: str, how: str, provoke: Callable[[Stage], Run]) -> Case:
    return Case(name, how, Status.BLOCKED, Blame.SITE, provoke)


def _home(name: str, how: str, effect: Effect) -> Case:
    return _case(name, how, lambda stage: stage.buy(Rule("GET", HOME, effect), journey=GA))


def _captcha_at_stripe(stage: Stage) -> Run:
    with a_site({"/recaptcha/api2/bframe": "<p>Select all squares with traffic lights</p>"}) as other:
        frame = f"<iframe src='{other.url}/recaptcha/api2/bframe' width=400 height=500></iframe>"
        return stage.buy(stripe=(Rule("GET", r"/c/pay/.*", answers(200, f"<html><body>{frame}</body></html>")),))


def _captcha_frame(stage: Stage) -> Run:
    with a_site({"/recaptcha/api2/bframe": "<p>Select all squares with traffic lights</p>"}) as other:
        frame = f"<h1>One moment</h1><iframe src='{other.url}/recaptcha/api2/bframe' width=400 height=500></iframe>"
        return stage.look_at({"/": frame})


CASES = (
    _home(
        "cloudflare",
        "Cloudflare's challenge: 403 and cf-mitigated",
        answers(403, "<html>Just a moment...", cf_mitigated="challenge"),
    ),
    _home(
        "cloudflare_words",
        "a challenge page that only its words tell, with 503",
        answers(503, "<html><body>Checking your browser before accessing the shop.</body></html>"),
    ),
    _home(
        "cloudflare_1020",
        "Cloudflare's own refusal, with 403",
        answers(403, "<html><body><h1>Sorry, you have been blocked</h1></body></html>"),
    ),
    _home(
        "vercel",
        "Vercel's challenge, which comes as 429",
        answers(429, "<html>Vercel Security Checkpoint", x_vercel_mitigated="challenge"),
    ),
    _home("aws", "AWS WAF's CAPTCHA: 405 and x-amzn-waf-action", answers(405, "<html>", x_amzn_waf_action="captcha")),
    _home("akamai", "Akamai's refusal, with a reference number", answers(403, AKAMAI)),
    _home(
        "captcha_words",
        "a page with 200 that asks to prove being a person",
        answers(200, "<h1>Please verify you are a human</h1>"),
    ),
    _case(
        "cloudflare_api",
        "the pages come well, and the checkout's API is challenged",
        lambda s: s.buy(Rule("POST", OPEN, answers(403, "<html>Just a moment...", cf_mitigated="challenge"))),
    ),
    _case("captcha_frame", "a CAPTCHA's frame stands where the shop should be", _captcha_frame),
    _case("captcha_at_stripe", "a CAPTCHA stands on Stripe's page", _captcha_at_stripe),
)
