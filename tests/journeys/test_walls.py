"""Walls against robots and logins, told by headers, words and paths; and what no shop may be mistaken for."""

from __future__ import annotations

import pytest

from journeys.walls import PUZZLE, is_login, is_login_heading, wall_said_by, wall_told_by, welcomes_guests


@pytest.mark.parametrize(
    ("headers", "who"),
    [
        ({"cf-mitigated": "challenge"}, "a Cloudflare challenge"),
        ({"x-vercel-mitigated": "challenge"}, "Vercel's firewall"),
        ({"x-vercel-mitigated": "deny"}, "Vercel's firewall"),
        ({"x-amzn-waf-action": "captcha"}, "a challenge of AWS WAF"),
        ({"x-sucuri-block": "1"}, "Sucuri's firewall"),
        # Every answer that comes by these vendors has such headers, the shop's own 403 too.
        ({"server": "cloudflare", "cf-ray": "8a1b"}, None),
        ({"x-vercel-id": "iad1::x", "server": "Vercel"}, None),
        ({"x-iinfo": "1-2-3", "x-cdn": "Imperva"}, None),
        ({}, None),
    ],
)
def test_a_wall_is_told_by_the_headers_that_only_its_own_answers_have(headers: dict[str, str], who: str | None) -> None:
    assert wall_told_by(headers) == who


@pytest.mark.parametrize(
    "text",
    [
        "Just a moment...",
        "Checking your browser before accessing shop.example.com",
        "shop.example.com needs to review the security of your connection before proceeding",
        "Attention Required! | Cloudflare",
        "Sorry, you have been blocked",
        "Verify you are human by completing the action below",
        "Please verify that you are a human",
        "I'm not a robot",
        "Our systems have detected unusual traffic from your computer network",
        "Request unsuccessful. Incapsula incident ID: 443000",
        "Press & Hold to confirm you are a human",
        "Pardon Our Interruption",
        "The requested URL was rejected. Please consult with your administrator.",
        'Access Denied You don\'t have permission to access "/" on this server. Reference #18.2d351ab8.1557',
        "Access Denied - Sucuri Website Firewall",
        "Vercel Security Checkpoint",
        "Automated access to this site has been denied",
    ],
)
def test_a_challenge_page_is_known_by_its_words(text: str) -> None:
    assert wall_said_by(f"Shop\n{text}\nmore") is not None


@pytest.mark.parametrize(
    "text",
    [
        "This site is protected by reCAPTCHA and the Google Privacy Policy and Terms of Service apply.",
        "CSRF Token Invalid",
        "Forbidden",
        "Access denied",
        "Too Many Requests",
        "Email not found in our 6FB member database",
        "Automated booking for your barber shop",
        "We verify every human barber by hand",
    ],
)
def test_what_a_shop_says_of_itself_is_no_wall(text: str) -> None:
    assert wall_said_by(text) is None


@pytest.mark.parametrize(
    ("url", "asks"),
    [
        ("https://challenges.cloudflare.com/cdn-cgi/challenge-platform/h/b/turnstile", True),
        ("https://newassets.hcaptcha.com/captcha/v1/x/static/hcaptcha.html#frame=challenge", True),
        ("https://www.google.com/recaptcha/api2/bframe?hl=en", True),
        ("https://geo.captcha-delivery.com/captcha/?initialCid=x", True),
        # The badge of the kind that asks nobody anything.
        ("https://www.google.com/recaptcha/api2/anchor?size=invisible", False),
        ("https://js.stripe.com/v3/controller.html", False),
    ],
)
def test_a_puzzle_is_known_by_its_frame(url: str, asks: bool) -> None:
    assert bool(PUZZLE.search(url)) is asks


@pytest.mark.parametrize(
    ("path", "login"),
    [
        ("/login", True),
        ("/auth/sign-in", True),
        ("/sso", True),
        ("/authors", False),
        ("/register", False),
        ("/", False),
    ],
)
def test_a_login_is_known_by_its_path(path: str, login: bool) -> None:
    assert is_login(path) is login


@pytest.mark.parametrize(
    "path", ["/konto/anmelden", "/customer/account/login/", "/fr/connexion", "/login.html", "/signin.aspx"]
)
def test_paths_of_logins_are_known_in_other_languages(path: str) -> None:
    assert is_login(path)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Sign in", True),
        ("Log in to your account", True),
        ("Anmelden", True),
        ("Se connecter", True),
        ("Sign in for a newsletter and get 10 % off your next order", False),
        ("Checkout", False),
    ],
)
def test_a_heading_tells_a_login(text: str, is_one: bool) -> None:
    assert is_login_heading(text) is is_one


@pytest.mark.parametrize(
    ("text", "welcomes"),
    [
        ("Continue as guest", True),
        ("Als Gast bestellen", True),
        ("Commander sans compte", True),
        ("Guest house", False),
    ],
)
def test_a_way_on_for_guests_is_known(text: str, welcomes: bool) -> None:
    assert welcomes_guests(text) is welcomes
