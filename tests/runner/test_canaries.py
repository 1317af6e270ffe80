"""What answers when our own network is well."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.attempt.canaries import (
    answers,
    any_name_server_answers,
    configured,
    look,
    name_servers,
    site_accepts_connections,
)
from tests.blame.sockets import a_closed_port, a_name_server, a_port, says_nothing

HUB = "https://hub.example.com"


@contextmanager
def a_name_server_by_udp(code: int) -> Iterator[tuple[int, list[bytes]]]:
    """Answers every question with a response code; keeps the questions."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.1)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    question, client = sock.recvfrom(512)
                except TimeoutError:
                    continue
                asked.append(question)
                sock.sendto(question[:2] + bytes([0x80, code]) + question[4:], client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield sock.getsockname()[1], asked
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize(("code", "well"), [(0, True), (3, True), (5, True), (2, False)])
def test_a_name_server_is_well_unless_it_can_reach_nobody(code: int, well: bool) -> None:
    with a_name_server_by_udp(code) as (port, asked):
        assert answers(f"dns://127.0.0.1:{port}") is well
    assert len(asked) == 1


def test_a_name_server_is_asked_for_a_new_name_each_time() -> None:
    with a_name_server_by_udp(3) as (port, asked):
        for _ in range(2):
            answers(f"dns://127.0.0.1:{port}")
    assert asked[0][12:] != asked[1][12:]


def test_a_name_server_that_only_speaks_tcp_is_well() -> None:
    with a_port(a_name_server(code=3)) as port:
        assert answers(f"dns://127.0.0.1:{port}")


def test_a_port_that_takes_questions_and_says_nothing_is_no_name_server() -> None:
    with a_port(says_nothing) as port:
        assert not answers(f"dns://127.0.0.1:{port}")


def test_one_name_server_of_several_is_enough() -> None:
    with a_name_server_by_udp(0) as (port, _):
        assert any_name_server_answers(["127.0.0.2", "127.0.0.1"], port)
    assert not any_name_server_answers([])


def test_the_name_servers_are_the_systems(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# a comment\nsearch example.com\nnameserver 10.0.0.1\nnameserver fd00::1\n")
    assert name_servers(file) == ["10.0.0.1", "fd00::1"]
    assert name_servers(tmp_path / "nowhere") == []


def test_an_address_answers_where_it_takes_a_connection() -> None:
    with a_port(says_nothing) as port:
        dead = f"tcp://127.0.0.1:{a_closed_port()}"
        assert look([f"tcp://127.0.0.1:{port}", dead]) == ((f"tcp://127.0.0.1:{port}", True), (dead, False))
        assert site_accepts_connections(f"http://127.0.0.1:{port}/shop")
    assert not site_accepts_connections(f"http://127.0.0.1:{a_closed_port()}/shop")


@pytest.mark.parametrize(
    ("canaries", "hub", "site", "asked"),
    [
        (["hub", "resolver"], HUB, "https://shop.example.com", [HUB, "resolver"]),
        (["hub", "resolver"], None, "https://shop.example.com", ["resolver"]),
        (["tcp://10.0.0.1:443"], HUB, "https://shop.example.com", ["tcp://10.0.0.1:443"]),
        # A hub on this machine answers whatever becomes of the network.
        (["hub", "resolver"], "http://127.0.0.1:8000", "https://shop.example.com", ["resolver"]),
        # A site on this machine needs no network.
        (["hub", "resolver"], "http://127.0.0.1:8000", "http://localhost:3000", ["http://127.0.0.1:8000"]),
        (["hub", "resolver", "tcp://10.0.0.1:1"], HUB, "http://127.0.0.1:3000", ["tcp://10.0.0.1:1"]),
    ],
)
def test_the_hub_stands_for_its_address(canaries: list[str], hub: str | None, site: str, asked: list[str]) -> None:
    assert configured(canaries, site_url=site, hub_url=hub) == asked
