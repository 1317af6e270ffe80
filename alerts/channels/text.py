"""Pieces of text that several channels need."""

from __future__ import annotations

import unicodedata

from alerts.message import Message, duration

GSM_SEGMENT = 160
"""How many characters one SMS holds."""
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("^{}\\[~]|€")
"""Characters of the extension table: they count as two."""
_SAID_OTHERWISE = {
    "…": "...",
    "–": "-",
    "—": "-",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "·": "-",
    "•": "-",
    "`": "'",
    "\t": " ",
}


def cut(text: str, most: int) -> str:
    """Return the text, with an ellipsis in place of its end if it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def one_line(text: str) -> str:
    """Return the text with every run of white space as one blank."""
    return " ".join(text.split())


def marked(message: Message, text: str) -> str:
    """Return the text with the mark of a demo or a test before it."""
    return f"[{message.mark}] {text}" if message.mark else text


def facts_of(message: Message) -> list[str]:
    """Return what stands below a message, in words: severity, what was counted and left out, how long it lasted, the deploy
    before it, the money at risk, and how it is acknowledged where no link says so."""
    found = [message.incident, message.severity.value]
    if message.counted:
        found.append(f"counted: {', '.join(message.counted)}")
    if message.left_out:
        found.append(f"left out: {'; '.join(message.left_out)}")
    if message.lasted_s is not None:
        found.append(f"lasted {duration(message.lasted_s)}")
    if message.deploy:
        found.append(message.deploy)
    if message.at_risk:
        found.append(f"money at risk: {message.at_risk}")
    if message.acknowledge and not any(link.url == message.acknowledge for link in message.links):
        found.append(f"acknowledge: {message.acknowledge}")
    return found


def runbook_url(message: Message) -> str | None:
    """Return the runbook's address; None if it is a path within the documentation."""
    runbook = message.runbook or ""
    return runbook if runbook.startswith(("https://", "http://")) else None


def gsm(text: str, most: int = GSM_SEGMENT) -> str:
    """Return the text in the GSM 03.38 alphabet, `most` septets at most, its end as three dots where it is longer.

    What the alphabet has not is said otherwise: without its accent, by plain quotes and dashes, else as `?`. Characters of the
    extension table count as two. https://www.etsi.org/deliver/etsi_ts/123000_123099/123038/
    """
    said = "".join(_in_gsm(character) for character in one_line(text))
    if septets(said) <= most:
        return said
    kept, left = "", most - 3
    for character in said:
        left -= septets(character)
        if left < 0:
            break
        kept += character
    return kept.rstrip() + "..."


def septets(text: str) -> int:
    """Return how many septets a text of the GSM alphabet has."""
    return sum(2 if character in _GSM_TWICE else 1 for character in text)


def _in_gsm(character: str) -> str:
    if character in _GSM or character in _GSM_TWICE:
        return character
    if character in _SAID_OTHERWISE:
        return _SAID_OTHERWISE[character]
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if c in _GSM or c in _GSM_TWICE)
    return plain or "?"
