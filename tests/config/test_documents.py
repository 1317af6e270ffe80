"""YAML is read within limits: what is hostile or surprising is a sentence at once, and never a wrong value."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from config import ConfigError, read_document, with_settings
from config.documents import MOST_BYTES, Document, parse_document
from config.files import UnreadableFileError, read_json

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 9)}]}}\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (BOMB, "repeat so much that there are more than 10,000 keys and values"),
        (MERGES, "repeat so much that there are more than 10,000 keys and values"),
        ("a: &a [*a]", "an alias (`*name`) stands within what it repeats"),
        ("a: &a {<<: *a}", "an alias (`*name`) stands within what it repeats"),
        (f"a: &a x\nb: [{'*a, ' * 101}]", "f:2: b: holds more than 100 aliases"),
        (f"a: {'[' * 100_000}", "f:1: a: is nested more than 20 levels deep"),
        ("\n".join(" " * depth + "a:" for depth in range(400)), "is nested more than 20 levels deep"),
        (f"a: [{'1,' * 20_000}]", "holds more than 10,000 keys and values"),
        (f"a: {'x' * MOST_BYTES}", "characters long; at most 262,144 are read"),
        (f"? {'k' * 500}\n: 1", "a key of 500 characters begins here; 200 are the most"),
        (
            "a: !!python/object/apply:os.system [id]",
            "f:1: a: the tag 'tag:yaml.org,2002:python/object/apply:os.system'",
        ),
        ("a: !!binary aGk=", "the tag 'tag:yaml.org,2002:binary' is not read here"),
        ("a: !!timestamp 2025-01-01", "the tag 'tag:yaml.org,2002:timestamp' is not read here"),
        ("a: !secret b", "the tag '!secret' is not read here"),
        ("a: 1\n---\nb: 2", "f:2: a: a second document begins here (`---`); one is read"),
        ("a:\n\tb: 1", "(indent with spaces, not with tabs)"),
        ("a: {b: 1, b: 2}", "f:1: a.b: stands here and at line 1"),
        ("x: [{b: 1, b: 2}]", "f:1: x.0.b: stands here and at line 1"),
        ("1: a", 'f:1: 1: YAML reads this key as a number (write "1" in quotes if that is its name)'),
        ("NO: oslo", "YAML reads this key as true or false"),
        ("~: a", "YAML reads this key as nothing (null)"),
        ("[a, b]: c", "a key is a list or a mapping, and no name"),
        ("a: \x00", "control characters are not allowed"),
        ("a: \ud800", "malformed YAML"),
        ("a: *nowhere", "found undefined alias"),
    ],
)
def test_hostile_or_mistaken_yaml_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_document(text, file="f")
    assert sentence in str(refused.value)


def test_every_bad_key_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        parse_document("a: 1\na: 2\n1: x\nb: {c: 1, c: 2}", file="f")
    assert [complaint.line for complaint in refused.value.complaints] == [2, 3, 4]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2025-01-01", "2025-01-01"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("12_000", "12_000"),
        ("1:30", "1:30"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("=", "="),
        ("9" * 5000, "9" * 5000),
        ("12", 12),
        ("-3", -3),
        ("+5", 5),
        ("1e9", 1e9),
        ("1.50", 1.5),
        ("-0.0", 0.0),
        ("yes", True),
        ("~", None),
        ("'12'", "12"),
        ("!!str 12", "12"),
    ],
)
def test_a_value_means_what_a_reader_expects(text: str, value: Any) -> None:
    found = parse_document(f"a: {text}", file="f").data["a"]
    assert (found, type(found), str(found)) == (value, type(value), str(value))


def test_aliases_and_merges_of_a_usual_size_are_read() -> None:
    document = parse_document("x: &base {a: 1}\ny: {<<: *base, b: 2}\nz: *base", file="f")
    assert document.data == {"x": {"a": 1}, "y": {"a": 1, "b": 2}, "z": {"a": 1}}


def test_a_setting_is_read_within_the_same_limits() -> None:
    with pytest.raises(ConfigError, match="--set: city: the tag"):
        with_settings(Document("site.yaml", {}), ["city=!!python/name:os.system"])
    assert with_settings(Document("site.yaml", {}), ["card.postal_code=01234"]).data == {
        "card": {"postal_code": "01234"}
    }
    assert with_settings(Document("site.yaml", {}), ["city=a: [b"]).data == {"city": "a: [b"}


def test_what_is_no_ordinary_file_is_named_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "broken.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.yaml"))
        kinds = {
            "pipe": "is a named pipe (FIFO)",
            "folder": "is a folder",
            "loop": "is a loop of symbolic links",
            "broken": f"is a symbolic link to {tmp_path / 'nowhere'}, and nothing is there",
            "device": "is a device",
            "socket": "is a socket",
        }
        for name, words in kinds.items():
            with pytest.raises(ConfigError) as refused:
                read_document(tmp_path / f"{name}.yaml")
            assert f"{name}.yaml: {words}" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no settings"),
        (b"# nothing yet\n", "holds no settings"),
        ("a: ü".encode("utf-16"), "is UTF-16 text, and not UTF-8"),
        ("a: ü".encode("utf-32"), "is UTF-32 text, and not UTF-8"),
        (b"a: 1\nb: \xff\n", "is not UTF-8 text: byte 0xff in line 2"),
        (b"a: " + b"x" * MOST_BYTES, "at most 262,144 are read"),
    ],
)
def test_a_file_of_the_wrong_content_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "site.yaml").write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        read_document(tmp_path / "site.yaml")
    assert words in str(refused.value)


def test_a_file_of_twenty_megabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "site.yaml").open("wb") as file:
        file.truncate(20_000_000)
    with pytest.raises(ConfigError, match=r"is 20,000,000 bytes large; at most 262,144 are read"):
        read_document(tmp_path / "site.yaml")


def test_a_byte_order_mark_of_utf_8_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_document(tmp_path / "site.yaml").data == {"a": 1}


def test_json_of_ours_is_read_within_limits_too(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"a": 1}))
    assert read_json(file, most_bytes=100) == {"a": 1}
    for text, words in (("[" * 90, "is not JSON"), ("x" * 101, "at most 100 are read")):
        file.write_text(text)
        with pytest.raises(UnreadableFileError, match=words):
            read_json(file, most_bytes=100)
