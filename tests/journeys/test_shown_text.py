"""What a page shows is read wherever it stands: in the page, in shadow trees, and in frames where there is nothing else."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from journeys.shown_text import text_of, text_of_page

pytestmark = pytest.mark.browser

IN_A_TREE = "<div id=host>{light}</div><script>host.attachShadow({{mode: 'open'}}).innerHTML = `{inside}`</script>"
IN_TWO_TREES = (
    "<x-shop></x-shop><script>"
    "customElements.define('x-part', class extends HTMLElement {"
    " connectedCallback() { this.attachShadow({mode: 'open'}).innerHTML = '<h1>Checkout</h1>' } });"
    "customElements.define('x-shop', class extends HTMLElement {"
    " connectedCallback() { this.attachShadow({mode: 'open'}).innerHTML = '<p>Shop</p><x-part></x-part>' } });"
    "</script>"
)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<h1>Shop</h1><p>Six cities</p>", "Shop Six cities"),
        (IN_A_TREE.format(light="", inside="<h1>Shop</h1><p>Six cities</p>"), "Shop Six cities"),
        (IN_A_TREE.format(light="", inside="bare words"), "bare words"),
        (IN_A_TREE.format(light="<b>Buy</b>", inside="<p>Shop</p><slot></slot>"), "Buy Shop"),
        (IN_A_TREE.format(light="", inside="<slot><b>Nothing chosen</b></slot>"), "Nothing chosen"),
        (IN_A_TREE.format(light="", inside="<style>p { color: red }</style><p>Shop</p><p hidden>Gone</p>"), "Shop"),
        (IN_A_TREE.format(light="", inside="<p style=visibility:hidden>Gone</p><p>Shop</p>"), "Shop"),
        ("<div hidden>" + IN_A_TREE.format(light="", inside="<p>Gone</p>") + "</div><p>Shop</p>", "Shop"),
        ("<p>Shop</p>" + IN_TWO_TREES, "Shop Shop Checkout"),
        (IN_TWO_TREES, "Shop Checkout"),
        ("<iframe srcdoc='<h1>Shop</h1>'></iframe>", "Shop"),
        ("<p>Shop</p><iframe srcdoc='Are you a robot?'></iframe>", "Shop"),
        ("<iframe width=1 height=1 srcdoc='tracker'></iframe>", ""),
        ("<iframe hidden srcdoc='tracker'></iframe>", ""),
        ("", ""),
    ],
    ids=[
        "plain", "a tree", "bare words", "slotted", "what a slot falls back to", "hidden in a tree", "invisible in a tree",
        "a hidden host", "beside the page", "a tree in a tree", "a frame", "a frame beside text", "a tiny frame",
        "a hidden frame", "empty",
    ],
)  # fmt: skip
def test_what_a_page_shows_is_its_text(page: Page, markup: str, text: str) -> None:
    page.set_content(markup)
    assert " ".join(text_of_page(page, timeout_ms=10_000).split()) == text


def test_a_part_of_a_page_is_read_with_the_trees_in_it(page: Page) -> None:
    page.set_content(f"<p>Menu</p><main>{IN_TWO_TREES}</main>")
    assert text_of(page.locator("main"), timeout_ms=2000).split() == ["Shop", "Checkout"]
