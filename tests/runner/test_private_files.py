"""What a runner keeps is its owner's alone: what it bought, what pages said, what waits for the hub."""

from __future__ import annotations

from pathlib import Path

import httpx

from runner.service import Runner, RunnerSettings


def open_to_others(folder: Path) -> dict[str, str]:
    """What others have any right to, by name."""
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
    return {name: oct(mode) for name, mode in modes.items() if mode & 0o077}


def test_a_runner_closes_what_was_open_and_opens_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "us-east"
    (folder / "evidence").mkdir(parents=True)
    for path in (folder / "spool.db", folder / "ledger.db", folder / "evidence" / "abcd.jpg"):
        path.write_bytes(b"")
        path.chmod(0o644)
    folder.chmod(0o755)
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    runner = Runner(RunnerSettings(location="us-east", hub_url="http://hub.test", folder=folder), client=client)
    assert open_to_others(folder) == {}
    runner.spool.close()
    runner.ledger.close()
    client.close()
