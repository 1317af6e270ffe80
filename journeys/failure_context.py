"""Collects the context of a failed step: the page, its requests and exceptions, and the place in the journey's code."""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from playwright.sync_api import Error, Locator, Page

from journeys.asserted import asserted
from journeys.cause import explain, mark
from journeys.clock import Clock
from journeys.failed_call import FailedCall, failed_call
from journeys.failure import Failure, FailureContext, Thrown
from journeys.journey import Journey
from journeys.locator_words import found_by
from journeys.net_errors import is_the_sites
from journeys.recording import Recorder, SeenRequest, endpoint_of, origin_of
from journeys.reference import Reference, Sketch, is_another_page, says_something_new
from journeys.refusals import went_wrong
from journeys.shown_text import text_of, text_of_page
from journeys.steps import Steps
from journeys.waiting import Waiting
from journeys.walls import PUZZLE, is_login, is_login_heading, wall_said_by, welcomes_guests
from journeys.wording import as_known, cut

_GLANCE_MS = 100
_MOST_OFFERS = 6
# Name, password, and the button; a second field or button for those who forgot it.
_MOST_CONTROLS_OF_A_LOGIN = 5
# The name by which a person knows a control: what labels it, else what stands on it. Never what was typed into it.
_NAME = """
control => {
  const root = control.getRootNode();
  const words = label => {
    const copy = label.cloneNode(true);
    copy.querySelectorAll('input, select, textarea, button, style, script').forEach(inner => inner.remove());
    return copy.textContent;
  };
  const isField = control.matches('select, textarea, input:not([type=submit], [type=button], [type=reset], [type=image])');
  const ids = (control.getAttribute('aria-labelledby') || '').split(/\\s+/).filter(Boolean);
  const labels = ids.map(id => root.getElementById && root.getElementById(id)).filter(Boolean);
  const picture = control.querySelector('img[alt]');
  const name = labels.map(words).join(' ') || control.getAttribute('aria-label') || [...(control.labels || [])].map(words).join(' ')
    || (isField ? control.placeholder || control.title || control.name
      : control.innerText || control.value || control.title || control.alt || (picture && picture.alt))
    || '';
  return String(name).trim();
}
"""
_NAMES = f"controls => controls.map({_NAME})"
_CONTROL = """
control => {
  const role = control.getAttribute('role');
  const type = control.tagName === 'INPUT' ? control.type : '';
  const kind = role === 'button' || control.tagName === 'BUTTON' || ['submit', 'button', 'reset', 'image'].includes(type) ? 'button'
    : role === 'link' || control.tagName === 'A' ? 'link'
    : control.tagName === 'SELECT' || role === 'combobox' ? 'list'
    : ['checkbox', 'radio'].includes(type) ? type : ['INPUT', 'TEXTAREA'].includes(control.tagName) ? 'field' : '';
  return kind && [kind, (NAME)(control)];
}
""".replace("NAME", _NAME.strip())
# By the kind of control that was looked for: those that are alike.
_FIELDS = "input:not([type=hidden], [type=submit], [type=button], [type=reset], [type=image]), select, textarea, [role=textbox]"
_ALIKE = {
    "button": "button, [role=button], input[type=submit], input[type=button], input[type=image]",
    "link": "a[href], [role=link]",
    "heading": "h1, h2, h3, h4, h5, h6, [role=heading]",
    "checkbox": "input[type=checkbox], [role=checkbox]",
    "radio": "input[type=radio], [role=radio]",
    "tab": "[role=tab]",
    **dict.fromkeys(("field", "textbox", "searchbox", "spinbutton", "combobox", "listbox"), _FIELDS),
}
_LONGEST_NAME = 60
# The form that may be a login: the one with a password, else the only one with an e-mail address; and what stands beside it. What is on
# every page, such as a search and a newsletter, is no other way on. A modal dialog is all that can be used.
_LOGIN_FORM = """
body => {
  const seen = element => element.checkVisibility({ visibilityProperty: true });
  const within = root => selector => [...root.querySelectorAll(selector)].filter(seen);
  const modal = within(body)('dialog:modal, [aria-modal=true]')[0];
  const all = within(modal || body);
  const passwords = all('input[type=password]');
  const key = passwords[0] || all('input[type=email], input[autocomplete=username], input[name*=email i]')[0];
  if (!key) return null;
  const form = key.form || key.closest('form, [role=form], main, body') || body;
  const controls = 'button, [type=submit], input:not([type=hidden], [type=submit], [type=button], [type=checkbox]), select, textarea';
  const aside = 'header, footer, nav, [role=search], [role=navigation], form:has([type=search], [name=q], [name=s], [name*=search])';
  const others = all(controls).filter(control => control.form !== form && !form.contains(control) && !control.closest(aside));
  const words = elements => elements.map(element => (element.innerText || element.value || '').trim()).filter(Boolean).slice(0, 60);
  return {
    passwords: passwords.length,
    isNew: passwords.some(password => password.autocomplete === 'new-password'),
    own: all(controls).filter(control => control.form === form || form.contains(control)).length,
    others: others.length,
    headings: words(all('h1, h2, h3, [role=heading], legend')),
    ways: words(all('a[href], button, [type=submit], label, h1, h2, h3')),
  };
}
"""
# A frame of a stack that was written to the console: "    at pay (https://shop.example/app.js:12:3)".
_FRAME = re.compile(r"\s+at (?:[^\n]*?\()?(https?://[^\s)]+?):(\d+):\d+\)?")
# What lies over a control: the heading of the whole layer, else its first words; and the names of its own controls.
_COVER = """
element => {
  if (getComputedStyle(element).pointerEvents === 'none') return { words: '', controls: [] };
  const { x, y, width, height } = element.getBoundingClientRect();
  const at = [x + width / 2, y + height / 2];
  // Shadow trees are looked into, and a host is the parent of its tree.
  const parent = node => node.assignedSlot || node.parentElement || (node.getRootNode().host ?? null);
  const holds = (outer, inner) => { while (inner && inner !== outer) inner = parent(inner); return inner === outer; };
  let cover = document.elementFromPoint(...at);
  for (let inner; cover && cover.shadowRoot && (inner = cover.shadowRoot.elementFromPoint(...at)) && inner !== cover;) cover = inner;
  if (!cover || holds(element, cover)) return null;
  if (holds(cover, element)) {
    // A layer that a style sheet draws is no element: the one that it belongs to is hit.
    const drawn = ['::after', '::before'].map(part => getComputedStyle(cover, part).content).find(text => /^"/.test(text));
    return drawn === undefined ? null : { words: drawn.slice(1, -1) || 'a layer without words', controls: [] };
  }
  while (parent(cover) && !holds(parent(cover), element)) cover = parent(cover);
  // A consent manager puts its layer into a frame or a shadow tree.
  const inside = cover.shadowRoot || (cover.matches('iframe') && cover.contentDocument && cover.contentDocument.body) || cover;
  const heading = inside.querySelector('h1, h2, h3, h4, h5, h6, [role=heading]');
  const words = cover.getAttribute('aria-label') || cover.title || (heading && heading.innerText)
    || inside.innerText || inside.textContent || (inside.querySelector('img[alt]') || {}).alt || '';
  const name = control => (control.getAttribute('aria-label') || control.innerText || control.value || '').trim();
  const controls = [...inside.querySelectorAll('button, [role=button], input[type=submit], a[href]')].map(name).filter(Boolean);
  return { words: String(words).trim().split('\\n')[0].slice(0, 120) || 'a layer without words', controls: controls.slice(0, 4) };
}
"""
# The console's words for a request that failed, which stands among the requests already.
_NO_EXCEPTION = ("Failed to load resource", "Access to ", "Refused to ", "Mixed Content")
_SENTENCE = re.compile(r"\w+\W+\w+\W+\w+")
_CLOCK = re.compile(r"\d+(:\d+)+|\d+(?= (second|minute|hour)s?\b)")
_EXCEPTION = re.compile(r"\b(Uncaught|Unhandled|[A-Z]\w*Error\b|Error: |Minified React error|Hydration failed)")


class FailureObserver:
    """Sees the scene of a failure. `page_text` is what the page said then; empty before."""

    def __init__(
        self,
        page: Page,
        recorder: Recorder,
        waiting: Waiting,
        *,
        journey: Journey,
        steps: Steps,
        clock: Clock,
        has_credentials: bool = False,
    ) -> None:
        self._page, self._recorder, self._waiting = page, recorder, waiting
        self._journey, self._steps, self._clock = journey, steps, clock
        self._has_credentials = has_credentials
        self.page_text = ""
        self._said_before: set[str] = set()

    def explain(self, step: str, error: Exception, reference: Reference | None = None) -> Failure:
        """Return the failure that explains an error in a step, while the clock is paused."""
        over_deadline_s = self._journey.deadline_s if self._clock.is_late else None
        failed_at = self._recorder.clock()
        with self._clock.stopped():
            call = failed_call(error, self._page.context.pages)
            self._page = self._waiting.page = call.page or self._waiting.page
            scene = self._scene(step, error, call, over_deadline_s, reference or Reference())
            return explain(error, replace(scene, failed_at=failed_at), where=self._where(error))

    def turn_to(self, page: Page) -> None:
        """Observe another page from now on, because the journey continues in it."""
        self._page = page

    def _scene(
        self, step: str, error: Exception, call: FailedCall, over_deadline_s: float | None, reference: Reference
    ) -> FailureContext:
        self._hear_out(step)
        self.page_text = self._read_page()
        page, recorder = self._page, self._recorder
        first = recorder.is_the_sites(page.url)
        words = wall_said_by(self.page_text)
        document = recorder.document_of(page)
        began = document.began if document else 0.0
        known = self._known_pages(step, reference)
        is_another = is_another_page(self.page_text, known)
        cover, closers = self._cover(error, call.locator)
        offers, alike = self._offers(str(error))
        return FailureContext(
            step=step,
            requests=recorder.in_step(step),
            around=[r for r in recorder.requests if r.step != step and r.began >= began],
            survived=self._survived(self._steps.left_behind(step)) | reference.failed,
            usual=reference.failed,
            has_good_run=bool(reference.pages),
            is_another_page=is_another,
            excerpt=self._excerpt(() if is_another else known),
            offers=offers,
            alike=alike,
            control=self._control(call.locator),
            asserted=asserted(error) if isinstance(error, AssertionError) and not str(error).strip() else None,
            dialogs=[d for d in recorder.dialogs if d.step == step],
            cancelled=[d for d in recorder.cancelled if d.step == step],
            exceptions=self._thrown(),
            now=recorder.clock(),
            page=endpoint_of(page.url) if first else origin_of(page.url) or page.url,
            page_text=self.page_text,
            page_is_first=first,
            site_answered=any(r.party == "first" and is_the_sites(r.status) for r in recorder.requests),
            asks_to_log_in=first and self._asks_to_log_in(step),
            puzzled=self._puzzled(),
            crashed=recorder.crashed,
            walled=recorder.walled or (f"a bot wall says '{words}'" if words else None),
            over_deadline_s=over_deadline_s,
            all_requests=recorder.requests,
            cover=cover,
            closers=closers,
            tabs=self._other_tabs(step),
            has_credentials=self._has_credentials,
            site_origin=recorder.origin,
            options=self._options(error, call.locator),
        )

    def _survived(self, steps: Sequence[str]) -> frozenset[str]:
        """Return the failed requests and console lines of steps that were followed by a passed step, so they stopped no buyer."""
        failed = {mark(r) for r in self._recorder.requests if r.step in steps and r.is_suspect}
        return frozenset(failed | {line.text for line in self._recorder.console if line.step in steps})

    def _thrown(self) -> list[Thrown]:
        party = self._recorder.party_of
        thrown = [line for line in self._recorder.console if line.level == "exception"]
        logged = [line for line in self._recorder.console if line.level == "error" and is_exception(line.text)]
        return [
            *(Thrown(line.text, party(line.source or ""), place=self._thrown_in(line.text)) for line in thrown),
            *(
                Thrown(line.text, party(line.source or ""), caught=True, place=_logged_frame(line.text))
                for line in logged
            ),
        ]

    def _thrown_in(self, text: str) -> str | None:
        """Return path and line of the script that threw an exception, by its stack; None if the browser does not name them.

        The text is not searched: the site wrote it, and it may quote the frames of another stack.
        """
        url, _, line = self._recorder.thrown_at.get(text, "").rpartition(":")
        return f"{endpoint_of(url)}:{line}" if url else None

    def _other_tabs(self, step: str) -> list[SeenRequest]:
        """Return the documents of tabs that opened in a step, without the page on which the journey waited."""
        opened = {r.page for r in self._recorder.requests if r.is_main and r.step != step}
        own = [r for r in self._recorder.in_step(step) if r.is_main and r.page not in (None, self._page, *opened)]
        return list({id(r.page): r for r in own}.values())

    def _cover(self, error: Exception, locator: Locator | None) -> tuple[str | None, list[str]]:
        """Return the layer over the control that was to be clicked, and the names of that layer's own controls."""
        if locator is None or "intercepts pointer events" not in str(error):
            return None, []
        try:
            found = locator.first.evaluate(_COVER, timeout=_GLANCE_MS)
        except Error:
            return None, []
        return (str(found["words"]), list(map(str, found["controls"]))) if found else (None, [])

    def _options(self, error: Exception, locator: Locator | None) -> list[str]:
        if locator is None or "did not find some options" not in str(error):
            return []
        try:
            lines = locator.first.inner_text(timeout=_GLANCE_MS).splitlines()
            return [line.strip() for line in lines if line.strip()]
        except Error:
            return []

    def _asks_to_log_in(self, step: str) -> bool:
        """Whether a login stands in the place of what was expected, not just beside it.

        That is: its own address, to which the site sent the buyer; or a login on a page, or in a dialog that is modal, that offers
        nothing but its form. A form that also lets a guest go on, or that makes a new account, is no login.
        """
        document = self._recorder.document_of(self._page)
        if is_login(endpoint_of(self._page.url)) and (document is None or document.came_from or document.step == step):
            return True
        try:
            found = self._page.locator("body").evaluate(_LOGIN_FORM, timeout=_GLANCE_MS)
        except Error:
            return False
        if found is None or any(map(welcomes_guests, found["ways"])):
            return False
        has_heading = any(map(is_login_heading, found["headings"]))
        if found["passwords"] > 1 or found["isNew"] or (not found["passwords"] and not has_heading):
            return False
        return bool(found["own"] <= _MOST_CONTROLS_OF_A_LOGIN and found["others"] == 0)

    # Whatever is asked of a page here has a limit of its own: while a navigation is not answered, a plain count() waits for ever.
    def _is_there(self, selector: str) -> bool:
        try:
            self._page.locator(selector).filter(visible=True).first.wait_for(state="visible", timeout=_GLANCE_MS)
        except Error:
            return False
        return True

    def _puzzled(self) -> bool:
        """Whether the page shows a CAPTCHA. Its frame may also stand there hidden, and then asks nobody anything."""
        puzzles = {origin_of(frame.url) for frame in self._page.frames[1:] if PUZZLE.search(frame.url)}
        return any(self._is_there(f'iframe[src^="{origin}"]') for origin in puzzles if origin)

    def _hear_out(self, step: str) -> None:
        """Wait a moment for the body of a refused request, and for the page's alert about it."""
        with contextlib.suppress(Error):  # the browser may be gone, which is then what there is to tell
            for _ in range(5):
                awaited = [r for r in self._recorder.in_step(step) if r.status and r.status >= 400 and not r.ended]
                if self._recorder.crashed or not awaited:
                    break
                self._waiting.pump(100)
            self._waiting.pump(100)
        self._recorder.keep_answers(step)

    def _known_pages(self, step: str, reference: Reference) -> list[Sketch]:
        """Return the sketches of the pages that the last good run saw before and after a step."""
        before = [done for done in self._journey.steps if done in reference.pages]
        at = before.index(step) if step in before else len(before)
        return [reference.pages[name] for name in before[max(0, at - 1) : at + 1]]

    def remember(self, text: str) -> None:
        """Remember what a page said that a step ended on: what it said already is no news on a later page."""
        self._said_before |= {_folded(line) for line in text.splitlines()}

    def _excerpt(self, known: Sequence[Sketch]) -> str:
        """Return what is new in the main part of the page: since the last good run, else since the last step; else all of it.

        A cart or a list of steps at the top of every page would leave no room for the line that says why.
        """
        text = self._main_part()
        lines = text.splitlines()
        fresh = [line for line in lines if says_something_new(line, known)]
        if fresh:
            return "\n".join(fresh)
        new = [line for line in lines if _folded(line) not in self._said_before]
        return "\n".join(new) if any(_SENTENCE.search(line) for line in new) else text

    def _main_part(self) -> str:
        """Return what the main part of the page says: without menus and lists to choose from, which are on every page."""
        main = self._text_of("main:visible, [role=main]:visible")
        if main:
            return main
        around = "nav, [role=navigation], header, footer, select"
        aside = {line.strip() for text in self._texts_of(around) for line in text.splitlines()}
        rest = [line for line in self.page_text.splitlines() if line.strip() and line.strip() not in aside]
        # A list of languages or a question about cookies stands before the page's own heading, and what went wrong may too.
        heading = next(iter(self._texts_of("h1:visible")), "").strip().partition("\n")[0]
        if heading in rest:
            at = rest.index(heading)
            rest = [line for line in rest[:at] if went_wrong(line)] + rest[at:]
        return "\n".join(rest) or self.page_text

    def _offers(self, message: str) -> tuple[list[str], list[str]]:
        """Return the names of the buttons or links there are, where one was looked for; and those of any other kind of control."""
        looked = re.search(r"waiting for (.+?)(?: to be \w+)?\s*(?:\n|$)", message)
        kind, name = found_by(looked[1]) if looked else (None, None)
        # A heading that is not there is told by what the page says; only one without a name leaves nothing to look for.
        if kind not in _ALIKE or (kind == "heading" and name) or "locator resolved to" in message:
            return [], []
        if not self.page_text:
            return [], []  # it did not even tell its text: to ask a page that hangs has no limit of its own
        try:
            told = self._page.locator(f":is({_ALIKE[kind]}):visible").evaluate_all(_NAMES)
        except Error:
            return [], []
        names = dict.fromkeys(cut(name, _LONGEST_NAME) for name in map(str, told) if name.strip())
        nearest = _nearest(list(names), name or "")
        return (nearest, []) if kind in ("button", "link") else ([], nearest)

    def _control(self, locator: Locator | None) -> str | None:
        """Return the page's own name of a control that was found by a selector and could not be used."""
        if locator is None or not self.page_text:
            return None
        try:
            found = locator.first.evaluate(_CONTROL, timeout=_GLANCE_MS)
        except Error:
            return None
        return f'the {found[0]} "{cut(str(found[1]), _LONGEST_NAME)}"' if found and found[1] else None

    def _text_of(self, selector: str) -> str:
        try:
            return text_of(self._page.locator(selector).first, timeout_ms=_GLANCE_MS).strip()
        except Error:
            return ""

    def _texts_of(self, selector: str) -> list[str]:
        if not self.page_text:
            return []  # it did not even tell its text: to ask a page that hangs has no limit of its own
        try:
            return self._page.locator(selector).all_inner_texts()
        except Error:
            return []

    def _read_page(self) -> str:
        try:
            return text_of_page(self._page, timeout_ms=2000)
        except Error:
            return ""

    def _where(self, error: BaseException) -> str | None:
        """Return `file:line` of the journey's code through which the error was raised."""
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if f.filename == self._journey.file]
        return f"{as_known(own[-1].filename)}:{own[-1].lineno}" if own else None


def _nearest(names: list[str], wanted: str) -> list[str]:
    """Return as many names as are told, in the page's order: where there are more, those that are most like the wanted one."""
    by_likeness = sorted(names, key=lambda name: -SequenceMatcher(None, name.lower(), wanted.lower()).ratio())
    kept = set(by_likeness[:_MOST_OFFERS])
    return [name for name in names if name in kept]


def _folded(line: str) -> str:
    """Return a line of a page without what changes by itself, its clocks; a price that is another one is news."""
    return " ".join(_CLOCK.sub("0", line).split())


def _logged_frame(text: str) -> str | None:
    """Path and line of the first frame of a stack that was written to the console; None where there is none."""
    frame = _FRAME.search(text)
    return f"{endpoint_of(frame[1])}:{frame[2]}" if frame else None


def is_exception(text: str) -> bool:
    """Return whether a console line holds an exception that somebody caught, and not the echo of a failed request."""
    return not text.startswith(_NO_EXCEPTION) and bool(_EXCEPTION.search(text))
