"""What the wire proxy costs in latency, requests a second and bytes a second, beside streams and HAProxy.

Toxiproxy has no package here, so its own published figures stand in for it (README of Shopify/toxiproxy,
"How fast is Toxiproxy?"): less than 0.1 ms added without toxics, and about 1,000 MB/s on four cores of a
laptop, up to 2,400 on a desktop. They are the limits of the first and the last row; it gives no requests/s.
"""

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
from tests.bench.haproxy import haproxy, program

ROUNDS = 31
PING_ROUNDS, PINGS = 150, 60
MEGABYTES = 100
PIECE = bytes(1 << 20)
STREAMS, HAPROXY = "asyncio streams", "HAProxy, one thread"
# times better at least: in added latency, requests/s and MB/s; neither anchor counts, and HAProxy is in C
RATIOS = {STREAMS: (1.1, 1.1, 1.2), HAPROXY: (0.4, 0.5, 0.5)}


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


def ping_ms(link: socket.socket) -> float:
    """Median milliseconds for 100 bytes there and back, one at a time."""
    taken = []
    for _ in range(PINGS):
        begun = time.perf_counter()
        link.sendall(PIECE[:100])
        link.recv(200)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1e3


def added_ms(bare: int, ports: dict[str, int]) -> dict[str, float]:
    """What each port adds to the bare one's milliseconds: the median over many short rounds of all in turn.

    Rounds of a few ms meet the same machine; in long ones a slow moment of the bare arm alone decides.
    """
    with ExitStack() as stack:
        links = {name: stack.enter_context(connected(port)) for name, port in {"bare": bare, **ports}.items()}
        rounds = [{name: ping_ms(link) for name, link in links.items()} for _ in range(PING_ROUNDS)]
    return {name: statistics.median(each[name] - each["bare"] for each in rounds) for name in ports}


def megabytes_per_s(port: int) -> float:
    """How fast a large message gets through to a server that swallows it and then says so."""
    with connected(port) as link:
        begun = time.perf_counter()
        for _ in range(MEGABYTES):
            link.sendall(PIECE)
        link.sendall(b"\n")
        link.recv(1)
        return MEGABYTES * len(PIECE) / 1e6 / (time.perf_counter() - begun)


def arms(stack: ExitStack, echo: int, sink: int) -> dict[str, dict[str, int]]:
    """Per kind of proxy, its port before the echo and before the sink."""
    proxy = stack.enter_context(ProxyServer())
    upstreams = {"echo": echo, "sink": sink}
    made = {
        "ours": {name: proxy.proxy(name, upstream=f"127.0.0.1:{at}").port for name, at in upstreams.items()},
        STREAMS: {name: stack.enter_context(peer("streams", str(at))) for name, at in upstreams.items()},
    }
    if program():
        made[HAPROXY] = stack.enter_context(haproxy(upstreams))
    else:
        print("  haproxy is not installed (Debian package haproxy); its rows are left out", file=sys.stderr)
    return made


def figures() -> Iterator[Figure]:
    """Ours, the anchors and no proxy at all, in turn."""
    with ExitStack() as stack:
        echo, sink = stack.enter_context(peer("echo")), stack.enter_context(peer("sink"))
        made = arms(stack, echo, sink)
        anchors = [name for name in made if name != "ours"]
        echoes = {name: ports["echo"] for name, ports in made.items()}
        ms = added_ms(echo, echoes)
        for name in anchors:
            yield Figure("proxy adds to a round trip", "ms", ms["ours"], 0.1, name, ms[name], RATIOS[name][0])
        rates = interleaved({name: lambda at=at: requests_per_s(at) for name, at in echoes.items()}, ROUNDS)
        for name in anchors:
            ratio = RATIOS[name][1]
            yield Figure("proxy carries", "requests/s", rates["ours"], 20_000, name, rates[name], ratio, True)
        sinks = {name: ports["sink"] for name, ports in made.items()}
        rates = interleaved({name: lambda at=at: megabytes_per_s(at) for name, at in sinks.items()}, ROUNDS)
        for name in anchors:
            ratio = RATIOS[name][2]
            yield Figure("proxy carries", "MB/s", rates["ours"], 1_000, name, rates[name], ratio, True)
