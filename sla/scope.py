"""What is judged at all: why an alert is about nothing that is watched any more. That is never said of what has no data. Pure."""

from __future__ import annotations

from facts import Family
from sla.index import HistoryIndex
from sla.kind import About
from sla.targets import Targets, kind_of


def why_closed(about: About, targets: Targets, index: HistoryIndex) -> str | None:
    """Return why an alert has to be closed, and none begins, as half a sentence; None where its rule and what it is about are
    watched."""
    rule = targets.rules().get(about.rule)
    if rule is None:
        return f"there is no rule {about.rule} any more"
    if not rule.enabled:
        return f"rule {about.rule} is switched off in sla.yaml"
    if about.traits is not None and about.traits.kind not in ("", rule.kind):
        return f"rule {about.rule} judges something else now: its kind is {rule.kind} in sla.yaml"
    if about.journey is not None and about.journey not in index.journeys():
        return f"journey {about.journey} is not on the plan in locations.yaml any more"
    kind = kind_of(rule)
    if (reason := kind.why_closed(about, rule, index)) is not None:
        return reason
    traits = kind.traits(rule, about.subject)
    # What a source measures may be of places that no journey is bought from (the hub's own): its rule says what is listed.
    planned = traits.family is not Family.BUSINESS
    if planned and (location := traits.location_bound) is not None and location not in index.all_locations():
        return f"location {location} is not on the plan in locations.yaml any more"
    return None
