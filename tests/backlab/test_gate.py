"""The gate lets one round trip through at a time, and sees what nobody has called for; with a real Redis."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import redis

from backlab.grading.gate import ANY, Gate
from backlab.sandbox.caller import GuestError, Parrot
from services.redis import Redis


class Called(Parrot):
    """A guest in a thread of this process: its call is answered when the thread's work has ended."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__({})
        self._line, answered = socket.socketpair()
        self._thread = threading.Thread(target=lambda: (work(), answered.send(b"\n")), daemon=True)

    def go(self) -> None:
        """The call begins."""
        self._thread.start()


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    """A Redis."""
    with Redis() as made:
        yield made


@pytest.fixture
def gate(server: Redis) -> Iterator[Gate]:
    """A gate before it."""
    made = Gate([server.port])
    yield made
    made.close()


def client(server: Redis, gate: Gate) -> redis.Redis:
    """A client that goes through the gate."""
    return redis.Redis.from_url(server.url.replace(f":{server.port}/", f":{gate.ports[0]}/"))


def connected(server: Redis, gate: Gate) -> redis.Redis:
    """One that has its connection."""
    made = client(server, gate)
    greets = Called(lambda: made.ping() and None)
    greets.go()
    assert gate.advance(greets, ANY)
    gate.trips.clear()
    return made


def test_a_round_trip_passes_when_the_judge_lets_it(server: Redis, gate: Gate) -> None:
    """Until then the server has not heard of it."""
    with client(server, gate) as through, redis.Redis.from_url(server.url) as past:
        through = connected(server, gate)

        def work() -> None:
            through.set("a", "1")
            through.set("a", "2")

        call = Called(work)
        call.go()
        seen = []
        for trips in (0, 1, 0, 1):
            over = gate.advance(call, trips)
            seen.append((over, past.get("a")))
        assert seen == [(False, None), (False, b"1"), (False, b"1"), (True, b"2")]
        assert gate.trips == [0, 0]


def test_what_a_guest_sends_uncalled_is_told(server: Redis, gate: Gate) -> None:
    """A thread that goes on after the answer would slip a round trip into the next call."""
    with connected(server, gate) as through:
        late = threading.Event()

        def work() -> None:
            threading.Thread(target=lambda: (through.ping(), late.set()), daemon=True).start()

        call = Called(work)
        call.go()
        gate.advance(call, 0)
        waits = Called(lambda: late.wait(20) and None)
        waits.go()
        assert not gate.advance(waits, 0)  # the late ping stands at the gate
        with pytest.raises(GuestError, match="nobody has called"):
            gate.quiet()
        assert gate.advance(waits, ANY)
        gate.quiet()
