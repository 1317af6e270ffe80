"""`sixfb inbox` prints what a webhook and Slack would get, each message as it comes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import httpx

from tests.cli.test_bad_input import SIXFB


def test_messages_are_printed_with_the_links_of_a_webhook(tmp_path: Path) -> None:
    with subprocess.Popen([SIXFB, "inbox", "--port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as inbox:
        try:
            assert inbox.stdout is not None
            address = re.search(r"http://127\.0\.0\.1:\d+", inbox.stdout.readline())
            assert address is not None
            with httpx.Client(base_url=address[0], trust_env=False) as client:
                links = [{"name": "The run that proves it", "url": "http://127.0.0.1:8600/runs/1"}]
                assert (
                    client.post("/webhook/me", json={"text": "Critical:\nit fails", "links": links}).status_code == 200
                )
                assert client.post("/webhook/me", json={"text": "odd", "links": 7}).status_code == 200
                assert client.post("/slack/ops", json={"text": "Resolved"}).text == "ok"
            lines = [inbox.stdout.readline().strip() for _ in range(4)]
        finally:
            inbox.terminate()
    assert lines[0].endswith("UTC  me: Critical: it fails")
    assert lines[1] == "The run that proves it: http://127.0.0.1:8600/runs/1"
    assert lines[2].endswith("me: odd")
    assert lines[3].endswith("ops: Resolved")
