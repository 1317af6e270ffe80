"""JSON as it is stored is decoded by one function, whoever wrote the text."""

from __future__ import annotations

import msgspec
import pytest

from store.json_text import decoded_as, from_json_text, json_text


class _Timed(msgspec.Struct):
    steps: dict[str, float]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ('{"steps": {"open": 1.5}, "requests": []}', {"open": 1.5}),
        (b'{"steps": {"open": 2}}', {"open": 2.0}),
        ('{"steps": {"half a pair \\ud83d": 1.0}}', {"half a pair \ud83d": 1.0}),
        ('{"steps": {"open": Infinity}}', {"open": float("inf")}),
    ],
)
def test_a_text_is_decoded_by_its_fields(text: str | bytes, steps: dict[str, float]) -> None:
    assert decoded_as(_Timed, text).steps == steps


@pytest.mark.parametrize("text", ['{"steps": 7}', "[]", "{}"])
def test_a_text_that_describes_something_else_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        decoded_as(_Timed, text)


@pytest.mark.parametrize("value", [{"a": [1, None, "\N{SNOWMAN}"]}, {"half a pair": "\ud83d"}, "text", 7])
def test_what_was_encoded_is_decoded_to_the_same(value: object) -> None:
    assert from_json_text(json_text(value)) == value
