"""Reads what a person answered to an SMS: acknowledge, escalate or help, and which incident is meant. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class ReplyAction(StrEnum):
    """The action that a reply requests."""

    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    HELP = "help"
    """It asks for help, or says something else."""
    STOP = "stop"
    """Twilio itself ends the messages to this phone, and answers."""


ACKNOWLEDGE_WORDS = ("ack", "acknowledge", "acknowledged", "1", "ok", "okay", "got it", "on it", "mine", "👍")
ESCALATE_WORDS = ("esc", "escalate", "2")
_STOP_WORDS = ("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "start", "yes", "unstop")
"""Words that Twilio acts on itself. https://help.twilio.com/articles/223134027"""
_LONGEST = 200
_ACTIONS = {
    **dict.fromkeys(ACKNOWLEDGE_WORDS, ReplyAction.ACKNOWLEDGE),
    **dict.fromkeys(ESCALATE_WORDS, ReplyAction.ESCALATE),
}
_CODE = re.compile(r"(?P<words>.*?)[ #]*(?:inc[- ]?)?(?P<code>[0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Holds the action that a reply requests, and the number of the incident that it names, or None."""

    action: ReplyAction
    number: int | None = None


def read_reply(text: str) -> Reply:
    """Return what the text of an SMS asks for: `ack`, `ACK 7`, `1 inc-7`, `got it!`, `esc 7`; anything else asks for help.

    A number alone is a word (`1`, `2`), never an incident: `7` acknowledges nothing.
    """
    said = " ".join(text[:_LONGEST].casefold().replace("'", "").split()).strip(' .,;:!?"()[]')
    if said in _STOP_WORDS:
        return Reply(action=ReplyAction.STOP)
    if said in _ACTIONS:
        return Reply(action=_ACTIONS[said])
    found = _CODE.fullmatch(said)
    action = _ACTIONS.get(found["words"].strip(" .,;:!?-")) if found is not None else None
    if found is None or action is None:
        return Reply(action=ReplyAction.HELP)
    return Reply(action=action, number=int(found["code"]))


def code_of(incident: str) -> str:
    """Return the short code by which a reply names an incident: `7` for `inc-7`."""
    return incident.rpartition("-")[2]
