"""A command whose database cannot be used now says so in a sentence, and leaves with 3."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli.app
from cli.app import command_line, main
from cli.command_error import OUR_FAULT, USAGE, CommandError
from facts import Alert, AlertState, Severity
from store import StoreUnavailableError, alerts, runs
from tests.builders import A_MOMENT, a_run
from tests.databases import a_migrated_store

COMMANDS = (
    ("alerts", "ack", "F0.x"),
    ("runs", "reclassify", "r1", "--blame", "site", "--reason", "x"),
    ("user", "remove", "ann"),
    ("token", "revoke", "0"),
    ("db", "upgrade"),
)
AN_ALERT = Alert(
    id="F0.x",
    key="F0/x",
    rule="F0",
    journey=None,
    subject="x",
    severity=Severity.CRITICAL,
    state=AlertState.FIRING,
    episode=1,
    pending_since=A_MOMENT,
    summary="",
)
READING = (("alerts", "list"), ("runs", "list"), ("user", "list"), ("token", "list"), ("sla",))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SIXFB_SECRET_KEY", "SIXFB_SECRET_KEY_FILE", "SIXFB_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SIXFB_VAR", str(tmp_path))
    # Whoever waits for a lock waits for no longer than this.
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/hub/sixfb.db?timeout=0.05")
    with a_migrated_store(None, tmp_path / "hub") as store, store.write() as connection:
        alerts.save(connection, [AN_ALERT], at=A_MOMENT)
        runs.save(connection, a_run(id="r1"), received_at=A_MOMENT)
    return tmp_path / "hub" / "sixfb.db"


def refusal(*arguments: str) -> tuple[int, str]:
    error = CliRunner().invoke(command_line(), list(arguments)).exception
    if isinstance(error, CommandError):
        return error.code, str(error)
    assert isinstance(error, StoreUnavailableError), repr(error)
    return OUR_FAULT, str(error)


def spoil(file: Path) -> None:
    file.write_bytes(b"no database, but a text that is longer than any header of one" * 40)


def forget_tables(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        for table in ("alerts", "runs", "users", "tokens"):
            other.execute(f"DROP TABLE {table}")


@pytest.mark.parametrize(
    ("harm", "says", "code"),
    [(spoil, "is not an SQLite database", USAGE), (forget_tables, "`sixfb db upgrade`", OUR_FAULT)],
)
def test_every_command_says_what_is_wrong_with_the_database(
    file: Path, harm: Callable[[Path], None], says: str, code: int
) -> None:
    harm(file)
    for command in READING:
        told = refusal(*command)
        assert (told[0], says in told[1], "SELECT" in told[1]) == (code, True, False), (command, told)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_every_writing_command_says_who_may_hold_the_database(file: Path, command: tuple[str, ...]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, said = refusal(*command)
    assert code == OUR_FAULT
    assert f"the database {file} is locked by another program" in said
    assert "a backup program or a `sqlite3` shell" in said


def test_the_program_leaves_with_3_and_neither_a_traceback_nor_sql(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_tables(file)
    monkeypatch.setattr("sys.argv", ["sixfb", "runs", "list"])
    monkeypatch.setattr(cli.app, "spare_this_machine", lambda _environment: None)
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr().err
    assert left.value.code == OUR_FAULT
    assert said.startswith(f"sixfb: the database {file} has not the form")
    assert said.count("\n") == 1
