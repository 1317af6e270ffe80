"""Prints a page of the product as PDF, with the journeys' browser. The page runs no script and needs no network, and gets neither."""

from __future__ import annotations

from pathlib import Path

from cli.command_error import OUR_FAULT, CommandError

_WITHIN_MS = 30_000


def print_pdf(page: Path) -> Path:
    """Print an HTML file on A4 into a PDF beside it, within two minutes, and return its path.

    Raises:
        CommandError: there is no browser, or it could not print.
    """
    from playwright.sync_api import Error, sync_playwright

    from journeys.browser import BrowserMissingError, find_browser, launch_options, sandbox_wanted

    printed = page.with_suffix(".pdf")
    try:
        with sync_playwright() as playwright:
            found = find_browser(playwright.chromium.executable_path)
            options = {**launch_options(sandbox=sandbox_wanted()), **found.launch}
            browser = playwright.chromium.launch(timeout=_WITHIN_MS, **options)
            try:
                context = browser.new_context(java_script_enabled=False, offline=True, color_scheme="light")
                context.set_default_timeout(_WITHIN_MS)
                opened = context.new_page()
                opened.goto(page.resolve().as_uri())
                opened.pdf(path=printed, format="A4", print_background=True, prefer_css_page_size=True)
            finally:
                browser.close()
    except BrowserMissingError as error:
        raise CommandError(f"--pdf: {error}") from None
    except Error as error:
        first = str(error).strip().split("\n")[0]
        raise CommandError(f"--pdf: the browser could not print {page}: {first}", code=OUR_FAULT) from None
    return printed
