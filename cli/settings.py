"""Reads what every command needs at its start: the configuration files, the secrets, and the output folders."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cli.command_error import complain
from config import (
    Complaint,
    ConfigError,
    Locations,
    Secret,
    read_document,
    read_secret,
    validate,
    with_settings,
)
from config.bounds import Address, Bounds
from config.folder import CONFIG, FILES, config_file, config_folder, misnamed_here, shipped_file, sources
from config.stripe_key import SOURCE_KEY as _SOURCE_KEY
from config.stripe_key import source_key
from facts.access import TOKEN_SHAPE
from journeys.registry import own_folder
from journeys.site import SHOP, Site
from redact.masking import KNOWN
from runner.attempt.limits import MEMORY_MB

_LIVE_KEY = re.compile(r"\b[rs]k_live_")
_LEAST_MEMORY_MB, _MOST_MEMORY_MB = 256, 1024**2
_TOKEN_BEGINS = re.compile(r"sfb_([a-z0-9][a-z0-9-]{0,63})_[!-~]{8,200}")
_EVIDENCE = Bounds(0.001, 1_000_000, "it is in gigabytes, like 20 or 0.5")
_HUB = Address("https://hub.example.com")
_STRIPE_STAND_IN = Address("http://127.0.0.1:12111")


def var_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for everything generated: `SIXFB_VAR`, else `var`."""
    return Path(environment.get("SIXFB_VAR", "") or "var")


def announce(*names: str) -> None:
    """Say on standard error which files a command reads, and warn of one whose name is not quite right. Raises ConfigError."""
    read = ", ".join(
        f"{name}: {place}" if place == "shipped defaults" else place for name, place in sources(*names).items()
    )
    own = journeys_folder() if "site.yaml" in names else None
    complain(f"reads {read}" + (f", journeys of {Path(own).absolute()}" if own else ""))
    for warning in misnamed_here(*names):
        complain(f"warning: {warning}")


def read_site(settings: list[str], *, base_url: str | None = None) -> Site:
    """Read `site.yaml`, with `KEY=VALUE` settings that override it. Raises ConfigError."""
    settings = [*settings, *([f"base_url={base_url}"] if base_url else [])]
    document = with_settings(read_document(config_file("site.yaml")), settings)
    overridden = frozenset(setting.partition("=")[0].strip() for setting in settings)
    site = validate(Site, document, overridden=overridden)
    KNOWN.learn(unquote(urlsplit(site.base_url).password or ""))
    return site


def read_locations() -> Locations:
    """Read `locations.yaml`. Raises ConfigError."""
    return validate(Locations, read_document(config_file("locations.yaml")))


def known_location(name: str) -> str:
    """Return the name if `locations.yaml` has it, or if it is `local`, which needs no entry. Raises ConfigError."""
    known = ["local", *read_locations().locations]
    if name not in known:
        what = f"no location named {name!r}"
        raise ConfigError(Complaint(file="--location", what=what, hint=f"locations.yaml has {', '.join(known[1:])}"))
    return name


def stripe_key(environment: Mapping[str, str] = os.environ, *, buys: bool = True) -> str | None:
    """Stripe's test-mode key for proof and clean-up, or None.

    Raises ConfigError for a live key, wherever it is set; only where nothing is bought (`buys` is false: the hub) may the
    source's be one.
    """
    for name, value in environment.items():
        if name.startswith("STRIPE_") and _LIVE_KEY.search(value) and (buys or name != _SOURCE_KEY):
            raise _live_key(name)
    if buys:
        _no_live_source(environment)
    secret = read_secret("STRIPE_SECRET_KEY", environment)
    if secret and _LIVE_KEY.search(secret.reveal()):
        raise _live_key("STRIPE_SECRET_KEY_FILE")
    if secret and not re.match(r"[rs]k_test_\w+$", secret.reveal()):
        raise ConfigError(
            Complaint(
                file="environment",
                key="STRIPE_SECRET_KEY",
                what="is no Stripe test key",
                hint="it begins with sk_test_ or rk_test_",
            )
        )
    return secret.reveal() if secret else None


def _no_live_source(environment: Mapping[str, str]) -> None:
    secret = read_secret(_SOURCE_KEY, environment)
    if secret and _LIVE_KEY.search(secret.reveal()):
        raise _live_key(f"{_SOURCE_KEY}_FILE")


def _live_key(name: str) -> ConfigError:
    what = "holds a live Stripe key, and no live key may be near a buyer that pays"
    return ConfigError(
        Complaint(file="environment", key=name, what=what, hint="use the test mode's sk_test_ or rk_test_ key")
    )


def memory_mb(environment: Mapping[str, str] = os.environ) -> int:
    """Return the memory limit of one run in MB, its browser included: `SIXFB_MEMORY_MB`, else 2048. Raises ConfigError."""
    text = environment.get("SIXFB_MEMORY_MB", "").strip()
    if not text:
        return MEMORY_MB
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < _LEAST_MEMORY_MB:
        what = f"{text!r:.80} is no number of megabytes from {_LEAST_MEMORY_MB} on"
        hint = "a purchase takes 300 to 550, so 2048 leaves room for a heavy page"
        raise ConfigError(Complaint(file="environment", key="SIXFB_MEMORY_MB", what=what, hint=hint))
    if int(text) > _MOST_MEMORY_MB:
        what = f"{text} megabytes are more than any machine has; {_MOST_MEMORY_MB:,} are the most"
        raise ConfigError(Complaint(file="environment", key="SIXFB_MEMORY_MB", what=what, hint="2048 is what is usual"))
    return int(text)


def evidence_bytes(default_gb: float, environment: Mapping[str, str] = os.environ) -> int:
    """Return how much evidence is kept, in bytes: `SIXFB_EVIDENCE_GB`, else the default. Raises ConfigError."""
    text = environment.get("SIXFB_EVIDENCE_GB", "").strip() or str(default_gb)
    return round(_EVIDENCE.read(text, key="SIXFB_EVIDENCE_GB") * 1024**3)


def hub_url(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return `SIXFB_HUB_URL` if it is set; a path in it is that of a hub behind a proxy. Raises ConfigError."""
    url = environment.get("SIXFB_HUB_URL", "").strip()
    if not url:
        return None
    wrong, hint = _HUB.wrong_with(url), None
    if wrong is None and re.search(r"/(api|dashboard|login)(/|$)", urlsplit(url).path):
        wrong = f"{url!r:.200} leads to one of the hub's pages"
        hint = "write the address that they begin with, like https://hub.example.com"
    if wrong:
        raise ConfigError(Complaint(file="environment", key="SIXFB_HUB_URL", what=wrong, hint=hint))
    return url


def runner_token(
    location: str | None = None, environment: Mapping[str, str] = os.environ, *, whole: bool = False
) -> Secret | None:
    """`SIXFB_TOKEN` or `SIXFB_TOKEN_FILE`, where it begins as a token does, and is this location's; `whole` asks for all of it.

    A runner leaves the rest to the hub, whose tokens may be longer one day than they are in this version. Raises ConfigError.
    """
    secret = read_secret("SIXFB_TOKEN", environment)
    if secret is None:
        return None
    match = (TOKEN_SHAPE if whole else _TOKEN_BEGINS).fullmatch(secret.reveal())
    what, hint = None, "`sixfb token create --location NAME` at the hub makes one, and prints it once"
    if match is None:
        what = "is no token: it is written sfb_<location>_<8 digits>_<64 digits>"
    elif location is not None and match[1] != location:
        what = f"is the token of {match[1]}, and this is {location}: the hub would refuse it"
    if what:
        raise ConfigError(Complaint(file="environment", key="SIXFB_TOKEN", what=what, hint=hint))
    return secret


def stripe_api_base(environment: Mapping[str, str] = os.environ) -> str | None:
    """`STRIPE_API_BASE`, the address of a stand-in for Stripe, where it is set. Raises ConfigError."""
    return _checked(_STRIPE_STAND_IN, "STRIPE_API_BASE", environment.get("STRIPE_API_BASE", "").strip())


def site_address(url: str | None) -> str | None:
    """Return the checked address of `--site`; None where the option is not given. Raises ConfigError."""
    return _checked(SHOP, "--site", url or "")


def _checked(form: Address, key: str, url: str) -> str | None:
    wrong = form.wrong_with(url) if url else None
    if wrong:
        file, inner = ("--site", None) if key == "--site" else ("environment", key)
        raise ConfigError(Complaint(file=file, key=inner, what=wrong))
    return url or None


def database_url(environment: Mapping[str, str] = os.environ) -> str | None:
    """The database's address, which holds a password: `DATABASE_URL` or `DATABASE_URL_FILE`. Raises ConfigError."""
    secret = read_secret("DATABASE_URL", environment)
    return secret.reveal() if secret else None


def journeys_folder(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the folder of journeys of one's own: `SIXFB_JOURNEYS`, else `journeys/` beside one's `site.yaml`; None where neither is.

    Raises ConfigError.
    """
    folder = own_folder(environment)
    return None if folder is None else str(folder)


__all__ = [
    "CONFIG",
    "FILES",
    "config_file",
    "config_folder",
    "misnamed_here",
    "shipped_file",
    "source_key",
    "sources",
]
