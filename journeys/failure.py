"""Defines a failed step: its kind, its sentence, and the observations from which `cause.py` derives both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facts import Dialog
    from journeys.recording import SeenRequest


class Kind(StrEnum):
    """The kind of fact that a failure is based on; the blame follows from it."""

    ANSWERED = "answered"
    """The site answered 400 or more."""
    SILENT = "silent"
    """The site took the request and gave no answer, or broke off in the middle of one."""
    SHOWN = "shown"
    """The page showed, or the site charged, what it should not."""
    UNREACHED = "unreached"
    """No HTTP answer, because the way to the site failed: name, route or connection."""
    THREW = "threw"
    """A script of the site threw, and what the buyer waited for did not come."""
    THIRD_PARTY = "third_party"
    LIMITED = "limited"
    """The site answered 429 to ourselves."""
    WALLED = "walled"
    """A bot wall or a CAPTCHA."""
    MISSING = "missing"
    """A control was not where the journey looks for it, and nothing says why."""
    CRASHED = "crashed"
    """The page's renderer crashed."""
    BROWSER_GONE = "browser_gone"
    UNBOOKED = "unbooked"
    """Our own ledger cannot be written, and nothing is bought that is not in it."""
    SETUP = "setup"
    """Something of ours is not as it must be: a key that is refused, a machine out of memory."""
    SCRIPT = "script"
    """The journey's own code raised."""
    DEADLINE = "deadline"
    """The journey as a whole took longer than it may, and nothing else says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed step: its kind, the sentence for people, and `file:line` of the journey's code.

    `step` is None where the journey failed outside its steps: the step before it has passed, and is not to blame.
    `late`: the journey's own time had run out, whatever it was that took so long.
    """

    step: str | None
    kind: Kind
    sentence: str
    where: str | None = None
    late: bool = False


class VisitFailed(Exception):  # noqa: N818 - an outcome, not an error
    """A step failed; `failure` names the step and the reason."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


class SiteBroken(Exception):  # noqa: N818 - what a page object says when the shop is, not an error of ours
    """The page or the amount is wrong in a way that a buyer would notice. `kind` decides who is responsible."""

    def __init__(self, what: str, *, kind: Kind = Kind.SHOWN) -> None:
        super().__init__(what)
        self.what = what
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Thrown:
    """An exception of a page; `party` is `first`, or the origin of the third party whose script threw it.

    `caught`: a framework caught it and wrote it to the console. `place` is the script's path and line; None where they are not known.
    """

    text: str
    party: str = "first"
    caught: bool = False
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureContext:
    """Holds everything that is known at the moment a step failed.

    `requests` are the failed step's, `around` those that the page on show had made before it. `now` is on the clock of the
    requests. `page_is_first` tells whose page it was; `site_answered` whether the site gave any answer in this attempt.
    `survived` are the marks (`cause.mark`) of failures that came earlier and kept no step from passing, `usual` those of the
    last good run, if there was one (`has_good_run`). `is_another_page`: the page has next to nothing in common with the one that
    stood there in that run.
    `all_requests` are those of the whole attempt. `excerpt` is the main part of the page's text,
    `offers` names the controls there are of the kind that was looked for where that is a button or a link, `alike` those of any
    other kind, `cover` what lies over the control that was to be clicked, `closers` the names of that layer's own controls, and
    `options` are those of the list that was to be chosen from. `control` is what the page calls the control that was found
    (`the field "E-mail"`). `failed_at` is when the step failed, on the clock of the requests: `now` is a moment later, for
    refused calls are heard out. `tabs` are the documents of tabs that opened in the step and in which the journey did not look.
    `cancelled` are the questions among `dialogs` that were answered with Cancel. `asserted` is the code of the
    journey's bare `assert` that failed, with its values.
    `has_credentials`: `site.yaml` names a login or a secret header. `site_origin` is the origin of its `base_url`.
    """

    step: str
    requests: Sequence[SeenRequest]
    dialogs: Sequence[Dialog]
    exceptions: Sequence[Thrown]
    now: float
    page: str
    page_text: str
    page_is_first: bool
    around: Sequence[SeenRequest] = ()
    survived: frozenset[str] = frozenset()
    site_answered: bool = False
    asks_to_log_in: bool = False
    puzzled: bool = False
    crashed: bool = False
    walled: str | None = None
    over_deadline_s: float | None = None
    all_requests: Sequence[SeenRequest] = ()
    usual: frozenset[str] = frozenset()
    has_good_run: bool = False
    is_another_page: bool = False
    excerpt: str = ""
    offers: Sequence[str] = ()
    alike: Sequence[str] = ()
    cover: str | None = None
    closers: Sequence[str] = ()
    options: Sequence[str] = ()
    control: str | None = None
    asserted: str | None = None
    cancelled: Sequence[Dialog] = ()
    failed_at: float | None = None
    tabs: Sequence[SeenRequest] = ()
    has_credentials: bool = False
    site_origin: str = ""
