"""Recognizes walls between a buyer and the shop: bot walls, and an unexpected login."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A header that a wall's own answer carries, what it has to hold, and whose wall it is. Headers that a vendor sends with every
# answer tell nothing: the shop's own refusals carry them too.
_HEADERS = (
    # https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/
    ("cf-mitigated", re.compile("challenge"), "a Cloudflare challenge"),
    # https://vercel.com/docs/vercel-firewall/firewall-concepts
    ("x-vercel-mitigated", re.compile("challenge|deny"), "Vercel's firewall"),
    # https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-actions.html
    ("x-amzn-waf-action", re.compile("challenge|captcha"), "a challenge of AWS WAF"),
    ("x-sucuri-block", re.compile("."), "Sucuri's firewall"),
)

# Sentences of challenge pages. None of them may be one that a shop says of itself ("protected by reCAPTCHA").
_SAYS = re.compile(
    r"verify (that )?you('re| are) (a )?human|are you a (robot|human)\?|confirm (that )?you are (a )?human|i'?m not a robot"
    r"|prove (that )?you are (not a robot|(a )?human)"
    r"|unusual traffic|(complete|solve) the captcha|checking (if the site connection is secure|your browser before accessing)"
    r"|just a moment\.\.\.|attention required! \| cloudflare|sorry, you have been blocked|ddos protection by"
    r"|needs to review the security of your connection|performing security verification|vercel security checkpoint"
    r"|incapsula incident id|press (&|and) hold to confirm|pardon our interruption"
    r"|the requested url was rejected\. please consult with your administrator"
    r"|access denied .{0,200}reference #[0-9a-f.]+|access denied - sucuri|bot (detection|protection) (has )?(blocked|triggered)"
    r"|automated (access|requests|queries)\b.{0,60}\b(blocked|denied|detected)",
    re.IGNORECASE | re.DOTALL,
)
PUZZLE = re.compile(
    r"hcaptcha\.com/.*(challenge|checkbox)|recaptcha/(api2|enterprise)/bframe|challenges\.cloudflare\.com"
    r"|captcha-delivery\.com|arkoselabs\.com|awswaf\.com/.*captcha"
)
"""Matches the addresses of CAPTCHA frames."""

_LOGIN_PATH = re.compile(
    r"/(log-?in|sign-?in|auth|sso|account/login|users/sign_in|customer/account/login|anmelde[n\w]*|einloggen|konto/anmelden"
    r"|connexion|se-connecter|identification|iniciar-sesion|acceso|accedi|inloggen|logowanie|zaloguj)(\.\w+)?(/|$)",
    re.IGNORECASE,
)
_LOGIN_HEADING = re.compile(
    r"\s*((please )?(sign|log) ?in( to .{1,40})?|welcome back|(bitte )?(anmelden|einloggen|anmeldung)"
    r"|(se )?connecter|connexion|identifiez-vous"
    r"|iniciar sesión|inicia sesión|acced[ie]( .{1,20})?|inloggen|zaloguj się|logowanie|logga in|log ind|logg inn)[.!:]?\s*",
    re.IGNORECASE,
)
_GUEST = re.compile(
    r"\b(as (a )?guest|guest (checkout|order)|without (an |a )?(account|login|registration|registering)"
    r"|als gast|ohne (konto|anmeldung|registrierung)"
    r"|en tant qu.invité|sans compte|como invitado|sin (cuenta|registro)"
    r"|come ospite|senza registrazione|jako gość|bez rejestracji|som gäst)\b",
    re.IGNORECASE,
)


def wall_told_by(headers: Mapping[str, str]) -> str | None:
    """Return the vendor of the bot wall that a response's headers (names in lower case) identify; None if they identify none."""
    return next((who for name, pattern, who in _HEADERS if pattern.search(headers.get(name, ""))), None)


def wall_said_by(text: str) -> str | None:
    """Return the words of a challenge page in a page's text; None if there are none."""
    found = _SAYS.search(text)
    return " ".join(found[0].split())[:100] if found else None


def is_login(path: str) -> bool:
    """Return whether a path belongs to a login page."""
    return bool(_LOGIN_PATH.search(path))


def is_login_heading(text: str) -> bool:
    """Return whether a heading is that of a login ("Sign in", "Anmelden")."""
    return _LOGIN_HEADING.fullmatch(text) is not None


def welcomes_guests(text: str) -> bool:
    """Return whether a button or link lets a buyer go on without a login ("Continue as guest")."""
    return _GUEST.search(text) is not None
