"""Proxies and certificates: the usual variables, for the browser and for our own clients."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import certifi
import pytest

from config import ConfigError
from process.network import (
    browser_proxy,
    ca_file,
    on_the_way,
    proxy_passwords,
    proxy_settings,
    spare_this_machine,
    tls_context,
)

HTTPS, HTTP = "https://shop.example/", "http://shop.example/"


@pytest.mark.parametrize(
    ("environment", "url", "server"),
    [
        ({}, HTTPS, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, HTTPS, "http://proxy:3128"),
        ({"https_proxy": "http://small:1", "HTTPS_PROXY": "http://large:2"}, HTTPS, "http://small:1"),
        ({"HTTPS_PROXY": "http://proxy:3128"}, HTTP, None),
        ({"HTTP_PROXY": "proxy:3128"}, HTTP, "http://proxy:3128"),
        ({"ALL_PROXY": "socks5://proxy"}, HTTPS, "socks5://proxy:1080"),
        ({"HTTPS_PROXY": "http://[fd00::1]:3128"}, HTTPS, "http://[fd00::1]:3128"),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}, HTTPS, None),
    ],
)
def test_the_browsers_proxy_is_that_of_the_sites_scheme(
    environment: dict[str, str], url: str, server: str | None
) -> None:
    found = browser_proxy(proxy_settings(environment), url)
    assert (found.server if found else None) == server


def test_a_login_is_told_apart_from_the_address() -> None:
    settings = proxy_settings({"HTTPS_PROXY": "http://me:p%40ss@proxy:3128"})
    found = browser_proxy(settings, HTTPS)
    assert found is not None
    assert found.launch == {
        "server": "http://proxy:3128",
        "bypass": "localhost,127.0.0.1,[::1]",
        "username": "me",
        "password": "p@ss",
    }
    assert "p@ss" not in repr(found)
    assert set(proxy_passwords(settings)) == {"p%40ss", "p@ss"}


@pytest.mark.parametrize(
    ("without", "bypass"),
    [
        ("example.com", "example.com,.example.com"),
        (".example.com, hub.test:8600", "example.com,.example.com,hub.test:8600,.hub.test:8600"),
        ("10.0.0.0/8,192.168.1.7", "10.0.0.0/8,192.168.1.7"),
    ],
)
def test_what_needs_no_proxy_is_said_as_browsers_say_it(without: str, bypass: str) -> None:
    found = browser_proxy({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": without}, HTTPS)
    assert found is not None
    assert found.bypass == f"localhost,127.0.0.1,[::1],{bypass}"


@pytest.mark.parametrize(
    "proxy",
    [
        "ftp://proxy",
        "http://proxy:99999",
        "http://proxy:0",
        "proxy:",
        "http://proxy:port",
        "http://[::1",
        "http://a..b",
        "http://h h",
    ],
)
def test_what_is_no_proxy_is_refused(proxy: str) -> None:
    with pytest.raises(ConfigError, match="HTTPS_PROXY: is no proxy's address"):
        browser_proxy({"HTTPS_PROXY": proxy}, HTTPS)


@pytest.fixture
def one_ca(tmp_path: Path) -> str:
    """The first of the usual certificates, as if it were a company's own."""
    end = "-----END CERTIFICATE-----"
    whole = Path(certifi.where()).read_text(encoding="utf-8")
    first = whole[whole.index("-----BEGIN") : whole.index(end)] + end + "\n"
    (tmp_path / "ca.pem").write_text(first, encoding="utf-8")
    return str(tmp_path / "ca.pem")


def trusted(environment: dict[str, str]) -> int:
    context = tls_context(environment)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    return context.cert_store_stats()["x509_ca"]


def test_a_file_of_certificates_takes_the_place_of_the_usual_ones(one_ca: str) -> None:
    assert trusted({}) > 50
    assert trusted({"SSL_CERT_FILE": one_ca}) == 1


def test_extra_certificates_come_on_top(one_ca: str) -> None:
    assert trusted({"SSL_CERT_FILE": one_ca, "NODE_EXTRA_CA_CERTS": certifi.where()}) == trusted({})


def test_certificates_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
        tls_context({"SSL_CERT_FILE": str(tmp_path / "none.pem")})


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])
def test_certificates_are_read_from_a_file_and_from_nothing_that_never_ends(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, what in (
        (tmp_path / "pipe", "it is a named pipe"),
        (tmp_path, "it is a folder"),
        ("/dev/zero", "a device"),
    ):
        with pytest.raises(ConfigError, match=f"{name}: the certificates in .* cannot be read: .*{what}"):
            tls_context({name: str(path)})


def test_a_folder_of_certificates_that_is_none_is_refused_since_nobody_would_be_trusted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SSL_CERT_DIR: /nowhere is no folder"):
        tls_context({"SSL_CERT_DIR": "/nowhere"})
    tls_context({"SSL_CERT_DIR": f"/nowhere:{tmp_path}"})


def test_a_library_that_wants_one_file_gets_one(one_ca: str) -> None:
    assert ca_file("usual.pem", {}) == "usual.pem"
    assert ca_file("usual.pem", {"SSL_CERT_FILE": one_ca}) == one_ca
    both = Path(ca_file(one_ca, {"NODE_EXTRA_CA_CERTS": one_ca}))
    assert both.read_text(encoding="utf-8").count("BEGIN CERTIFICATE") == 2
    assert len(ssl.create_default_context(cafile=str(both)).get_ca_certs()) == 1, "the library cannot read it"


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="only Linux has files that end with their process")
def test_a_process_that_is_killed_leaves_no_such_file(one_ca: str, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    program = (
        "import os, signal; from process.network import ca_file; "
        f"assert os.path.exists(ca_file({one_ca!r})); os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "NODE_EXTRA_CA_CERTS": one_ca, "TMPDIR": str(folder)}
    done = subprocess.run([sys.executable, "-P", "-c", program], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(folder.iterdir()) == []


def test_no_client_of_ours_asks_a_proxy_for_this_machine() -> None:
    environment = {"HTTPS_PROXY": "http://proxy:3128", "no_proxy": "hub.test, 127.0.0.1"}
    spare_this_machine(environment)
    assert environment["NO_PROXY"] == environment["no_proxy"] == "hub.test,127.0.0.1,localhost,::1"
    found = browser_proxy(proxy_settings(environment), HTTPS)
    assert found is not None
    assert found.bypass == "localhost,127.0.0.1,[::1],hub.test,.hub.test,.localhost"


def test_without_a_proxy_nothing_is_set() -> None:
    environment: dict[str, str] = {"PATH": "/bin"}
    spare_this_machine(environment)
    assert environment == {"PATH": "/bin"}


@pytest.mark.parametrize(
    ("url", "spared", "stands"),
    [
        ("http://shop.example.com", "", True),
        ("http://shop.example.com", "example.org", True),
        ("http://shop.example.com", "example.com", False),
        ("http://shop.example.com:8080", "x.org, .example.com", False),
        ("http://shop.example.com:8080", "*.example.com", False),
        ("http://notexample.com", "example.com", True),
        ("http://shop.example.com", "*", False),
        ("http://10.1.2.3:80", "10.0.0.0/8", False),
        ("http://11.1.2.3:80", "10.0.0.0/8", True),
        ("http://10.1.2.3", "10.1.2.3", False),
        ("http://[fd00::7]", "fd00::/8", False),
        ("http://localhost:8000", "", False),
        ("http://127.0.0.1:8000", "", False),
        ("http://[::1]:8000", "", False),
    ],
)
def test_a_proxy_stands_on_the_way_to_what_no_proxy_does_not_spare(url: str, spared: str, *, stands: bool) -> None:
    settings = {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": spared}
    assert (on_the_way(settings, url) is not None) is stands
