"""What hub and runner keep is their owner's alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from process.private_files import Tightened, private_file, private_folder, tighten
from tests.databases import a_migrated_store


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


def open_to_all(folder: Path, name: str) -> Path:
    """A file that anybody may read, in a folder that anybody may look into."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.parent.chmod(0o755)
    file.write_bytes(b"x")
    file.chmod(0o644)
    return file


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_what_was_open_is_closed_once_and_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "hub"
    files = [open_to_all(folder, name) for name in ("sixfb.db", "sixfb.db-wal", "evidence/ab/abcd", "backup/old.db")]
    folder.chmod(0o755)
    assert tighten(folder) == Tightened(closed=8, open=0)
    assert [mode(file) for file in files] == [0o600] * 4
    assert [mode(path) for path in (folder, folder / "evidence", folder / "evidence" / "ab")] == [0o700] * 3
    assert tighten(folder) == Tightened(closed=0, open=0)


def test_in_a_folder_that_was_closed_what_lies_at_its_top_is_looked_at(tmp_path: Path) -> None:
    file = open_to_all(tmp_path / "hub", "sixfb.db")
    (tmp_path / "hub").chmod(0o700)
    assert tighten(tmp_path / "hub").closed == 1
    assert mode(file) == 0o600


def test_a_link_leads_to_no_file_that_is_changed_elsewhere(tmp_path: Path) -> None:
    elsewhere = open_to_all(tmp_path / "elsewhere", "file")
    (tmp_path / "hub").mkdir(mode=0o755)
    (tmp_path / "hub" / "link").symlink_to(elsewhere)
    (tmp_path / "hub" / "folder").symlink_to(elsewhere.parent)
    tighten(tmp_path / "hub")
    assert mode(elsewhere) == 0o644
    assert mode(elsewhere.parent) == 0o755


def test_one_name_can_be_spared(tmp_path: Path) -> None:
    key = open_to_all(tmp_path / "hub", "secret.key")
    tighten(tmp_path / "hub", spare="secret.key")
    assert mode(key) == 0o644


def test_what_cannot_be_closed_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "hub"
    open_to_all(folder, "sixfb.db")

    def refuse(_path: Path, _mode: int) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "chmod", refuse)
    assert tighten(folder) == Tightened(closed=0, open=2)


def test_a_folder_that_is_there_keeps_its_mode_and_a_new_one_is_closed(tmp_path: Path) -> None:
    private_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700
    there = tmp_path / "there"
    there.mkdir()
    there.chmod(0o755)
    private_folder(there)
    assert mode(there) == 0o755


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_a_database_is_closed_with_the_files_beside_it_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with a_migrated_store(None, tmp_path / "hub") as store, store.write():
            found = {path.name: mode(path) for path in (tmp_path / "hub").iterdir()}
        assert found == {"sixfb.db": 0o600, "sixfb.db-wal": 0o600, "sixfb.db-shm": 0o600}
        assert mode(tmp_path / "hub") == 0o700
        url = f"sqlite:///{tmp_path}/own.db"
        with a_migrated_store(url, tmp_path):
            assert mode(tmp_path / "own.db") == 0o600
    finally:
        os.umask(before)


def test_a_file_that_was_open_is_closed_before_it_is_written_to(tmp_path: Path) -> None:
    file = open_to_all(tmp_path, "spool.db")
    private_file(file)
    assert mode(file) == 0o600
    assert file.read_bytes() == b"x"


def test_a_folder_that_is_named_where_a_file_belongs_stays_open(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    private_file(shared)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777


def test_a_folder_that_many_programs_share_is_left_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "of-another-program").write_text("x")
    (shared / "of-another-program").chmod(0o644)
    shared.chmod(0o1777)
    assert tighten(shared) == Tightened(closed=0, open=1)
    assert (stat.S_IMODE(shared.stat().st_mode), mode(shared / "of-another-program")) == (0o1777, 0o644)
