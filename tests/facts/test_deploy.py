"""Which deploy a failure is said to come after, and in which words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from facts import Deploy, after_deploy, deploy_before
from tests.builders import A_MOMENT


def a_deploy(minutes_ago: float, version: str = "4f2a1", environment: str | None = "production") -> Deploy:
    at = A_MOMENT - timedelta(minutes=minutes_ago)
    return Deploy(id=f"{version}-{minutes_ago}", at=at, version=version, received_at=at, environment=environment)


@pytest.mark.parametrize(
    ("minutes_ago", "says"),
    [
        (2, "2 minutes after deploy 4f2a1 to production"),
        (2.9, "2 minutes after deploy 4f2a1 to production"),
        (1, "1 minute after deploy 4f2a1 to production"),
        (0.5, "30 seconds after deploy 4f2a1 to production"),
        (1 / 60, "1 second after deploy 4f2a1 to production"),
        (0, "during deploy 4f2a1 to production"),
        (-0.5, "during deploy 4f2a1 to production"),
        (30, "30 minutes after deploy 4f2a1 to production"),
        (30.1, None),
        (-1.1, None),
    ],
)
def test_a_failure_comes_after_a_deploy_of_the_30_minutes_before_it(minutes_ago: float, says: str | None) -> None:
    found = deploy_before([a_deploy(minutes_ago)], A_MOMENT)
    assert (after_deploy(found, A_MOMENT) if found else None) == says


def test_of_several_deploys_the_last_one_before_it_is_named() -> None:
    some = [a_deploy(20, "1"), a_deploy(3, "3"), a_deploy(5, "2"), a_deploy(-5, "4")]
    found = deploy_before(some, A_MOMENT)
    assert found is not None
    assert after_deploy(found, A_MOMENT) == "3 minutes after deploy 3 to production"
    assert deploy_before([], A_MOMENT) is None


def test_a_deploy_without_an_environment_names_none() -> None:
    assert after_deploy(a_deploy(2, environment=None), A_MOMENT) == "2 minutes after deploy 4f2a1"
