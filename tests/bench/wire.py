"""What the wire proxy costs: added latency, requests a second and bytes a second, against asyncio streams."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from chaos.client import ProxyServer
from tests.bench.figure import Figure, interleaved
from tests.bench.flood import requests_per_s

ROUNDS = 3
PINGS = 2_000
MEGABYTES = 800
PIECE = bytes(1 << 20)


@contextmanager
def peer(*arguments: str) -> Iterator[int]:
    """A process of tests.bench.peers; its port."""
    command = [sys.executable, "-m", "tests.bench.peers", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def connected(port: int) -> socket.socket:
    """A connection without Nagle's delay."""
    link = socket.create_connection(("127.0.0.1", port), timeout=20)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def ping_ms(port: int) -> float:
    """Median milliseconds for 100 bytes there and back, one at a time."""
    taken = []
    with connected(port) as link:
        for _ in range(PINGS):
            begun = time.perf_counter()
            link.sendall(PIECE[:100])
            link.recv(200)
            taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1e3


def megabytes_per_s(port: int) -> float:
    """How fast a large message gets through to a server that swallows it and then says so."""
    with connected(port) as link:
        begun = time.perf_counter()
        for _ in range(MEGABYTES):
            link.sendall(PIECE)
        link.sendall(b"\n")
        link.recv(1)
        return MEGABYTES * len(PIECE) / 1e6 / (time.perf_counter() - begun)


def figures() -> Iterator[Figure]:
    """Ours, the anchor and no proxy at all, in turn."""
    with ExitStack() as stack:
        echo, sink = stack.enter_context(peer("echo")), stack.enter_context(peer("sink"))
        proxy = stack.enter_context(ProxyServer())
        ours = {
            name: proxy.proxy(name, upstream=f"127.0.0.1:{at}").port
            for name, at in (("e", echo), ("s", sink))
        }
        theirs = {
            "e": stack.enter_context(peer("streams", str(echo))),
            "s": stack.enter_context(peer("streams", str(sink))),
        }
        name = "asyncio streams"
        ports = {"bare": echo, "ours": ours["e"], "theirs": theirs["e"]}
        ms = interleaved({arm: lambda at=at: ping_ms(at) for arm, at in ports.items()}, ROUNDS)
        added = {arm: ms[arm] - ms["bare"] for arm in ("ours", "theirs")}
        yield Figure("proxy adds to a round trip", "ms", added["ours"], 0.1, name, added["theirs"], 1.2)
        del ports["bare"]
        rates = interleaved({arm: lambda at=at: requests_per_s(at) for arm, at in ports.items()}, ROUNDS)
        yield Figure("proxy carries", "requests/s", rates["ours"], 20_000, name, rates["theirs"], 1.2, True)
        ports = {"ours": ours["s"], "theirs": theirs["s"]}
        rates = interleaved({arm: lambda at=at: megabytes_per_s(at) for arm, at in ports.items()}, ROUNDS)
        yield Figure("proxy carries", "MB/s", rates["ours"], 1_000, name, rates["theirs"], 1.2, True)
