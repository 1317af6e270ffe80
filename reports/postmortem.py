"""Writes the draft of a post-mortem in Markdown: what is known about an incident, and the questions that people have to answer."""

from __future__ import annotations

import re

from reports.incident_story import IncidentData, first_good, headline, sentences, time_line
from reports.live.incident import costs, found_first, label_of, tiles
from reports.text import clean

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def escaped(text: str) -> str:
    """Return foreign text on one line, with what Markdown or HTML would act on made plain."""
    return _MARKDOWN.sub(r"\\\1", " ".join(clean(text).split()))


def postmortem(data: IncidentData, *, base_url: str = "") -> str:
    """Return the draft. `base_url` is where the hub is reached; links are left out where it is ""."""
    incident, story = data.story.incident, data.story
    begins, ends = data.span
    base = base_url.rstrip("/")
    here = data.zone
    title = escaped(headline(data, f"{begins.astimezone(here):%H:%M %Z}"))
    facts = [
        ("Severity", incident.severity.value),
        ("State", "open" if data.is_open else "resolved"),
        ("Began", f"{begins.astimezone(here):%a %-d %b %Y %H:%M:%S %Z}, the first bad run"),
        (
            "Ended",
            "not yet" if data.is_open else f"{ends.astimezone(here):%a %-d %b %Y %H:%M:%S %Z}, the first good run",
        ),
        *((tile.title, " · ".join(filter(None, (tile.value, tile.delta, tile.note)))) for tile in tiles(data)),
    ]
    if (found := found_first(data)) != "":
        facts.append(("Found before buyers did", found))
    if base:
        facts.append(("Page", f"{base}/incidents/{incident.id}"))
    lines = [
        f"# {label_of(incident.id)}: {title}",
        "",
        "> Draft, made from what the monitor stored. Complete the sections marked *to do*, and check each time.",
        "",
        "## Summary",
        "",
        escaped(sentences(data)),
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {escaped(value) if not value.startswith('http') else f'<{value}>'} |" for name, value in facts),
        "",
        "## What it cost the targets",
        "",
        *(
            [f"- {escaped(row.title)}: {escaped(row.said)}" for row in costs(data)]
            or ["No target has an error budget."]
        ),
        "",
        f"## Time line ({begins.astimezone(here):%Z})",
        "",
        "| Time | What | Detail |",
        "|---|---|---|",
    ]
    for entry in time_line(data):
        at = entry.at.astimezone(here)
        day = "" if at.date() == begins.astimezone(here).date() else f"{at:%-d %b} "
        due = " (due)" if entry.is_due else ""
        run = f" [run]({base}/runs/{entry.run})" if base and entry.run else ""
        lines.append(f"| {day}{at:%H:%M:%S} | {escaped(entry.title)}{due}{run} | {escaped(entry.detail)} |")
    good = first_good(data)
    lines += ["", "## Alerts", ""]
    for alert in story.alerts:
        lines.append(f"- {escaped(alert.title or alert.key)} ({alert.rule}, {alert.severity}, {alert.state})")
        if alert.runbook:
            lines.append(f"  - Runbook: {escaped(alert.runbook)}")
    lines += [
        "",
        "## Cause (to do)",
        "",
        f"- What failed, in the words of the run: {escaped(data.lead.cause) if data.lead and data.lead.cause else 'not known'}",
        f"- Deploy shortly before: {escaped(_deploy(data))}",
        f"- First good run: {escaped(good.run_id) if good else 'not known'}",
        "- Why could it happen?",
        "",
        "## What went well, and what did not (to do)",
        "",
        "- Was it found as early as it could be?",
        "- Did the right people hear of it?",
        "",
        "## Actions (to do)",
        "",
        "| Action | Who | By when |",
        "|---|---|---|",
        "| | | |",
        "",
    ]
    return "\n".join(lines)


def _deploy(data: IncidentData) -> str:
    deploy = data.deploy
    if deploy is None:
        return "none in the 30 minutes before"
    parts = [deploy.version, deploy.environment or "", f"by {deploy.by}" if deploy.by else "", deploy.note or ""]
    return ", ".join(part for part in parts if part)
