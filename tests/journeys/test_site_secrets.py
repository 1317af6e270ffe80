"""A site's secrets come from files of the machine where the buyer is, and from no other folder than they may."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import ConfigError
from journeys.site import Site
from journeys.site_secrets import folders_of_secrets, site_secrets


def a_site(**facts: object) -> Site:
    return Site(base_url="https://shop.example", cities={"Dallas": "dallas"}, **facts)  # type: ignore[arg-type]


def test_both_kinds_are_read(tmp_path: Path) -> None:
    (tmp_path / "basic").write_text("me:pass\n")
    (tmp_path / "key").write_text("letmein\n")
    site = a_site(basic_auth_file=str(tmp_path / "basic"), header_files={"X-Key": str(tmp_path / "key")})
    basic, headers = site_secrets(site, within=[tmp_path])
    assert basic is not None
    assert (basic.reveal(), headers["X-Key"].reveal()) == ("me:pass", "letmein")


def test_a_plan_cannot_have_a_file_sent_that_is_no_secret_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "other").write_text("private")
    (tmp_path / "secrets" / "link").symlink_to(tmp_path / "other")
    for file in (tmp_path / "other", tmp_path / "secrets" / ".." / "other", tmp_path / "secrets" / "link"):
        with pytest.raises(ConfigError, match="SIXFB_SECRETS"):
            site_secrets(a_site(header_files={"X": str(file)}), within=[tmp_path / "secrets"])


@pytest.mark.parametrize(("content", "says"), [("nocolon", "user:password"), ("a:b\nX-Other: c", "more than one line")])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "basic").write_text(content)
    with pytest.raises(ConfigError, match=says):
        site_secrets(a_site(basic_auth_file=str(tmp_path / "basic")))


def test_the_folders_are_a_setting() -> None:
    assert folders_of_secrets({}) == (Path("/run/secrets"),)
    assert folders_of_secrets({"SIXFB_SECRETS": "/a:/b"}) == (Path("/a"), Path("/b"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("käse", "holds 'ä', which no header can carry"),
        ("a\nb", "more than one line"),
    ],
)
def test_a_header_file_that_holds_no_header_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "key").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"header_files\.X-Key") as refused:
        site_secrets(a_site(header_files={"X-Key": str(tmp_path / "key")}), within=[tmp_path])
    assert said in str(refused.value)


def test_a_login_may_have_any_letters_and_must_not_be_empty(tmp_path: Path) -> None:
    (tmp_path / "login").write_text("müller:käse", encoding="utf-8")
    basic, _ = site_secrets(a_site(basic_auth_file=str(tmp_path / "login")))
    assert basic is not None
    (tmp_path / "login").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        site_secrets(a_site(basic_auth_file=str(tmp_path / "login")))
