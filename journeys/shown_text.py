"""Reads what a page shows as text, also inside shadow trees, and inside frames where the page itself shows nothing."""

from __future__ import annotations

import contextlib

from playwright.sync_api import Error, Frame, Locator, Page

_LONGEST = 4096
_FRAME_MS = 200
_MOST_FRAMES = 5
# A frame that is smaller shows nobody a page: those of analytics, chats and payments stand hidden on many.
_SMALLEST_FRAME_PX = 100

# innerText leaves shadow trees out, and a shop made of web components is nothing else. Each tree follows the one that holds it.
_IN_SHADOW_TREES = """
(top, longest) => {
  const texts = [];
  let length = 0;
  const add = text => { text = text.trim(); if (text) { texts.push(text); length += text.length; } };
  const read = element => {
    if (getComputedStyle(element).display === 'contents') [...element.children].forEach(read);
    else if (element.checkVisibility({ visibilityProperty: true })) add(element.innerText || '');
  };
  const walk = root => {
    for (const element of root.querySelectorAll('*')) {
      if (length > longest) return;
      const inside = element.shadowRoot;
      if (!inside) continue;
      for (const node of inside.childNodes) {
        if (node.nodeType === Node.TEXT_NODE) { if (element.checkVisibility()) add(node.data); }
        else if (node.nodeType === Node.ELEMENT_NODE) read(node);
      }
      walk(inside);
    }
  };
  if (top.shadowRoot) walk({ querySelectorAll: () => [top] });
  walk(top);
  return texts.join('\\n');
}
"""


def text_of_page(page: Page, *, timeout_ms: float) -> str:
    """Return the start of what a page shows; where it shows no text of its own, what its frames show.

    Raises:
        Error: Playwright's; the page is gone, or does not answer within `timeout_ms`.
    """
    text = text_of(page.locator("body"), timeout_ms=timeout_ms)
    if not text.strip():
        text = "\n".join(filter(None, map(_text_of_frame, page.frames[1 : _MOST_FRAMES + 1])))
    return text[:_LONGEST]


def text_of(locator: Locator, *, timeout_ms: float) -> str:
    """Return what an element shows, with the open shadow trees in it. Raises Playwright's Error, as `text_of_page`."""
    # First the call that has a limit of its own: a script in a page that hangs has none.
    own = locator.inner_text(timeout=timeout_ms)
    inside = str(locator.evaluate(_IN_SHADOW_TREES, _LONGEST, timeout=timeout_ms))
    return "\n".join(filter(None, (own.strip(), inside)))


def _text_of_frame(frame: Frame) -> str:
    with contextlib.suppress(Error):
        box = frame.frame_element().bounding_box()
        if box and min(box["width"], box["height"]) >= _SMALLEST_FRAME_PX:
            return text_of(frame.locator("body"), timeout_ms=_FRAME_MS)
    return ""
