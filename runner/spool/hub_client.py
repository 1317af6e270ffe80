"""Sends a runner's requests to the hub's five endpoints, and interprets each refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from config import Secret
from facts import WIRE_VERSION, Claim, Plan, WireError, from_wire
from process.bounded_http import bounded_client, retry_after_s
from runner.spool.spool import Artifact, Kept

_CHUNK = 1 << 16
# A run must not wait for a hub that does not respond.
_CLAIM_TIMEOUT_S = 2.0
_TIMEOUT_S = 30.0
"""The time limit of a request, in seconds; a hub responds within one, and a busy database may need more."""
_SLOWEST_BYTES_S = 64 * 1024
"""The slowest supported upload in bytes per second, half a megabit."""
_LARGEST_ANSWER = 4_000_000
"""The largest accepted response in bytes; a plan has a few thousand, a batch's response a hundred per run."""


def hub_http_client() -> httpx.Client:
    """Return the HTTP client that a runner uses for its hub. Raises ConfigError."""
    return bounded_client(timeout_s=_TIMEOUT_S, most_bytes=_LARGEST_ANSWER)


def _within_s(size: int) -> float:
    """Return the time limit in seconds for a request with a body of `size` bytes."""
    return _TIMEOUT_S + size / _SLOWEST_BYTES_S


class HubError(Exception):
    """The hub refused a request or could not be reached.

    `permanent` means that it would never accept this request (a 4xx about its content). `pause` means that it does not
    accept this runner's token (401, 403). `wait_s` is the number of seconds that it asks to wait (`Retry-After`).
    """

    def __init__(
        self, message: str, *, permanent: bool = False, pause: bool = False, wait_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.pause = pause
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Holds the hub's result for one record: `accepted`, `duplicate`, or `rejected` with the reason."""

    id: str
    result: str
    reason: str | None = None


class HubClient:
    """Sends requests to the hub at one address."""

    def __init__(self, url: str, *, location: str, token: Secret | None = None, client: httpx.Client) -> None:
        self._url = url.rstrip("/")
        self._location = location
        self._client = client
        self._headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
        self._tag: str | None = None

    def send_runs(
        self, batch: Sequence[Kept], *, spooled: int, about: Mapping[str, Any] | None = None
    ) -> list[Answered]:
        """Send a batch and return the result of each record.

        `spooled` is the number of results that still wait; `about` holds more fields about the runner, ready for JSON.
        Raises HubError.
        """
        # The records are JSON already, so they are not parsed and encoded again.
        runs = ",".join(kept.record for kept in batch)
        head = json.dumps(
            {"version": WIRE_VERSION, "location": self._location, "runner": {"spool": spooled, **(about or {})}}
        )
        body = f'{head[:-1]},"runs":[{runs}]}}'.encode()
        headers = {"Content-Type": "application/json"}
        answer = self._ask("POST", "/api/runs", content=body, headers=headers, timeout=_within_s(len(body)))
        try:
            return [from_wire(Answered, one) for one in answer.json()["results"]]
        except (ValueError, KeyError, TypeError, RecursionError, WireError) as error:
            raise HubError(f"the hub's answer is not the one we know: {error}") from None

    def claim(self, journey: str, slot: datetime, runner: str, *, release: bool = False) -> Claim:
        """Claim a slot, or release its claim. Raises HubError."""
        asked = {"journey": journey, "location": self._location, "slot": slot.isoformat(), "runner": runner}
        body = json.dumps({**asked, "release": True} if release else asked).encode()
        headers = {"Content-Type": "application/json"}
        answer = self._ask("POST", "/api/slots/claim", content=body, headers=headers, timeout=_CLAIM_TIMEOUT_S)
        try:
            return from_wire(Claim, answer.json())
        except (ValueError, RecursionError, WireError) as error:
            raise HubError(f"the hub's answer is not the one we know: {error}") from None

    def take_request(self, request_id: str, runner: str) -> bool:
        """Take a requested run; False if another runner took it, or it is too old. Raises HubError."""
        body, headers = json.dumps({"runner": runner}).encode(), {"Content-Type": "application/json"}
        path = f"/api/run-requests/{quote(request_id, safe='')}/take"
        answer = self._ask("POST", path, content=body, headers=headers, timeout=_CLAIM_TIMEOUT_S)
        try:
            return bool(answer.json()["granted"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise HubError(f"the hub's answer is not the one we know: {error}") from None

    def put_evidence(self, artifact: Artifact) -> None:
        """Send one artifact, or the notice that it was deleted. Raises HubError, FileNotFoundError."""

        def chunks() -> Iterator[bytes]:
            with artifact.path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield chunk

        headers = {"X-Evidence-Kind": artifact.kind, "Content-Type": "application/octet-stream"}
        # Headers must be ASCII; an unusual id is left out instead of failing the upload.
        if artifact.run_id.isascii() and artifact.run_id:
            headers["X-Evidence-Run"] = artifact.run_id
        if artifact.gone is not None:
            headers["X-Evidence-Let-Go"] = artifact.gone
            self._ask("PUT", f"/api/evidence/{artifact.sha256}", content=b"", headers=headers)
            return
        within_s = _within_s(artifact.path.stat().st_size)
        self._ask("PUT", f"/api/evidence/{artifact.sha256}", content=chunks(), headers=headers, timeout=within_s)

    def get_plan(self) -> Plan | None:
        """Return the plan of this location; None if it has not changed since the last request. Raises HubError."""
        headers = {"If-None-Match": self._tag} if self._tag else {}
        answer = self._ask("GET", "/api/plan", params={"location": self._location}, headers=headers)
        if answer.status_code == 304:
            return None
        try:
            plan = from_wire(Plan, answer.json())
        except (ValueError, RecursionError, WireError) as error:
            raise HubError(f"the hub's plan cannot be read: {error}") from None
        if plan.version > WIRE_VERSION:
            raise HubError(
                f"the hub's plan is of version {plan.version}, and this runner knows {WIRE_VERSION}: upgrade it"
            )
        self._tag = answer.headers.get("ETag")
        return plan

    def _ask(self, method: str, path: str, *, headers: dict[str, str], **how: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, self._url + path, headers={**self._headers, **headers}, **how)
        except httpx.HTTPError as error:
            raise HubError(f"the hub does not answer: {type(error).__name__}") from None
        status = answer.status_code
        if status < 400:
            return answer
        said = f"{method} {path.partition('?')[0]}: {status} {answer.text[:200]}"
        if status in (401, 403):
            raise HubError(said, pause=True)
        wait_s = retry_after_s(answer.headers) if status in (429, 503) else None
        raise HubError(said, permanent=status in (400, 404, 409, 413, 415, 422), wait_s=wait_s)
