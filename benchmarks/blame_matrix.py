"""Provokes every fault of the labelled set with a real browser, and shows on whom each was laid.

Prints the confusion matrix, and with `--write FILE` puts it and the list of faults between the marks in that file. The set is
the tests' own (`tests/blame/labelled`), which hold each of its faults to its label.

    .venv/bin/python -P benchmarks/blame_matrix.py [--write docs/blame.md] [--only NAME ...] [--at-once 3] [--resume]

Each fault's result is kept in var/blame-matrix.jsonl the moment it is there, and `--resume` plays only those that are not in it.

Exit code: 0 at least 98 % are right and no fault of our own was laid on the site, 1 otherwise.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

from demo import DemoSettings, serve_demo
from tests.blame.labelled import CASES, CLASSES
from tests.blame.stage import Case, a_stage, class_of
from tests.warm import a_browser

RIGHT_AT_LEAST = 0.98
KEPT = Path(__file__).resolve().parent.parent / "var" / "blame-matrix.jsonl"
BEGIN, END = "<!-- the matrix begins -->", "<!-- the matrix ends -->"


@dataclass(frozen=True)
class Played:
    """What a run said of a fault. `got` is its class in the matrix."""

    name: str
    got: str
    status: str
    error: str
    seconds: float


def play(cases: list[Case]) -> Iterator[Played]:
    """Play faults one after the other on a stage of this process's own, and yield what each run said."""
    settings = DemoSettings(rate_limit=1_000_000, slow_answer_s=2.5)
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_demo(settings=settings) as demo,
        sync_playwright() as playwright,
        a_browser(playwright) as browser,
        a_stage(demo, Path(folder), browser) as stage,
    ):
        for case in cases:
            yield _play(case, stage)


def _play(case: Case, stage: object) -> Played:
    began = time.monotonic()
    run = case.provoke(stage)  # type: ignore[arg-type]
    return Played(
        case.name, class_of(run.status, run.blame), run.status.value, run.error or "", time.monotonic() - began
    )


def play_all(cases: list[Case], at_once: int) -> list[Played]:
    """Play them in several processes, each with a demo of its own; in the order of the set."""
    done = kept()
    left = [case for case in cases if case.name not in done]
    at_once = min(at_once, len(left))
    if left:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(_in_a_process, (left[n::at_once] for n in range(at_once))))
    done = kept()
    return [done[case.name] for case in cases]


def kept() -> dict[str, Played]:
    """Return the results in the file of kept ones, by the name of the fault; a line that a crash cut off is left out."""
    rows = {}
    for line in KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() else ():
        with contextlib.suppress(ValueError):
            played = Played(**json.loads(line))
            rows[played.name] = played
    return rows


def _in_a_process(cases: list[Case]) -> None:
    subprocess.run([sys.executable, "-P", __file__, "--child", *(case.name for case in cases)], check=True)


def _keep(played: Played) -> None:
    # One write a line: several processes append to the file.
    with KEPT.open("ab", buffering=0) as file:
        file.write(json.dumps(asdict(played)).encode() + b"\n")


def matrix(pairs: list[tuple[Case, Played]]) -> list[str]:
    """The confusion matrix as a table: a row for what it was, a column for what the run said."""
    cells = Counter((case.expected, played.got) for case, played in pairs)
    said = [*CLASSES, *sorted({got for _, got in cells} - set(CLASSES))]
    lines = [f"| it was \\ the run said | {' | '.join(said)} |", f"|---|{'---|' * len(said)}"]
    for label in CLASSES:
        lines.append(f"| **{label}** | {' | '.join(str(cells[label, got] or '·') for got in said)} |")
    return lines


def listed(pairs: list[tuple[Case, Played]]) -> list[str]:
    """Every fault, how it was provoked, what it was, what the run said, and its sentence."""
    lines = ["| fault | how it is provoked | it was | the run said | its sentence |", "|---|---|---|---|---|"]
    for case, played in pairs:
        was, said = _words(case.status.value, case.expected), _words(played.status, played.got)
        mark = said if is_right(case, played) else f"**{said}**"
        lines.append(f"| `{case.name}` | {case.how} | {was} | {mark} | {_cell(played.error)} |")
    return lines


def is_right(case: Case, played: Played) -> bool:
    return (case.expected, case.status.value) == (played.got, played.status)


def _words(status: str, got: str) -> str:
    return status if status == got else f"{status}, {got}"


def _cell(error: str) -> str:
    # Ports and folders differ from run to run; what is said does not.
    error = re.sub(r"/\S*/fault-\d+/", "", re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", error))
    return error.replace("|", "\\|").replace("<", "&lt;").replace("`", "'").replace("\n", " ")[:400]


def page(pairs: list[tuple[Case, Played]]) -> str:
    """What stands between the marks."""
    right = sum(is_right(case, played) for case, played in pairs)
    head = f"{right} of {len(pairs)} are right ({right / len(pairs):.1%})."
    return "\n".join([BEGIN, "", head, "", *matrix(pairs), "", *listed(pairs), "", END])


def write(file: Path, text: str) -> None:
    """Put the page between the marks of a file."""
    before, _, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    file.write_text(before + text + rest.partition(END)[2], encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--resume", action="store_true", help="play only what is not in var/blame-matrix.jsonl yet")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        for played in play([case for case in CASES if case.name in asked.child]):
            _keep(played)
        return 0
    KEPT.parent.mkdir(exist_ok=True)
    if not asked.resume:
        KEPT.unlink(missing_ok=True)
    cases = [case for case in CASES if not asked.only or case.name in asked.only]
    began = time.monotonic()
    pairs = list(zip(cases, play_all(cases, asked.at_once), strict=True))
    print("\n".join(matrix(pairs)))
    wrong = [(case, played) for case, played in pairs if not is_right(case, played)]
    for case, played in wrong:
        was, said = _words(case.status.value, case.expected), _words(played.status, played.got)
        print(f"WRONG {case.name}: it was {was}, the run said {said}: {played.error}")
    ours = [case.name for case, played in wrong if case.expected == "runner" and played.got == "site"]
    took = time.monotonic() - began
    print(f"{len(pairs) - len(wrong)} of {len(pairs)} right, in {took:.0f} s; ours laid on the site: {ours or 'none'}")
    if asked.write:
        write(asked.write, page(pairs))
    return 1 if ours or len(wrong) > len(pairs) * (1 - RIGHT_AT_LEAST) else 0


if __name__ == "__main__":
    sys.exit(main())
