"""What an earlier life left is swept up, and nothing that a living program answers for, or that cannot be proved ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from facts import from_wire, to_wire
from runner.attempt.orphans import FolderOwners, SeenProcesses, make_folder, scratch_of, sweep, temporary
from runner.attempt.process_tree import process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="marks name processes as Linux does")
IDLE = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def idle() -> Iterator[subprocess.Popen[bytes]]:
    """A process that an attempt may have left."""
    child = subprocess.Popen(IDLE)
    yield child
    child.kill()
    child.wait()


def change(folder: Path, **facts: object) -> None:
    mark = from_wire(FolderOwners, json.loads((folder / ".run").read_text()))
    (folder / ".run").write_text(json.dumps(to_wire(replace(mark, **facts))))  # type: ignore[arg-type]


def a_dead_supervisors(scratch: Path, *left: subprocess.Popen[bytes]) -> Path:
    """The folder of an attempt whose supervisor is dead: its id has another process now, which began at another time."""
    folder = make_folder(scratch)
    SeenProcesses(folder).record(p for child in left if (p := process(child.pid)))
    change(folder, supervisor=(os.getpid(), 1))
    return folder


def test_what_a_dead_supervisor_left_is_ended_and_removed(tmp_path: Path, idle: subprocess.Popen[bytes]) -> None:
    folder = a_dead_supervisors(tmp_path, idle)
    swept = sweep(tmp_path)
    assert (swept.processes, swept.folders) == (1, 1)
    assert idle.wait(5) == -9
    assert not folder.exists()


def test_a_process_is_known_by_its_temporary_folder_where_nobody_has_written_it_down(tmp_path: Path) -> None:
    folder = a_dead_supervisors(tmp_path)
    with subprocess.Popen(IDLE, env={**os.environ, "TMPDIR": str(folder)}) as unwritten:
        assert sweep(tmp_path).processes == 1
        assert unwritten.wait(5) == -9


def test_what_a_living_supervisor_answers_for_stays(tmp_path: Path, idle: subprocess.Popen[bytes]) -> None:
    folder = make_folder(tmp_path)
    SeenProcesses(folder).record(p for p in [process(idle.pid)] if p)
    assert sweep(tmp_path, exclusive=True).folders == 0
    assert folder.exists()
    assert idle.poll() is None


def test_a_supervisor_that_outlived_its_runner_is_ended_with_what_it_has(
    tmp_path: Path, idle: subprocess.Popen[bytes]
) -> None:
    folder = make_folder(tmp_path)
    alive = process(idle.pid)
    assert alive is not None
    change(folder, supervisor=(alive.pid, alive.started), owner=(1, 1))
    assert sweep(tmp_path).processes == 1
    assert idle.wait(5) == -9


def test_an_id_that_another_process_has_now_is_left_alone(tmp_path: Path, idle: subprocess.Popen[bytes]) -> None:
    folder = a_dead_supervisors(tmp_path)
    (folder / ".processes").write_text(f"{idle.pid} 12345\n")
    assert sweep(tmp_path).processes == 0
    assert idle.poll() is None


def test_ids_of_another_boot_mean_nothing_here(tmp_path: Path, idle: subprocess.Popen[bytes]) -> None:
    folder = a_dead_supervisors(tmp_path, idle)
    change(folder, world="another-boot pid:[1]")
    swept = sweep(tmp_path)
    assert (swept.processes, swept.folders) == (0, 1)
    assert idle.poll() is None


def test_another_containers_folder_is_left_alone_where_others_put_theirs_too(tmp_path: Path) -> None:
    folder = a_dead_supervisors(tmp_path)
    world = from_wire(FolderOwners, json.loads((folder / ".run").read_text())).world
    change(folder, world=f"{world.partition(' ')[0]} pid:[1]")
    assert sweep(tmp_path).folders == 0
    assert sweep(tmp_path, exclusive=True).folders == 1


def test_a_folder_without_a_mark_is_removed_from_a_place_of_our_own_only(tmp_path: Path) -> None:
    (tmp_path / "sixfb-run-x").mkdir()
    assert sweep(tmp_path).folders == 0
    assert sweep(tmp_path, exclusive=True).folders == 1


def test_nothing_else_in_the_place_is_touched(tmp_path: Path) -> None:
    (tmp_path / "somebody-elses").mkdir()
    (tmp_path / "kept").mkdir()
    (tmp_path / "sixfb-run-link").symlink_to(tmp_path / "kept")
    assert sweep(tmp_path, exclusive=True).folders == 0
    assert sorted(os.listdir(tmp_path)) == ["kept", "sixfb-run-link", "somebody-elses"]  # noqa: PTH208


@pytest.fixture
def temporary_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for temporary folders, this test's alone; pytest's own has too long a name to be used as one."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_each_runner_has_a_short_place_of_its_own(tmp_path: Path, temporary_folder: Path) -> None:
    one, two = scratch_of(tmp_path / "us-east"), scratch_of(tmp_path / "us-west")
    assert one != two
    assert scratch_of(tmp_path / "us-east") == one
    assert one.parent == temporary_folder
    assert len(one.name) <= 16


@pytest.mark.usefixtures("temporary_folder")
def test_a_place_that_somebody_else_has_laid_out_is_refused(tmp_path: Path) -> None:
    place = scratch_of(tmp_path / "us-east")
    place.rmdir()
    place.symlink_to(tmp_path)
    with pytest.raises(OSError, match="is not ours"):
        scratch_of(tmp_path / "us-east")


@pytest.mark.parametrize(("length", "is_kept"), [(40, True), (41, False)])
def test_a_temporary_folder_with_too_long_a_name_for_a_socket_is_not_used(
    monkeypatch: pytest.MonkeyPatch, length: int, is_kept: bool
) -> None:
    usual = "/" + "t" * (length - 1)
    monkeypatch.setattr(tempfile, "tempdir", usual)
    assert temporary() == Path(usual if is_kept else "/tmp")


def test_a_scratch_folder_that_a_cleaner_of_temporary_files_removed_is_made_again(tmp_path: Path) -> None:
    scratch = tmp_path / "sixfb-0123456789"
    folder = make_folder(scratch)
    assert folder.parent == scratch
    assert scratch.stat().st_mode & 0o777 == 0o700
