"""Ports come from the kernel without a race, and stay ours as long as we want them."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from services import ports
from services.errors import BacklabError
from services.postgres import Postgres
from services.redis import Redis
from services.server import Server


def test_reserved_ports_differ_and_nobody_else_is_given_one() -> None:
    """While a port is reserved the kernel gives it to no other socket, though nobody listens on it."""
    reserved = [ports.reserve() for _ in range(500)]
    numbers = {each.port for each in reserved}
    assert len(numbers) == 500
    strangers = [socket.socket() for _ in range(500)]
    for stranger in strangers:
        stranger.bind((ports.LOOPBACK, 0))
    assert not numbers & {stranger.getsockname()[1] for stranger in strangers}
    for each in [*reserved, *strangers]:
        each.close()


def test_a_port_that_is_taken_is_one_sentence() -> None:
    """A port asked for by number and listened on by somebody else is refused before anything starts."""
    with socket.socket() as stranger:
        stranger.bind((ports.LOOPBACK, 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        with pytest.raises(BacklabError, match=f"port {port} .* cannot be had"):
            Postgres(backend="native", port=port).start()


def test_a_server_takes_the_port_it_is_told_to(backend: str) -> None:
    """A free port asked for by number is the one it listens on."""
    free = ports.reserve()
    free.close()
    with Redis(backend=backend, port=free.port) as server:
        assert server.port == free.port


def start_and_stop(kind: type[Server]) -> int:
    """One life of a server; the answer is how many ports it had to try."""
    with kind(backend="native") as server:
        return server.tries


@pytest.mark.parametrize(("kind", "starts"), [(Redis, 200), (Postgres, 40)])
def test_many_starts_four_at_once_never_collide(kind: type[Server], starts: int) -> None:
    """Four servers start at any time, and none of them meets a port that is in use."""
    with ThreadPoolExecutor(4) as pool:
        tries = list(pool.map(start_and_stop, [kind] * starts))
    assert tries == [1] * starts


def test_a_port_stolen_between_reservation_and_start_is_replaced() -> None:
    """Where a reservation cannot be shared, a lost race costs another try and not the start."""
    server = Redis(backend="native")
    server.start()
    server.halt()
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind((ports.LOOPBACK, server.port))
        thief.listen()
        stolen = server.port
        server.start()
        assert server.port != stolen
        assert server.tries == 2
    server.stop()
