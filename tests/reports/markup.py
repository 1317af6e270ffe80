"""HTML taken apart with the standard library, so that a test can ask what is really in a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Element:
    """One start tag with its attributes."""

    tag: str
    attributes: dict[str, str]


@dataclass
class Document:
    """`text` is everything between tags except the style sheet's, with white space folded."""

    elements: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element of that name."""
        return [element.attributes for element in self.elements if element.tag == tag]

    def links(self) -> list[str]:
        """Every address that a click would open."""
        return [a["href"] for a in self.all("a")]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.document = Document()
        self._texts: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.document.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self._texts.append(data)

    def close(self) -> None:
        super().close()
        self.document.text = " ".join(" ".join(self._texts).split())


def parsed(html: str) -> Document:
    """A page taken apart."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.document
