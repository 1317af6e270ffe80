"""A shortage of file descriptors closes the connections that come, and stops nobody from coming back."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from process.descriptors import most_connections, raise_descriptor_limit
from process.listeners import Listener, listen


@contextmanager
def a_limit(soft: int) -> Iterator[None]:
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


def none_left() -> int:
    """The limit with which no descriptor is left: the lowest that is free."""
    free = os.dup(0)
    os.close(free)
    return free


@pytest.fixture
def listener() -> Iterator[Listener]:
    (opened,) = listen("127.0.0.1")
    yield opened
    opened.close()


def a_client(listener: Listener) -> socket.socket:
    return socket.create_connection(listener.getsockname(), timeout=30)


def test_without_a_descriptor_whoever_waits_is_told_and_the_next_one_is_served(listener: Listener) -> None:
    with a_client(listener) as refused, a_client(listener) as next_one:
        with a_limit(none_left()), pytest.raises(BlockingIOError):
            listener.accept()
        assert refused.recv(1) == b""
        accepted, _ = listener.accept()
        accepted.sendall(b"welcome")
        assert next_one.recv(7) == b"welcome"
        accepted.close()


def test_with_no_reserve_either_it_is_said_once_and_then_waited(listener: Listener) -> None:
    with a_client(listener), a_limit(none_left()):
        assert listener._reserve is not None
        os.close(listener._reserve)
        listener._reserve, taken = None, os.dup(0)
        try:
            with pytest.raises(OSError, match="Too many open files"):
                listener.accept()
            # asyncio calls again at once, as often as its backlog is long.
            with pytest.raises(BlockingIOError):
                listener.accept()
        finally:
            os.close(taken)


def test_a_burst_is_accepted_in_parts_so_that_something_else_is_done_between(listener: Listener) -> None:
    clients = [a_client(listener) for _ in range(70)]
    accepted = [listener.accept()[0] for _ in range(64)]
    with pytest.raises(BlockingIOError):
        listener.accept()
    accepted += [listener.accept()[0] for _ in range(6)]
    for one in (*clients, *accepted):
        one.close()


def test_a_port_that_is_taken_is_an_error(listener: Listener) -> None:
    with pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", listener.getsockname()[1])


def test_the_limit_of_descriptors_is_raised_and_some_are_kept_back() -> None:
    with a_limit(256):
        assert most_connections(at_most=1024) == 128
        assert raise_descriptor_limit() == min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 65_536)
    with a_limit(1000):
        assert most_connections(at_most=1024) == 744
        assert most_connections(at_most=100) == 100
