"""Writes the incidents as an RSS 2.0 feed."""

from __future__ import annotations

from email.utils import format_datetime
from xml.etree import ElementTree

from reports.status.summary import StatusSummary
from reports.status.words import sentence
from reports.text import clean

_MOST = 50


def feed(summary: StatusSummary, *, title: str, url: str) -> str:
    """Return the feed of the newest incidents; `url` is the address of the status page, to which the items link."""
    root = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(root, "channel")
    for tag, text in (("title", clean(title)), ("link", url), ("description", f"Incidents of {clean(title)}")):
        ElementTree.SubElement(channel, tag).text = text
    ElementTree.SubElement(channel, "lastBuildDate").text = format_datetime(summary.at)
    for incident in summary.incidents[:_MOST]:
        item = ElementTree.SubElement(channel, "item")
        ElementTree.SubElement(item, "title").text = f"{clean(incident.name)}: {incident.state.words.lower()}"
        ElementTree.SubElement(item, "link").text = f"{url}#{incident.began_at:%Y-%m-%d}"
        # The guid contains the end, so that feed readers show the incident again once it is over.
        ended = f"-{incident.ended_at:%Y%m%dT%H%M%SZ}" if incident.ended_at else ""
        ElementTree.SubElement(item, "guid", isPermaLink="false").text = f"{incident.id}{ended}"
        ElementTree.SubElement(item, "pubDate").text = format_datetime(incident.ended_at or incident.began_at)
        ElementTree.SubElement(item, "description").text = clean(sentence(incident))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
