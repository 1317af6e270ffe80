"""Stores measured results on this disk before anything else happens to them, and keeps them until the hub has them."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from facts import Failpoint, Run, Status, from_wire, go_on, to_wire
from process.logs import get_logger
from process.private_files import private_folder
from runner.spool.full_disk import bare, without_evidence
from runner.spool.spool_file import Place, opened
from runner.spool.sqlite_writer import SqliteWriter

_log = get_logger("sixfb.runner")
_BALLAST = 1 << 20
_SLOTS_KEPT = timedelta(hours=48)
_ARTIFACTS = "SELECT sha256, kind, path, run_id, gone FROM artifacts"
# If two runs have the same file, the failed one decides how long it is kept.
_ADD_ARTIFACT = """
INSERT INTO artifacts (sha256, run_id, kind, path, bytes, passed) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (sha256) DO UPDATE SET passed = min(passed, excluded.passed), gone = NULL
"""
STORE_WAS_FULL = "let go: the runner's store was full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Holds a result that waits for the hub, as it will be sent."""

    run_id: str
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Holds a file of evidence that waits for the hub; `gone` says why it was deleted, which the hub is told instead."""

    sha256: str
    kind: str
    path: Path
    run_id: str = ""
    gone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """Holds a slot that was started and has no result, because the runner was killed."""

    journey: str
    slot: datetime
    run_id: str
    begun_at: datetime


class Spool:
    """Stores results in SQLite in a folder that only this runner uses. Thread-safe; `factory` makes the connections."""

    def __init__(
        self, folder: Path, *, at: Failpoint = go_on, factory: type[sqlite3.Connection] = sqlite3.Connection
    ) -> None:
        private_folder(folder)
        self._at = at
        self._ballast = folder / "ballast"
        try:
            connection = opened(folder / "spool.db", factory)
        except sqlite3.OperationalError:
            self._drop_ballast()
            connection = opened(folder / "spool.db", factory)
        self._factory, self._place = factory, Place(folder / "spool.db")
        self._file = SqliteWriter(connection, checked=self._put_back)
        # Kept in memory because every check reads it at the moment when slots are started: it must not wait for the disk.
        self._handled = {row[0]: datetime.fromisoformat(row[1]) for row in self._file.read("SELECT * FROM handled")}
        self._handled_lock = threading.Lock()
        self._has_refused = True
        self._load_ballast()

    def _put_back(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Restore the file from the open connection if it was deleted, moved or replaced."""
        if self._place.is_ours():
            return connection
        try:
            again = self._place.put_back(connection, self._factory)
        except (sqlite3.Error, OSError) as error:
            # The connection stays open and the hub still gets its results; they are lost only if the runner is killed first.
            _log.error("spool_gone", error=str(error))
            return connection
        _log.warning("spool_put_back")
        return again

    def _drop_ballast(self) -> None:
        with suppress(FileNotFoundError):
            self._ballast.unlink()

    def _load_ballast(self) -> None:
        """Write a file that can be deleted at once, because SQLite cannot even delete rows on a full disk."""
        if not self._ballast.exists():
            with suppress(OSError):
                self._ballast.write_bytes(b"\0" * _BALLAST)

    def begin(self, journey: str, slot: datetime, run_id: str, now: datetime) -> bool:
        """Record a slot as started; return False if it was started before, also by an earlier process of this runner.

        Raises:
            sqlite3.OperationalError: the disk is full even without the ballast file; the slot is not recorded.
        """
        try:
            taken = self._begin(journey, slot, run_id, now)
        except sqlite3.OperationalError:
            self._drop_ballast()
            taken = self._begin(journey, slot, run_id, now)
        self._at("spool.begun")
        return taken

    def _begin(self, journey: str, slot: datetime, run_id: str, now: datetime) -> bool:
        def claim(connection: sqlite3.Connection) -> bool:
            row = (journey, _text(slot), run_id, _text(now))
            taken = connection.execute("INSERT OR IGNORE INTO slots VALUES (?, ?, ?, ?, 0)", row).rowcount
            _handle(connection, journey, slot)
            return bool(taken)

        taken = self._file.submit(claim)
        self._note_handled(journey, slot)
        return taken

    def pass_over(self, journey: str, slot: datetime) -> None:
        """Mark a slot as handled that another runner of this location has claimed and will report."""
        self._file.submit(lambda connection: _handle(connection, journey, slot))
        self._note_handled(journey, slot)

    def _note_handled(self, journey: str, slot: datetime) -> None:
        with self._handled_lock:
            self._handled[journey] = max(slot, self._handled.get(journey, slot))

    def keep(self, run: Run, evidence: Path | None = None) -> None:
        """Keep a result, finish its slot and queue its evidence, in one transaction.

        On a full disk it deletes the ballast file first, then this run's evidence, then all waiting evidence, then the
        run's raw requests; the result itself is kept.

        Raises:
            sqlite3.OperationalError: not even that was enough.
        """
        self._at("spool.keeping")
        try:
            self._keep(run, evidence)
        except sqlite3.OperationalError:
            self._keep_on_a_full_disk(without_evidence(run, evidence))
        self._at("spool.kept")

    def _keep_on_a_full_disk(self, run: Run) -> None:
        self._drop_ballast()
        for make_room, lighter in ((_no_more, run), (self._drop_evidence, run), (_no_more, bare(run))):
            make_room()
            with suppress(sqlite3.OperationalError):
                self._keep(lighter, None)
                return
        self._keep(bare(run), None)

    def _drop_evidence(self) -> None:
        """Delete all waiting evidence files; the sender then finds them missing."""
        for (path,) in self._file.read("SELECT path FROM artifacts"):
            with suppress(OSError):
                Path(path).unlink()

    def _keep(self, run: Run, evidence: Path | None) -> None:
        self._at("spool.writing")
        record = json.dumps(to_wire(run), separators=(",", ":"))

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR IGNORE INTO results (run_id, record, kept_at) VALUES (?, ?, ?)",
                (run.id, record, _text(datetime.now(UTC))),
            )
            if run.slot is not None:
                connection.execute(
                    "INSERT INTO slots VALUES (?, ?, ?, ?, 1) ON CONFLICT (journey, slot) DO UPDATE SET finished = 1",
                    (run.journey, _text(run.slot), run.id, _text(run.started_at)),
                )
                _handle(connection, run.journey, run.slot)
            for item in run.evidence:
                if evidence is not None and item.path is not None and item.sha256 is not None:
                    place, passed = str(evidence / item.path), run.status is Status.PASSED
                    connection.execute(_ADD_ARTIFACT, (item.sha256, run.id, item.kind, place, item.bytes, passed))

        self._file.submit(write)
        if run.slot is not None:
            self._note_handled(run.journey, run.slot)

    def waiting(self, *, most: int = 50, most_bytes: int = 4_000_000) -> list[Kept]:
        """Return the oldest results that the hub does not have yet, within the limits of a batch, but at least one if there is any."""
        rows = self._file.read(
            "SELECT run_id, record FROM results WHERE rejected IS NULL ORDER BY number LIMIT ?", most
        )
        batch: list[Kept] = []
        size = 0
        for run_id, record in rows:
            size += len(record.encode()) + 1
            if batch and size > most_bytes:
                break
            batch.append(Kept(run_id=run_id, record=record))
        return batch

    def artifacts_of(self, run_ids: Sequence[str]) -> list[Artifact]:
        """Return the evidence of some runs that the hub does not have yet."""
        marks = ",".join("?" * len(run_ids))
        return [_artifact(row) for row in self._file.read(f"{_ARTIFACTS} WHERE run_id IN ({marks})", *run_ids)]

    def artifact_sent(self, artifact: Artifact) -> None:
        """Delete an artifact that the hub has, or that is missing."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM artifacts WHERE sha256 = ?", (artifact.sha256,))
        with suppress(OSError):
            artifact.path.unlink()

    def make_room(self, most_bytes: int) -> int:
        """Delete waiting evidence until the rest is at most `most_bytes`, oldest of passed runs first; return the number of files."""
        rows = self._file.read(
            "SELECT sha256, path, bytes FROM artifacts WHERE gone IS NULL ORDER BY passed DESC, rowid"
        )
        over = sum(int(size) for _, _, size in rows) - most_bytes
        gone = 0
        for sha256, path, size in rows:
            if over <= 0:
                break
            # The row comes first: a file that a crash leaves behind here is deleted once the hub has the notice.
            with self._file.transaction() as connection:
                connection.execute("UPDATE artifacts SET gone = ? WHERE sha256 = ?", (STORE_WAS_FULL, sha256))
            with suppress(OSError):
                Path(path).unlink()
            over -= int(size)
            gone += 1
        return gone

    def sweep(self, folder: Path, *, older_than: datetime) -> None:
        """Delete evidence files that belong to no waiting run; a killed process leaves them behind."""
        known = {Path(row[0]).resolve() for row in self._file.read("SELECT path FROM artifacts")}
        for file in folder.glob("*"):
            with suppress(OSError):
                if file.is_file() and file.resolve() not in known and file.stat().st_mtime < older_than.timestamp():
                    file.unlink()

    def sent(self, run_ids: Sequence[str]) -> None:
        """Delete results that the hub has."""
        with self._file.transaction() as connection:
            connection.executemany("DELETE FROM results WHERE run_id = ?", [(run_id,) for run_id in run_ids])
        self._at("spool.sent")

    def reject(self, run_id: str, reason: str) -> None:
        """Set aside a result that the hub will never accept, so that the next one can be sent."""
        with self._file.transaction() as connection:
            connection.execute("UPDATE results SET rejected = ? WHERE run_id = ?", (reason, run_id))
        self._has_refused = True

    def try_rejected_again(self) -> int:
        """Queue the results that were set aside once more, and return their number.

        This is called at a start, because a restart may have fixed the cause.
        """
        with self._file.transaction() as connection:
            return connection.execute("UPDATE results SET rejected = NULL WHERE rejected NOT NULL").rowcount

    def rejected(self) -> list[tuple[str, str]]:
        """Return the run id and reason of each result that was set aside."""
        return [
            (row[0], row[1]) for row in self._file.read("SELECT run_id, rejected FROM results WHERE rejected NOT NULL")
        ]

    def depth(self) -> int:
        """Return how many results wait."""
        return int(self._file.read("SELECT count(*) FROM results WHERE rejected IS NULL")[0][0])

    def loose_artifacts(self, most: int = 20) -> list[Artifact]:
        """Return evidence whose run the hub already has."""
        rows = self._file.read(f"{_ARTIFACTS} WHERE run_id NOT IN (SELECT run_id FROM results) LIMIT ?", most)
        return [_artifact(row) for row in rows]

    def handled(self, journey: str) -> datetime | None:
        """Return the latest slot that was run or recorded as missed; None before the first."""
        with self._handled_lock:
            return self._handled.get(journey)

    def has_slot(self, journey: str, slot: datetime) -> bool:
        """Return whether a slot was started here or has its record."""
        return bool(self._file.read("SELECT 1 FROM slots WHERE journey = ? AND slot = ?", journey, _text(slot)))

    def set_back(self, now: datetime, *, all_are_dead: bool = False) -> int:
        """Forget the slots of the future that a fast clock has handled; otherwise no slot would be run until then.

        A slot whose record still waits for the hub stays handled, because the hub decides about its time.
        `all_are_dead` means that no run is under way. Returns how many slots were forgotten.
        """
        moment = _text(now)
        over = "" if all_are_dead else "AND finished = 1 "
        with self._file.transaction() as connection:
            forgotten = connection.execute(
                f"DELETE FROM slots WHERE slot > ? {over}AND run_id NOT IN (SELECT run_id FROM results WHERE rejected IS NULL)",
                (moment,),
            ).rowcount
            connection.execute("UPDATE handled SET slot = ? WHERE slot > ?", (moment, moment))
        with self._handled_lock:
            self._handled = {journey: min(slot, now) for journey, slot in self._handled.items()}
        return forgotten

    def release_refused(self, now: datetime) -> int:
        """Queue again, without a slot, the results that the hub refused because they lay in the future; return their number.

        A result is recognized by its time once that lies in this clock's future too: the clock was fast when it was
        made.
        """
        found = [run for run in self._refused() if _latest(run) > now] if self._has_refused else []
        if not found:
            return 0
        ahead = max(run.finished_at for run in found) - now
        with self._file.transaction() as connection:
            for run in found:
                connection.execute("DELETE FROM slots WHERE run_id = ?", (run.id,))
                if run.status in (Status.MISSED, Status.SKIPPED):  # its slot is still to come
                    connection.execute("DELETE FROM results WHERE run_id = ?", (run.id,))
                    continue
                record = json.dumps(to_wire(_of_no_slot(run, max(ahead, timedelta()))), separators=(",", ":"))
                connection.execute("UPDATE results SET record = ?, rejected = NULL WHERE run_id = ?", (record, run.id))
        return len(found)

    def _refused(self) -> list[Run]:
        rows = self._file.read("SELECT record FROM results WHERE rejected NOT NULL")
        self._has_refused = bool(rows)
        return [from_wire(Run, json.loads(row[0])) for row in rows]

    def start_from(self, journey: str, moment: datetime) -> None:
        """Mark the slots before `moment` as handled if the journey is new here, because no runner was responsible for them."""
        with self._file.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO handled VALUES (?, ?)", (journey, _text(moment)))
        with self._handled_lock:
            self._handled.setdefault(journey, moment)

    def unfinished(self) -> list[Unfinished]:
        """Return the slots that were started and have no result."""
        rows = self._file.read("SELECT journey, slot, run_id, begun_at FROM slots WHERE finished = 0 ORDER BY slot")
        return [
            Unfinished(
                journey=journey,
                slot=datetime.fromisoformat(slot),
                run_id=run_id,
                begun_at=datetime.fromisoformat(begun_at),
            )
            for journey, slot, run_id, begun_at in rows
        ]

    def prune(self, now: datetime) -> None:
        """Forget finished slots older than 48 hours, and write the ballast file again if there is space."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM slots WHERE finished = 1 AND slot < ?", (_text(now - _SLOTS_KEPT),))
        self._load_ballast()

    def results(self) -> list[Run]:
        """Return every stored result."""
        return [
            from_wire(Run, json.loads(row[0])) for row in self._file.read("SELECT record FROM results ORDER BY number")
        ]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _latest(run: Run) -> datetime:
    return max(moment for moment in (run.slot, run.started_at) if moment is not None)


def _of_no_slot(run: Run, ahead: timedelta) -> Run:
    """Return the run as an ad-hoc one with earlier times; its slot is still to come and will be run then."""
    note = (
        f"The runner's clock was ahead by {ahead.total_seconds():.0f} s or more when this was made: its times were set back by that, "
        "and it is of no slot."
    )
    return replace(
        run,
        slot=None,
        started_at=run.started_at - ahead,
        finished_at=run.finished_at - ahead,
        attempts=tuple(replace(attempt, started_at=attempt.started_at - ahead) for attempt in run.attempts),
        notes=(*run.notes, note),
    )


def _no_more() -> None:
    """Free no space."""


def _handle(connection: sqlite3.Connection, journey: str, slot: datetime) -> None:
    connection.execute(
        "INSERT INTO handled VALUES (?, ?) ON CONFLICT (journey) DO UPDATE SET slot = max(slot, excluded.slot)",
        (journey, _text(slot)),
    )


def _text(moment: datetime) -> str:
    """Return the time in UTC with a fixed width, so that it sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _artifact(row: tuple[str, ...]) -> Artifact:
    sha256, kind, path, run_id, gone = row
    return Artifact(sha256=sha256, kind=kind, path=Path(path), run_id=run_id, gone=gone)
