"""Reads the key with which the hub reads Stripe's numbers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from config.complaints import Complaint, ConfigError
from config.secrets import Secret, read_secret

SOURCE_KEY = "STRIPE_SOURCE_KEY"


def source_key(environment: Mapping[str, str] = os.environ) -> Secret | None:
    """The key with which the hub reads Stripe's numbers, or None: restricted (`rk_live_`), or of test mode.

    Whether a restricted key can only read is Stripe's to say, and no call is made to find out. Raises ConfigError.
    """
    secret = read_secret(SOURCE_KEY, environment)
    if secret is None or re.match(r"(rk_live|rk_test|sk_test)_\w+$", secret.reveal()):
        _refuse_a_live_key_for_a_stand_in(secret, environment)
        return secret
    if re.match(r"[sp]k_live_", secret.reveal()):
        what = "holds a live key that can do everything, and the hub only reads"
        hint = "make a restricted key (rk_live_) at Stripe that may read, and nothing else"
    else:
        what, hint = "is no Stripe key for reading", "it begins with rk_live_, rk_test_ or sk_test_"
    raise ConfigError(Complaint(file="environment", key=SOURCE_KEY, what=what, hint=hint))


def _refuse_a_live_key_for_a_stand_in(secret: Secret | None, environment: Mapping[str, str]) -> None:
    if secret is not None and "_live_" in secret.reveal() and environment.get("STRIPE_API_BASE", "").strip():
        what = "holds a live key, and STRIPE_API_BASE would have it sent to a stand-in"
        raise ConfigError(
            Complaint(file="environment", key=SOURCE_KEY, what=what, hint="unset STRIPE_API_BASE, or use a test key")
        )
