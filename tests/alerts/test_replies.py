"""What a person means by the text of an SMS."""

from __future__ import annotations

import pytest

from alerts.replies import Reply, ReplyAction, code_of, read_reply

ACK, ESC, HELP, STOP = ReplyAction.ACKNOWLEDGE, ReplyAction.ESCALATE, ReplyAction.HELP, ReplyAction.STOP


@pytest.mark.parametrize(
    ("text", "action", "number"),
    [
        ("ack", ACK, None),
        ("ACK", ACK, None),
        ("  Ack.\n", ACK, None),
        ("1", ACK, None),
        ("ok!", ACK, None),
        ("Got it", ACK, None),
        ("👍", ACK, None),
        ("ack 7", ACK, 7),
        ("Ack #7", ACK, 7),
        ("ack inc-7", ACK, 7),
        ("ACK INC-7.", ACK, 7),
        ("ack7", ACK, 7),
        ("1 7", ACK, 7),
        ("got it 12", ACK, 12),
        ("esc", ESC, None),
        ("2", ESC, None),
        ("escalate 7", ESC, 7),
        ("2 7", ESC, 7),
        ("help", HELP, None),
        ("?", HELP, None),
        ("", HELP, None),
        ("7", HELP, None),
        ("12", HELP, None),
        ("who is this", HELP, None),
        ("do not ack 7", HELP, None),
        ("ack 7 8", HELP, None),
        ("ack -7", ACK, 7),
        ("ack 9999999999", HELP, None),
        ("ack ٧", HELP, None),
        ("STOP", STOP, None),
        ("unsubscribe", STOP, None),
        ("x" * 100_000, HELP, None),
        ("1" * 5_000, HELP, None),
    ],
)
def test_a_reply_is_read_as_a_person_means_it(text: str, action: ReplyAction, number: int | None) -> None:
    assert read_reply(text) == Reply(action=action, number=number)


def test_the_code_of_an_incident_is_its_number() -> None:
    assert code_of("inc-42") == "42"
