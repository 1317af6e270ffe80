"""What a command prints: control characters are shown, ids stay whole, and no locale, terminal or pipe breaks it."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.app import command_line, main
from cli.command_error import complain
from cli.output import json_text, say, say_table
from cli.progress import Progress, print_outcome
from cli.repeat import Repetitions, print_spread
from cli.rounds import print_failures
from facts import Status
from process.visible import visible, visible_json
from tests.builders import a_run
from tests.cli.hostile import ACTS, STORED, Terminal, a_hostile_run, a_ledger, fill, obeyed, sixfb
from tests.databases import a_migrated_store

ROOT = Path(__file__).resolve().parents[2]
RUN = "20260117T120001Z-vip_member_discount-us-east-a1b2c1"
JOURNEY = f"""
from journeys.journey import Journey
from journeys.visit import Visit

def walk(visit: Visit) -> None:
    with visit.step("look"):
        pass

journey = Journey(name="hostile", title={ACTS!r}, steps=("look", {"step" + ACTS!r}), walk=walk)
"""
TYPED = STORED.replace("\x00", "")
"""What an argument can hold of it."""
COMMANDS: list[list[str]] = [
    ["runs", "list"],
    ["runs", "list", "--json"],
    ["runs", "show", RUN],
    ["runs", "show", f"none{TYPED}"],
    ["runs", "reclassify", RUN, "--blame", "site", "--reason", f"because{TYPED}", "--by", f"ann{TYPED}"],
    ["alerts", "list"],
    ["alerts", "list", "--all", "--json"],
    ["alerts", "show", "F0.ga_purchase.1"],
    ["alerts", "show", "F0.ga_purchase.1", "--json"],
    ["alerts", "ack", "F0.ga_purchase.1", "--by", f"bob{TYPED}"],
    ["alerts", "unack", "F0.ga_purchase.1", "--by", f"bob{TYPED}"],
    ["alerts", "ack", "F0.ga_purchase.1", "--by", f"bob{TYPED}", "--for", "2h"],
    ["alerts", "resolve", "F0.ga_purchase.1", "--by", f"bob{TYPED}"],
    ["alerts", "resolve", f"F0{TYPED}", "--by", f"bob{TYPED}", "--reason", f"gone{TYPED}"],
    ["alerts", "escalate", f"inc-1{TYPED}", "--by", f"bob{TYPED}"],
    ["alerts", "escalate", "inc-1", "--by", f"bob{TYPED}"],
    ["alerts", "incidents"],
    ["alerts", "incidents", "--all", "--json"],
    ["alerts", "postmortem", "inc-1"],
    ["alerts", "silence", "--rule", f"F0{TYPED}", "--for", "1h", "--reason", f"why{TYPED}", "--by", f"bob{TYPED}"],
    ["alerts", "silence", "--rule", "*", "--preview"],
    ["alerts", "who"],
    ["alerts", "who", "--json"],
    ["alerts", "preview"],
    ["alerts", "preview", "--rule", "H4", "--channel", "sms", "--json"],
    ["alerts", "preview", "--rule", f"F0{TYPED}"],
    ["alerts", "preview", "--channel", f"fax{TYPED}"],
    ["alerts", "preview", "--severity", f"bad{TYPED}"],
    ["alerts", "test", "--by", f"bob{TYPED}"],
    ["alerts", "routes"],
    ["alerts", "routes", "--json"],
    ["alerts", "test", "--to", f"nobody{TYPED}"],
    ["alerts", "silences"],
    ["alerts", "silences", "--json"],
    ["alerts", "unsilence", f"silence-1{TYPED}"],
    ["alerts", "unsilence", "silence-1"],
    ["report", "run", RUN, "--out", "reports"],
    ["report", "run", f"none{TYPED}", "--out", "reports"],
    *(["report", kind, "--out", "reports"] for kind in ("daily", "weekly", "monthly", "quarterly", "yearly")),
    ["report", "daily", "--for", f"then{TYPED}", "--out", "reports"],
    ["checklist"],
    ["checklist", "--json", "--out", "reports"],
    ["jobs", "list"],
    ["jobs", "run", f"none{TYPED}"],
    ["pings", "list"],
    ["pings", "list", "--json"],
    ["pings", "show", f"none{TYPED}"],
    ["status", "publish", "public", "--title", f"shop{TYPED}"],
    ["inbox", "--help"],
    ["pytest", "--help"],
    ["new", "site", f"http://shop.test/{TYPED}"],
    ["sla"],
    ["sla", "--json"],
    ["sources", "list"],
    ["sources", "list", "--json"],
    ["sources", "test", f"none{TYPED}"],
    ["sources", "test", "endpoints"],
    ["sources", "backfill", f"none{TYPED}"],
    ["sources", "backfill", "endpoints", "--since", f"then{TYPED}"],
    ["metrics", "list"],
    ["metrics", "list", "--json"],
    ["metrics", "show", "inventory_seats", "--from", "30d"],
    ["metrics", "show", "inventory_seats", "--from", "30d", "--json"],
    ["metrics", "show", "step_duration_seconds", "--from", "5d"],
    ["metrics", "show", f"none{TYPED}"],
    ["metrics", "show", "inventory_seats", "--from", f"then{TYPED}"],
    ["metrics", "show", "inventory_seats", "--step", f"long{TYPED}"],
    ["token", "list"],
    ["token", "list", "--json"],
    ["token", "create", "--location", f"mars{TYPED}"],
    ["token", "revoke", f"none{TYPED}"],
    ["share", "create", f"/runs/none{TYPED}"],
    ["share", "create", "/executive", "--for", f"long{TYPED}"],
    ["share", "create", "/executive", "--by", f"ann{TYPED}"],
    ["share", "list"],
    ["share", "list", "--json"],
    ["share", "revoke", f"none{TYPED}"],
    ["user", "list"],
    ["user", "add", f"ann{TYPED}", "--role", "admin"],
    ["user", "remove", f"ann{TYPED}"],
    ["user", "passwd", f"ann{TYPED}", "--password-file", f"none{TYPED}"],
    ["ledger", "--all"],
    ["ledger", "--all", "--json"],
    ["ledger", "--location", f"mars{TYPED}"],
    ["journeys", "list"],
    ["check"],
    ["new", "journey", f"gift{TYPED}"],
    ["run", f"ga{TYPED}"],
    ["run", "ga_purchase", "--location", f"mars{TYPED}"],
    ["run", "ga_purchase", "--set", f"city={TYPED}"],
    ["runner", "--location", f"mars{TYPED}"],
    ["hub", "--host", f"nowhere{TYPED}"],
    ["demo", "--break", f"coffee{TYPED}"],
    ["demo", "--at", f"noon{TYPED}"],
    ["demo", "--once", "--at", "03:00"],
    ["db", "copy", f"sqlite:///{TYPED}", f"sqlite:///{TYPED}"],
    ["db", "backup", f"none{TYPED}"],
    ["db", "restore", f"none{TYPED}"],
    ["db", "upgrade", f"more{TYPED}"],
    ["browser", f"--more{TYPED}"],
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a hub has run among hostile pages, users and receivers."""
    folder = tmp_path_factory.mktemp("hostile")
    with a_migrated_store(None, folder / "var" / "hub") as store:
        fill(store)
    a_ledger(folder / "var" / "ledger.db")
    (folder / "journeys").mkdir()
    (folder / "journeys" / "hostile.py").write_text(JOURNEY, encoding="utf-8", errors="surrogatepass")
    return folder


@pytest.fixture
def var(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, as the environment and the current folder."""
    for name in [name for name in os.environ if name.startswith(("SIXFB_", "STRIPE_", "DATABASE_", "COLUMNS"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SIXFB_VAR", str(filled / "var"))
    monkeypatch.chdir(filled)
    return filled


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: visible(" ".join(arguments))[:30])
def test_no_command_sends_a_control_character(var: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setenv("SIXFB_JOURNEYS", str(var / "journeys"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    for columns in (None, 60):
        done = sixfb(monkeypatch, *arguments, columns=columns)
        assert obeyed(done.out) | obeyed(done.err) == set()
        assert done.code in (0, 1, 2), done.err
        if "--json" in arguments or arguments[:2] == ["runs", "show"]:
            assert done.code or json.loads(done.out)


def test_every_command_is_walked() -> None:
    assert {tuple(path) for path in _paths(get_command(command_line()))} == {
        tuple(arguments[: len(path)])
        for arguments in COMMANDS
        for path in _paths(get_command(command_line()))
        if arguments[: len(path)] == path
    }


def _paths(command: Any, path: tuple[str, ...] = ()) -> Iterator[list[str]]:
    if not hasattr(command, "commands"):
        yield list(path)
        return
    for name, below in command.commands.items():
        yield from _paths(below, (*path, name))


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["runs", "list"], "the page says \\x1b[31m\\x1b]52;c;cm0gLXJm\\x07"),
        (["alerts", "list"], "summary\\x1b[31m"),
        (["token", "list"], "us-east\\x1b[31m"),
        (["ledger", "--all"], "Stripe says \\x1b[31m"),
        (["sla"], "the page says \\x1b[31m"),
    ],
)
def test_what_would_act_is_shown(var: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], shown: str) -> None:
    assert shown in sixfb(monkeypatch, *command).out


def test_a_run_as_it_happens_sends_none_either(monkeypatch: pytest.MonkeyPatch) -> None:
    said = terminal(monkeypatch, 80)
    from cli.output import console

    with Progress(console()) as progress:
        progress.on_event("step_started", {"name": f"step{ACTS}"})
        for status in ("passed", "skipped"):
            step = {"name": f"step{ACTS}", "status": status, "duration_ms": None, "error": f"why{ACTS}"}
            progress.on_event("step_ended", {"step": step})
    print_outcome(a_hostile_run())
    print_spread(Repetitions(2, [a_hostile_run(), a_run(status=Status.PASSED)]))
    print_failures([a_hostile_run()])
    text = re.sub(r"\x1b\[(\?25[lh]|2K|1A|[0-2]?m)", "", said())  # our own: cursor, bold, dim
    assert obeyed(text) <= {"\r"}
    assert "step\\x1b[31m" in text
    assert "\\r\\n\\t" in text


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> Any:
    """Make standard output a terminal without colours; what it got, when called."""
    stream = Terminal(io.BytesIO(), encoding="utf-8", write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    return lambda: stream.buffer.getvalue().decode()  # type: ignore[attr-defined]


def test_markup_in_a_text_is_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    say("[/red] [link=http://evil.test]press[/link]")
    say_table(("a", "b"), [("[/x]", "[bold]")])
    assert "[/red] [link=http://evil.test]press[/link]" in capsys.readouterr().out


def test_a_text_cannot_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("first\nsixfb: all is well\x85and\u2028more")
    complain("one\x0bstill one\x1cstill one\rstill one")
    told = capsys.readouterr()
    assert told.out == "first\\nsixfb: all is well\\x85and\\u2028more\n"
    assert told.err == "sixfb: one\\x0bstill one\\x1cstill one\\rstill one\n"


@pytest.mark.parametrize("text", ["", "plain", "£6.99 – café, 東京, 🎟", ACTS, "\U0010ffff\ufdd0"])
def test_json_stays_the_same_json(text: str) -> None:
    document = json_text({text: [text]})
    assert json.loads(document) == {text: [text]}
    assert json.loads(visible_json(json.dumps([text], ensure_ascii=False))) == [text]
    assert obeyed(document) == set()


def test_letters_of_every_language_and_pictures_stay_as_they_are() -> None:
    for text in ("£6.99 – café", "東京", "🎟 ✓", "نيويورك"):
        assert visible(text) == text


def test_only_the_module_for_it_prints() -> None:
    found = []
    for file in sorted((ROOT / "cli").glob("*.py")):
        if file.name in ("output.py", "console.py"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name in ("typer.echo", "typer.secho", "print", "Console", "sys.stdout.write", "sys.stderr.write"):
                found.append(f"{file.name}:{node.lineno} {name}")  # type: ignore[attr-defined]
    assert found == []


# Ids, widths, pipes


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize("command", [["runs", "list"], ["token", "list"], ["alerts", "list"], ["sla"]])
def test_ids_are_whole_at_every_width(
    var: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], columns: int
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    wanted = {"runs": RUN, "token": "0a1b2c3d", "alerts": "F0.ga_purchase.1", "sla": "F0/ga_purchase"}[command[0]]
    assert wanted in sixfb(monkeypatch, *command, columns=columns).out


def test_a_pipe_gets_each_run_on_one_whole_line(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header, *lines = sixfb(monkeypatch, "runs", "list").out.splitlines()
    assert header.split()[:2] == ["slot", "(UTC)"]
    assert len(lines) == 2
    for line in lines:
        assert "-vip_member_discount-us-east-a1b2c" in line
        assert line.endswith("[/red][bold]")
        assert not set(line) & set("│┃─━┏")


def test_a_wide_terminal_gets_a_table_and_a_narrow_one_a_block_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns, is_table in ((100, True), (30, False)):
        with monkeypatch.context() as patch:
            said = terminal(patch, columns)
            say_table(("run", "what happened"), [("a-long-id-of-a-run", "it broke")])
            text = said()
        assert ("┃" in text) is is_table
        assert "a-long-id-of-a-run" in text
        assert "it broke" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("command", [["runs", "list"], ["alerts", "list"], ["journeys", "list"], ["--help"]], ids=str)
def test_no_encoding_breaks_a_command(
    var: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], encoding: str
) -> None:
    for columns in (None, 60):
        done = sixfb(monkeypatch, *command, encoding=encoding, columns=columns)
        assert (done.code, done.err) == (0, "")
        assert done.out


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "POSIX"},
        {"LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=str,
)
def test_no_locale_breaks_the_program(var: Path, locale: dict[str, str]) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHON"))}
    command = [str(Path(sys.executable).with_name("sixfb")), "runs", "list"]
    done = subprocess.run(command, env={**kept, **locale}, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert RUN.encode() in done.stdout


def test_a_reader_that_leaves_is_no_error(var: Path) -> None:
    program = Path(sys.executable).with_name("sixfb")
    shell = f"{program} runs list --json | head -1; {program} runs list | head -1"
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2


def test_a_closed_output_is_no_error(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["sixfb", "runs", "list"])
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    sys.stdout.close()


# Beginnings of ids


@pytest.mark.parametrize("command", [["runs", "show"], ["runs", "reclassify", "--blame", "site", "--reason", "x"]])
def test_a_run_is_found_by_the_beginning_of_its_id(
    var: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    assert sixfb(monkeypatch, *command, RUN[:16]).code == 0
    assert RUN in sixfb(monkeypatch, *command, RUN).out


@pytest.mark.parametrize("verb", ["show", "ack", "unack"])
def test_an_alert_is_found_by_the_beginning_of_its_id(var: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    done = sixfb(monkeypatch, "alerts", verb, "F0.ga")
    assert done.code == 0, done.err
    assert "F0.ga_purchase.1" in done.out


def test_a_beginning_of_several_ids_lists_them(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = sixfb(monkeypatch, "runs", "show", "20260117")
    assert done.code == 2
    assert f"more than one run begins with '20260117': {RUN}, " in done.err


@pytest.mark.parametrize("wanted", ["", "nothing", "%", "2026_117", "20260117t12", "a\x00b", "\udcff"])
def test_what_no_id_begins_with_is_a_sentence(var: Path, monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    done = sixfb(monkeypatch, "runs", "show", wanted)
    assert done.code == 2
    assert done.err.startswith(("sixfb: no run ", "sixfb: argument 3 is not UTF-8 text"))


def test_a_command_loads_nothing_of_the_others() -> None:
    told = "import sys, cli.app; cli.app.command_line(['run']); print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-P", "-c", told], check=True, capture_output=True, text=True).stdout
    assert "'cli.run'" in loaded
    assert [name for name in ("cli.hub", "sqlalchemy", "fastapi", "structlog", "stripe") if f"'{name}'" in loaded] == []


# The last test of this file: the others need the alert to be open.


def test_an_alert_is_resolved_once_by_command_with_a_reason(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "write why it is resolved" in sixfb(monkeypatch, "alerts", "resolve", "F0.ga").err
    done = sixfb(monkeypatch, "alerts", "resolve", "F0.ga", "--by", f"bob{TYPED}", "--reason", f"sold{TYPED} out")
    assert done.code == 0, done.err
    assert "F0.ga_purchase.1 is resolved by bob" in done.out
    assert obeyed(done.out) == set()
    again = sixfb(monkeypatch, "alerts", "resolve", "F0.ga_purchase.1", "--reason", "gone")
    assert (again.code, "there is nothing to resolve" in again.err) == (2, True)
