"""Derives from the numbers the sentence at the top of a report, and what to do, most urgent first."""

from __future__ import annotations

from facts import NO_TRAITS, Severity
from reports.periodic.data import ReportData, Story, Stretch, Tally, together
from reports.periodic.report import Action
from reports.periodic.sections.availability import LEAST_COVERAGE, coverage_of, state_of
from reports.periodic.sections.incidents import lasted, ordered, title_of
from reports.periodic.wording import length, moment, share
from reports.words import count, journey_title, listed

_MOST_NAMED = 3
_SILENT_SHARE = 0.05


def sentence(data: ReportData) -> tuple[str, str]:
    """Return one sentence about the period, and its tone."""
    now, when = data.now, _when(data.now)
    whole = together(now.tallies)
    passed = (
        f"{share(whole.good / whole.n)} of {count(whole.n, 'test run')} passed"
        if whole.n
        else "no test run said anything"
    )
    if not whole.n and not now.stories:
        return f"Nothing is known {when}: no planned run has a result.", "warn"
    stopping = [story for story in ordered(now) if _stops(story)]
    if stopping:
        longest = max(stopping, key=lambda story: lasted(story, now.ends))
        also = (
            f", the longest for {length(lasted(longest, now.ends))}"
            if len(stopping) > 1
            else f" for {length(lasted(longest, now.ends))}"
        )
        if len(stopping) == 1:
            times = "once"
        elif len(stopping) == 2:
            times = "twice"
        else:
            times = f"{len(stopping)} times"
        return f"Buyers could not buy {times} {when}{also} ({title_of(longest)}); {passed}.", "bad"
    if now.stories:
        critical = any(story.incident.severity is Severity.CRITICAL for story in now.stories)
        worst = title_of(ordered(now)[0])
        told = f"There {'was' if len(now.stories) == 1 else 'were'} {count(len(now.stories), 'incident')} {when}"
        return (
            f"{told}, and none kept buyers from buying as far as was measured ({worst}); {passed}.",
            "bad" if critical else "warn",
        )
    missed = [journey_title(t.journey) for t in _missed(data)]
    if missed:
        return f"No incident {when}, but {listed(missed)} missed the target; {passed}.", "warn"
    coverage = coverage_of(whole)
    if coverage is not None and coverage < LEAST_COVERAGE:
        return (
            f"No incident was seen {when}, but only {share(coverage)} of the planned runs said anything; of these {passed}.",
            "warn",
        )
    return f"Buyers could buy {when}, as far as test purchases show: {passed}.", "good"


def actions(data: ReportData) -> list[Action]:
    """Return what to do about the period."""
    found = [*_about_incidents(data), *_about_targets(data), *_about_coverage(data), *_about_sources(data)]
    return found or [Action(text="Nothing to do.", tone="mute")]


def _about_incidents(data: ReportData) -> list[Action]:
    now, found = data.now, []
    stories = ordered(now)
    still = [story for story in stories if story.incident.resolved_at is None]
    for story in still[:_MOST_NAMED]:
        found.append(Action(text=f"{title_of(story)}: still open ({story.incident.id}). Resolve it.", tone="bad"))
    untold = [story for story in stories if story.incident.severity is Severity.CRITICAL and not story.destinations]
    if untold:
        ids = listed([story.incident.id for story in untold[:_MOST_NAMED]])
        text = f"Nobody was told of {ids}. Run `sixfb alerts test`, and mend what it names."
        found.append(Action(text=text, tone="bad"))
    alone = [s for s in stories if s.incident.severity is Severity.CRITICAL and s.destinations and s.acked_at is None]
    if alone:
        ids = listed([story.incident.id for story in alone[:_MOST_NAMED]])
        text = (
            f"Nobody acknowledged {count(len(alone), 'critical incident')} ({ids}). "
            "Ask who was on call, and whether the messages reached them."
        )
        found.append(Action(text=text, tone="warn"))
    over = [story for story in stories if story.incident.resolved_at is not None and _stops(story)]
    for story in over[:_MOST_NAMED]:
        text = (
            f"{title_of(story)} on {moment(story.span(now.ends)[0], now.period.zone)} for {length(lasted(story, now.ends))} "
            f"({story.incident.id}). Write down its cause, and what prevents it from now on, in its post-mortem."
        )
        found.append(Action(text=text, tone="warn"))
    review = [alert for alert in now.alerts if alert.needs_review and alert.acked_at is None]
    if review:
        names = listed([alert.title or alert.rule for alert in review[:_MOST_NAMED]])
        found.append(Action(text=f"Look at {names}: somebody has to review it.", tone="bad"))
    return found


def _missed(data: ReportData) -> list[Tally]:
    journeys = [data.now.of_journey(journey) for journey in data.now.journeys()]
    return [t for t in journeys if state_of(t.good, t.n, data.success_target).tone == "bad"]


def _about_targets(data: ReportData) -> list[Action]:
    found = []
    for tally in _missed(data):
        worst = min((t for t in data.now.tallies if t.journey == tally.journey and t.n), key=lambda t: t.good / t.n)
        passed, there = share(tally.good / tally.n), share(worst.good / worst.n)
        text = f"{journey_title(tally.journey)} passed {passed} of the time; start with {worst.location} ({there})."
        found.append(Action(text=text, tone="bad"))
    missed = [one for one in data.now.promises if one.off is None and one.is_missed]
    for one in missed:
        found.append(
            Action(
                text=f"{one.title}: {share(one.share)} where {share(one.target)} is promised. See its incidents below.",
                tone="bad",
            )
        )
    return found


def _about_coverage(data: ReportData) -> list[Action]:
    found = []
    for tally in data.now.tallies:
        lost = tally.unknown + tally.missed
        if tally.expected and lost > _SILENT_SHARE * tally.expected:
            name = journey_title(tally.journey)
            text = (
                f"{name} at {tally.location}: {lost:,} of {tally.expected:,} planned runs were not made or not sent. "
                "See that its runner runs (`sixfb runs list`, the page Jobs)."
            )
            found.append(Action(text=text))
    return found[:6]


def _about_sources(data: ReportData) -> list[Action]:
    broken = [source for source in data.sources if source.off is None and source.error]
    return [
        Action(text=f"The source {source.name} fails: {source.error}. `sixfb sources test {source.name}` tries it.")
        for source in broken
    ]


def off_sources(data: ReportData) -> list[Action]:
    """Return a line for each source that is not connected, so that its numbers are unknown."""
    return [
        Action(text=f"No numbers come from the source {source.name}: {source.off}.", tone="mute")
        for source in data.sources
        if source.off is not None
    ]


def _stops(story: Story) -> bool:
    traits = [alert.traits or NO_TRAITS for alert in story.alerts]
    return any(one.journey_fails for one in traits) or story.lost is not None


def _when(stretch: Stretch) -> str:
    words = {"day": "on", "week": "in", "month": "in", "quarter": "in", "year": "in"}[stretch.period.kind.value]
    so_far = "" if stretch.is_over else " so far"
    return f"{words} {stretch.period.title}{so_far}"
