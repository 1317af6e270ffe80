"""What a checkout session is said to be, and whose affair it is where nobody can tell."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import cast

import pytest

from journeys.asking import Answer
from journeys.checkout_session import read_session
from journeys.failure import Kind
from journeys.visit import Visit


def a_visit(answer: Answer) -> Visit:
    visit = SimpleNamespace(stripe=None, off_the_clock=nullcontext, ask=lambda *_args, **_query: answer)
    return cast("Visit", visit)


@pytest.mark.parametrize(
    ("said", "whose"),
    [
        ("APIRequestContext.get: unable to verify the first certificate", Kind.SETUP),
        ("APIRequestContext.get: self-signed certificate in certificate chain", Kind.SETUP),
        ("APIRequestContext.get: unable to get local issuer certificate", Kind.SETUP),
        ("APIRequestContext.get: certificate has expired", Kind.SHOWN),
        ("APIRequestContext.get: connect ECONNREFUSED 127.0.0.1:1", Kind.SHOWN),
    ],
)
def test_a_certificate_that_only_the_browser_trusts_is_our_own_affair(said: str, whose: Kind) -> None:
    session = read_session(a_visit(Answer(status=None, said=said)), "cs_test_1")
    assert session.whose is whose
    assert said in (session.error or "")
    assert ("NODE_EXTRA_CA_CERTS" in (session.error or "")) is (whose is Kind.SETUP)
