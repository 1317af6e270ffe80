"""What every command needs to know before it starts: the configuration files, the secrets, and where things go."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from config import (
    Complaint,
    ConfigError,
    Document,
    Locations,
    Secret,
    read_document,
    read_secret,
    validate,
    with_settings,
)
from journeys.site import Site
from runner.caps import MEMORY_MB

T = TypeVar("T")
_LIVE_KEY = re.compile(r"\b[rs]k_live_")
_SOURCE_KEY = "STRIPE_SOURCE_KEY"
_LEAST_MEMORY_MB = 256
_ROOT = Path(__file__).resolve().parent.parent


def config_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the YAML files are looked for first: `SIXFB_CONFIG`, else the current folder."""
    return Path(environment.get("SIXFB_CONFIG", "."))


def var_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where everything generated goes: `SIXFB_VAR`, else `var`."""
    return Path(environment.get("SIXFB_VAR", "var"))


def config_file(name: str) -> Path:
    """A configuration file by name: the operator's where there is one, else the one that ships with the product."""
    own = config_folder() / name
    return own if own.is_file() else shipped_file(name) or own


def shipped_file(name: str) -> Path | None:
    """The configuration file that ships with the product: beside the rooms in a checkout, inside `config` once installed."""
    return next((f for f in (_ROOT / name, _ROOT / "config" / "defaults" / name) if f.is_file()), None)


def read_site(settings: list[str], *, base_url: str | None = None) -> Site:
    """`site.yaml` with `KEY=VALUE` settings laid over it. Raises ConfigError."""
    settings = [*settings, *([f"base_url={base_url}"] if base_url else [])]
    document = with_settings(read_document(config_file("site.yaml")), settings)
    overridden = frozenset(setting.partition("=")[0].strip() for setting in settings)
    return validate(Site, document, overridden=overridden)


def read_locations() -> Locations:
    """`locations.yaml`. Raises ConfigError."""
    return validate(Locations, read_document(config_file("locations.yaml")))


def known_location(name: str) -> str:
    """The name, if `locations.yaml` has it or it is `local`, which every laptop is. Raises ConfigError."""
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
        raise ConfigError(_key_complaint("is no Stripe test key", "it begins with sk_test_ or rk_test_"))
    return secret.reveal() if secret else None


def source_key(environment: Mapping[str, str] = os.environ) -> Secret | None:
    """The key with which the hub reads Stripe's numbers, or None: restricted (`rk_live_`), or of test mode.

    Whether a restricted key can only read is Stripe's to say, and no call is made to find out. Raises ConfigError.
    """
    secret = read_secret(_SOURCE_KEY, environment)
    if secret is None or re.match(r"(rk_live|rk_test|sk_test)_\w+$", secret.reveal()):
        return secret
    if re.match(r"[sp]k_live_", secret.reveal()):
        what = "holds a live key that can do everything, and the hub only reads"
        hint = "make a restricted key (rk_live_) at Stripe that may read, and nothing else"
    else:
        what, hint = "is no Stripe key for reading", "it begins with rk_live_, rk_test_ or sk_test_"
    raise ConfigError(Complaint(file="environment", key=_SOURCE_KEY, what=what, hint=hint))


def _no_live_source(environment: Mapping[str, str]) -> None:
    secret = read_secret(_SOURCE_KEY, environment)
    if secret and _LIVE_KEY.search(secret.reveal()):
        raise _live_key(f"{_SOURCE_KEY}_FILE")


def _live_key(name: str) -> ConfigError:
    what = "holds a live Stripe key, and no live key may be near a buyer that pays"
    return ConfigError(
        Complaint(file="environment", key=name, what=what, hint="use the test mode's sk_test_ or rk_test_ key")
    )


def _key_complaint(what: str, hint: str) -> Complaint:
    return Complaint(file="environment", key="STRIPE_SECRET_KEY", what=what, hint=hint)


def memory_mb(environment: Mapping[str, str] = os.environ) -> int:
    """What one run may hold of memory, its browser included: `SIXFB_MEMORY_MB`, else 2048. Raises ConfigError."""
    text = environment.get("SIXFB_MEMORY_MB", "").strip()
    if not text:
        return MEMORY_MB
    if not text.isascii() or not text.isdigit() or int(text) < _LEAST_MEMORY_MB:
        what = f"{text!r} is no number of megabytes from {_LEAST_MEMORY_MB} on"
        hint = "a purchase takes 300 to 550, so 2048 leaves room for a heavy page"
        raise ConfigError(Complaint(file="environment", key="SIXFB_MEMORY_MB", what=what, hint=hint))
    return int(text)


def evidence_bytes(default_gb: float, environment: Mapping[str, str] = os.environ) -> int:
    """How much evidence is kept, in bytes: `SIXFB_EVIDENCE_GB`, else the default. Raises ConfigError."""
    text = environment.get("SIXFB_EVIDENCE_GB") or str(default_gb)
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1_000_000:
        complaint = Complaint(
            file="environment",
            key="SIXFB_EVIDENCE_GB",
            what=f"{text!r} is no size",
            hint="write gigabytes, like 20 or 0.5",
        )
        raise ConfigError(complaint)
    return round(value * 1024**3)


def database_url(environment: Mapping[str, str] = os.environ) -> str | None:
    """The database's address, which holds a password: `DATABASE_URL` or `DATABASE_URL_FILE`. Raises ConfigError."""
    secret = read_secret("DATABASE_URL", environment)
    return secret.reveal() if secret else None


def validated(shape: type[T], name: str) -> tuple[T, Document]:
    """A configuration file as the shape that reads it, together with the document. Raises ConfigError."""
    document = read_document(config_file(name))
    return validate(shape, document), document
