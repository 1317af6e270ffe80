"""Draws a badge: the name of a component beside its state, for a README or a web page."""

from __future__ import annotations

from markupsafe import escape

from reports.status.summary import ComponentState
from reports.text import clean

_COLOURS = {
    ComponentState.OPERATIONAL: "#067647",
    ComponentState.DEGRADED: "#8f4a06",
    ComponentState.OUTAGE: "#b42318",
    ComponentState.MAINTENANCE: "#3a5a9b",
    ComponentState.UNKNOWN: "#59616e",
}
_LETTER = 6.6
"""About the width of a letter of 11 pixels; `textLength` makes the text fit where a font is wider."""


def badge(name: str, state: ComponentState) -> str:
    """Return the badge as SVG, with its words as its label."""
    left, right = clean(name)[:60], state.words.lower()
    widths = [round(len(text) * _LETTER) + 12 for text in (left, right)]
    total = sum(widths)
    texts = "".join(
        f'<text x="{x + 6}" y="14" textLength="{width - 12}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        for x, width, text in ((0, widths[0], left), (widths[0], widths[1], right))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{escape(left)}: {escape(right)}">'
        f'<rect width="{widths[0]}" height="20" fill="#3a4049"/>'
        f'<rect x="{widths[0]}" width="{widths[1]}" height="20" fill="{_COLOURS[state]}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{texts}</g></svg>\n'
    )
