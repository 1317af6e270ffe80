"""A folder of one's own: `site.yaml`, `locations.yaml` and `journeys/` beside one another, and no variable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeys.registry import is_product_package, own_folder
from tests.cli.test_bad_input import sixfb

ROOT = Path(__file__).resolve().parents[2]
JOURNEY = """from sixfb import Visit, journey


@journey(title="A reader looks", steps=("open",), buys=False)
def {name}(visit: Visit) -> None:
    with visit.step("open"):
        raise LookupError("no such book")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shop's folder, as `sixfb new site` writes it, with one journey more."""
    done = sixfb("new", "site", "https://books.example.com", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    add(tmp_path / "journeys", "look_at_a_book")
    return tmp_path


def add(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(JOURNEY.format(name=name))


def test_what_new_site_writes_is_right_but_for_the_receiver(folder: Path) -> None:
    done = sixfb("check", cwd=folder, ALERT_WEBHOOK="http://127.0.0.1:8610/webhook/me")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "all is well"
    assert f"journeys        {folder / 'journeys'}" in done.stdout
    done = sixfb("check", cwd=folder)
    assert (done.returncode, "set ALERT_WEBHOOK" in done.stderr) == (2, True)


def test_new_site_overwrites_nothing_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text("# mine\n")
    done = sixfb("new", "site", "https://books.example.com", cwd=tmp_path)
    assert (done.returncode, "alerts.yaml: there already" in done.stderr) == (2, True)
    assert [file.name for file in tmp_path.iterdir()] == ["alerts.yaml"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("books.example.com",), "'books.example.com' is not an address"),
        (("https://books.example.com", "--journey", "Open It"), "'Open It' is no name for a journey"),
    ],
)
def test_new_site_refuses_what_could_not_be_run(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = sixfb("new", "site", *arguments, cwd=tmp_path)
    assert (done.returncode, sentence in done.stderr, list(tmp_path.iterdir())) == (2, True, [])


def test_new_site_writes_into_the_folder_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    done = sixfb("new", "site", "https://books.example.com", cwd=tmp_path, SIXFB_CONFIG="shop")
    assert done.returncode == 0
    assert sorted(file.name for file in (tmp_path / "shop").iterdir()) == [
        "alerts.yaml",
        "journeys",
        "locations.yaml",
        "site.yaml",
    ]
    listed = sixfb("journeys", "list", cwd=tmp_path, SIXFB_CONFIG="shop").stdout
    assert "open_shop" in listed


def test_a_checkout_of_the_product_is_no_shop_s_folder(tmp_path: Path) -> None:
    (tmp_path / "journeys").mkdir()
    (tmp_path / "site.yaml").write_text("base_url: https://books.example.com\n")
    for name in ("__init__.py", "registry.py", "visit.py"):
        (tmp_path / "journeys" / name).write_text("raise SystemExit\n")
    assert "look_at_a_book" not in sixfb("journeys", "list", cwd=tmp_path).stdout
    (tmp_path / "site.yaml").unlink()
    done = sixfb("new", "site", "https://books.example.com", cwd=tmp_path)
    assert (done.returncode, "is a checkout of sixfb" in done.stderr) == (2, True)
    sixfb("new", "journey", "gift_voucher", cwd=tmp_path)
    assert (tmp_path / "my_journeys" / "gift_voucher.py").is_file()
    assert is_product_package(ROOT / "journeys")


def test_the_folder_is_found_said_and_used_by_every_command(folder: Path) -> None:
    done = sixfb("run", "look_at_a_bok", cwd=folder)
    assert f", journeys of {folder / 'journeys'}" in done.stderr.splitlines()[0]
    assert done.stderr.splitlines()[-1] == (
        "sixfb: no journey named 'look_at_a_bok'; there are: ga_purchase, vip_member_discount, look_at_a_book, open_shop; "
        "journeys of your own are read from journeys"
    )
    assert "look_at_a_book" in sixfb("journeys", "list", cwd=folder).stdout
    assert f"journeys of {folder / 'journeys'}" in sixfb("sla", cwd=folder).stderr


def test_a_journey_in_it_is_walked(folder: Path) -> None:
    (folder / "journeys" / "look_at_a_book.py").write_text("import nothing_of_the_kind\n")
    done = sixfb("run", "open_shop", cwd=folder)
    assert (done.returncode, "look_at_a_book.py:1: ModuleNotFoundError" in done.stderr) == (2, True)


def test_the_variable_goes_before_the_folder(folder: Path) -> None:
    add(folder / "mine", "look_again")
    listed = sixfb("journeys", "list", cwd=folder, SIXFB_JOURNEYS="mine").stdout
    assert ("look_again" in listed, "look_at_a_book" in listed) == (True, False)


def test_a_folder_of_that_name_without_a_site_is_somebody_else_s(tmp_path: Path) -> None:
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeys" / "look.py").write_text("raise SystemExit\n")
    assert sixfb("journeys", "list", cwd=tmp_path).returncode == 0
    done = sixfb("run", "look", cwd=tmp_path)
    assert "the folder that SIXFB_JOURNEYS names, else from journeys/ beside your site.yaml" in done.stderr


@pytest.mark.parametrize("made", ["nothing", "a file", "a broken link"])
def test_only_a_folder_is_taken(tmp_path: Path, made: str) -> None:
    (tmp_path / "site.yaml").write_text("base_url: https://books.example.com\n")
    if made == "a file":
        (tmp_path / "journeys").write_text("")
    elif made == "a broken link":
        (tmp_path / "journeys").symlink_to("nowhere")
    assert own_folder({"SIXFB_CONFIG": str(tmp_path)}) is None


def test_new_journey_says_how_it_is_run_where_it_stands(tmp_path: Path, folder: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    said = sixfb("new", "journey", "gift_voucher", cwd=elsewhere).stdout
    assert (elsewhere / "journeys" / "gift_voucher.py").is_file()
    assert "  sixfb new site https://your.shop --journey" not in said
    assert "there is a site.yaml beside its folder" in said
    said = sixfb("new", "journey", "gift_voucher", "--into", "mine", cwd=elsewhere).stdout
    assert "  SIXFB_JOURNEYS=mine sixfb run gift_voucher --site https://your.shop" in said
    said = sixfb("new", "journey", "gift_voucher", cwd=folder).stdout
    assert "  sixfb run gift_voucher\n" in said
    assert "  gift_voucher: {every: 5m}" in said


# -- pytest ------------------------------------------------------------------------------------------------------------


def test_pytest_takes_the_folder_and_its_own_options(folder: Path) -> None:
    done = sixfb("pytest", "--co", "-q", cwd=folder)
    assert done.returncode == 0, done.stdout
    names = {line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line}
    assert names == {"test_look_at_a_book[chromium]", "test_open_shop[chromium]"}
    done = sixfb("pytest", "--co", "-q", "-k", "open_shop", "--slowmo", "100", "--tracing=on", cwd=folder)
    assert [line for line in done.stdout.splitlines() if "::" in line] == [
        "journeys/open_shop.py::test_open_shop[chromium]"
    ]
    done = sixfb("pytest", "journeys/look_at_a_book.py", "--co", "-q", cwd=folder)
    assert "look_at_a_book[chromium]" in done.stdout
    assert "open_shop" not in done.stdout


def test_pytest_takes_any_folder_that_is_named(tmp_path: Path) -> None:
    add(tmp_path / "mine", "look_again")
    done = sixfb("pytest", "mine", "--co", "-q", cwd=tmp_path)
    assert "mine/look_again.py::test_look_again[chromium]" in done.stdout
    done = sixfb("pytest", "--co", cwd=tmp_path)
    assert (done.returncode, "name a folder of journeys" in done.stderr) == (2, True)
    done = sixfb("pytest", "nowhere", cwd=tmp_path)
    assert (done.returncode, "file or directory not found: nowhere" in done.stdout + done.stderr) == (4, True)


@pytest.mark.browser
def test_a_journey_fails_under_pytest_with_its_sentence(folder: Path) -> None:
    done = sixfb("pytest", "-k", "look_at_a_book", cwd=folder, SIXFB_SANDBOX="off")
    assert (done.returncode, "open: the journey's code raised LookupError: no such book" in done.stdout) == (1, True)
    assert not (folder / "test-results").exists()


@pytest.mark.browser
def test_a_run_of_it_is_recorded(folder: Path) -> None:
    done = sixfb("run", "look_at_a_book", "--json", "run.json", cwd=folder, SIXFB_SANDBOX="off")
    assert done.returncode == 1, done.stderr
    assert "no such book" in json.loads((folder / "run.json").read_text())["error"]
