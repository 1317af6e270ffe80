"""Secrets in every form they may take."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import unicodedata
from urllib.parse import quote, quote_plus

import pytest

from redact import Scrubber

SECRET = 'p@ss "word"/+ü&1234'


FORMS = {
    "raw": SECRET,
    "json": json.dumps(SECRET),
    "json utf-8": json.dumps(SECRET, ensure_ascii=False),
    "json in json": json.dumps(json.dumps(SECRET)),
    "json, every character": "".join(f"\\u{ord(c):04X}" for c in SECRET),
    "script": "".join(f"\\x{ord(c):02x}" for c in SECRET),
    "url": quote(SECRET, safe=""),
    "url, small letters": re.sub("%..", lambda m: m[0].lower(), quote(SECRET, safe="")),
    "url, twice": quote(quote(SECRET, safe=""), safe=""),
    "url, in part": SECRET.replace("@", "%40").replace("ü", "%c3%BC"),
    "url, every byte": "".join(f"%{byte:02X}" for byte in SECRET.encode()),
    "form": quote_plus(SECRET),
    "html": html.escape(SECRET),
    "html, numbers": "".join(f"&#{ord(c)};" for c in SECRET),
    "html, hexadecimal": "".join(f"&#x{ord(c):X};" for c in SECRET),
    "html in json": json.dumps(html.escape(SECRET)),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64url": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "in basic auth": base64.b64encode(b"user:" + SECRET.encode()).decode(),
    "inside base64": base64.b64encode(b"x" + SECRET.encode() + b"tail").decode(),
    "base64 in an address": quote(base64.b64encode(b"xy" + SECRET.encode()).decode(), safe=""),
    "hexadecimal": SECRET.encode().hex(),
    "HEXADECIMAL": SECRET.encode().hex().upper(),
    "white space": SECRET.replace(" ", "\n  "),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_a_secret_is_masked_in_any_form(form: str) -> None:
    masked, count = Scrubber([SECRET]).mask(f"before {form} after")
    assert form not in masked
    assert "***" in masked
    assert count == 1
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_a_secret_is_found_in_bytes_in_any_form_wherever_the_pieces_are_cut(form: str) -> None:
    data = b"\xff\x00" * 600_000 + form.encode()
    scrubber = Scrubber([SECRET])
    for begin in (1 << 20, (1 << 20) - 3, (1 << 20) - len(form) // 2):
        assert scrubber.finds_in(io.BytesIO(data[len(data) - len(form) - begin :] + b"tail"))
    assert not scrubber.finds_in(io.BytesIO(data[: -len(form)]))


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be"])
def test_a_secret_is_found_in_utf_16(codec: str) -> None:
    assert Scrubber([SECRET]).finds(b"odd" + SECRET.encode(codec))


@pytest.mark.parametrize("form", ["raw", "url", "html", "json"])
def test_the_beginning_of_a_secret_is_masked_where_an_excerpt_was_cut(form: str) -> None:
    text = "an excerpt of the page: " + FORMS[form].strip('"')
    whole = len(text) - len("an excerpt of the page: ")
    for left in range(whole // 2 + 1, whole):
        masked, _ = Scrubber([SECRET]).mask(text[: len(text) - whole + left])
        assert masked == "an excerpt of the page: ***", left


@pytest.mark.parametrize(
    "number", ["9876 5432 1098 7654", "9876-5432-1098-7654", "9876+5432+1098+7654", "98765 43210987654"]
)
def test_digits_are_found_in_groups(number: str) -> None:
    assert Scrubber(["9876543210987654"]).mask(number) == ("***", 1)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("Zoë-Müller", "ZOË-MÜLLER"),
        ("ZOË-MÜLLER", "zoë-müller"),
        ("Straße-Neun", "STRASSE-NEUN"),
        ("пароль", "ПАРОЛЬ"),
        ("Zoë-Müller", unicodedata.normalize("NFD", "Zoë-Müller")),
        (unicodedata.normalize("NFD", "Zoë-Müller"), "Zoë-Müller"),
        ("Zoë-Müller", "Zoe-Muller"),
        ("O'Brien-12", "O’Brien-12"),
        ("hunter-two", "hunter\u2011two"),
        ("hunter-two", "hun\u00adter-two"),
        ("reader@example.com", "reader\u200b@example.com"),
        ("Jane Roe", "Jane\u00a0Roe"),
        ("Jane Roe", "Jane\u2009\nRoe"),
    ],
)
def test_a_word_is_found_as_pages_write_it(secret: str, shown: str) -> None:
    masked, count = Scrubber([secret]).mask(f"Dear {shown}, welcome")
    assert (masked, count) == ("Dear ***, welcome", 1)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("GB82WEST12345698765432", "GB82 WEST 1234 5698 7654 32"),
        ("GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432"),
        ("ABCD1234EFGH", "abcd-1234-efgh"),
        ("ABCD-1234-EFGH", "ABCD\u20131234\u2013EFGH"),
        ("ABCD-1234-EFGH", "ABCD<b>1234</b>EFGH"),
        ("SW1A-2AA-99", "SW1A 2AA 99"),
        ("123456", "123.456"),
        ("123456", "123\u2013456"),
        ("123456", "123\u202f456"),
        ("5558675309", "555|867|5309"),
        ("5558675309", "555:867:5309"),
        ("5558675309", "555, 867, 5309"),
    ],
)
def test_a_code_is_found_in_groups_of_any_kind(secret: str, shown: str) -> None:
    assert Scrubber([secret]).mask(f"no. {shown} is yours") == ("no. *** is yours", 1)


@pytest.mark.parametrize("between", [" ", "  ", "\n", "\n\n", "\u00a0", "\u2009", "-", " · ", " | ", "\t", "_"])
@pytest.mark.parametrize("secret", ["4242", "90417", "A1b2", "sesame", "hunter-two", "Zoë-Müller", "Jane Roe"])
def test_a_secret_is_found_where_each_letter_stands_apart(secret: str, between: str) -> None:
    shown = between.join(secret.replace(" ", ""))
    assert Scrubber([secret]).mask(f"code: {shown}.") == ("code: ***.", 1)


@pytest.mark.parametrize("secret", ["4242", "90417", "sesame"])
def test_a_secret_is_found_where_each_letter_is_in_an_element_of_its_own(secret: str) -> None:
    shown = "".join(f'<span class="digit">{letter}</span>\n' for letter in secret)
    masked, count = Scrubber([secret]).mask(f"<p>{shown}</p>")
    assert (masked, count) == ('<p><span class="digit">***</span>\n</p>', 1)


@pytest.mark.parametrize(
    ("secret", "other"),
    [
        ("4242", "14\n2\n4\n2"),
        ("4242", "4\n2\n4\n20"),
        ("4242", "4, 2, 4, 2"),
        ("4242", "42 at $42.00"),
        ("sesame", "s e s a m"),
        ("sesame", "a glass e s a m e"),
        ("ABCD1234EFGH", "ABCD 1234 EFGX"),
        ("ABCD1234EFGH", "ABCD and 1234 and EFGH"),
        ("correcthorse", "correct horse"),
        ("hunter-two", "hunters two"),
        ("123456", "123, 456"),
    ],
)
def test_what_only_looks_like_a_code_stays(secret: str, other: str) -> None:
    assert Scrubber([secret]).mask(other) == (other, 0)


def test_what_a_secret_is_not_stays_as_it_was() -> None:
    text = "100% of &amp; C:\\temp\\u00e4 %zz é \ud800 *** p@ss"
    assert Scrubber([SECRET]).mask(text) == (text, 0)


def test_a_password_that_is_one_of_our_words_does_not_unmake_the_record() -> None:
    record = {"status": "failed", "location": "us-failed", "error": "it failed"}
    assert Scrubber(["failed"]).mask_all(record) == ({**record, "error": "it ***"}, 1)


@pytest.mark.parametrize(
    "number",
    [
        "4929000000006",
        "4539 1488 0343 6467",
        "5425-2334-3010-9903",
        "374245455400126",
        "3742 454554 00126",
        "4539+1488+0343+6467",
        "4539%201488%200343%206467",
        "6304 0000 0000 0000 000",
    ],
)
def test_a_real_card_is_masked_though_nobody_named_it(number: str) -> None:
    masked, count = Scrubber([]).mask(f"card {number}.")
    assert (masked, count) == ("card ***.", 1)


def test_a_card_is_found_behind_other_digits() -> None:
    assert Scrubber([]).mask("1234 4539 1488 0343 6467")[0] == "1234 ***"


@pytest.mark.parametrize(
    "text", ["4242 4242 4242 4242", "order 1763912345671", "4539148803436468", "1.4539148803436467", "0000000000000000"]
)
def test_test_cards_and_other_numbers_stay(text: str) -> None:
    assert Scrubber([]).mask(text) == (text, 0)


def test_all_strings_of_a_record_are_masked() -> None:
    masked, count = Scrubber(["hunter2"]).mask_all({"a": ["x hunter2", 5], "b": {"c": "hunter2hunter2"}})
    assert (masked, count) == ({"a": ["x ***", 5], "b": {"c": "******"}}, 3)
