"""The labelled set: a file for each class, each fault with what a run has to say of it."""

from tests.blame.labelled import blocked, harmless, journey, network, pages, runner, shop, site, third_party
from tests.blame.stage import Case

CASES: tuple[Case, ...] = (
    *site.CASES,
    *network.CASES,
    *third_party.CASES,
    *journey.CASES,
    *runner.CASES,
    *blocked.CASES,
    *harmless.CASES,
    *pages.CASES,
    *shop.CASES,
)
CLASSES = ("site", "network", "third_party", "journey", "runner", "blocked", "passed")

__all__ = ["CASES", "CLASSES"]
