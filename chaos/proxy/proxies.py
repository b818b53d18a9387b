"""The proxies of this process: where each listens, where it leads, which faults it carries, and their leases.

Proxies ──▶ Proxy "postgres"  listen 127.0.0.1:41873 ──▶ upstream 127.0.0.1:5432
              tally, toxics, links (one per connection)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import Any

from chaos.proxy import errors
from chaos.proxy.alarm import Alarm, now
from chaos.proxy.link import Link
from chaos.proxy.toxics import Toxic
from chaos.wire import protocols
from chaos.wire.tally import Tally

RECEIPTS_KEPT = 1_000
LEASE_CHECK_S = 0.05


def address(text: str) -> tuple[str, int]:
    """Host and port of "host:port", "[::1]:port" or ":port"; raises ValueError for anything else."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"address {text}: missing or wrong port in address")
    return host.strip("[]") or "127.0.0.1", int(port)


class Proxy:
    """One listening port and the server behind it; starts disabled."""

    def __init__(self, name: str, listen: str, upstream: str, protocol: str | None, seed: int, alarm: Alarm):
        self.name, self.seed, self.alarm, self.protocol = name, seed, alarm, protocol
        try:
            self.reader = protocols.reader(protocol)
        except KeyError as unknown:
            raise errors.bad_request_body(unknown.args[0]) from unknown
        self.tally = Tally()
        self.toxics: list[Toxic] = []
        self.ended: dict[str, Toxic] = {}  # by name, for their receipts; the oldest are forgotten
        self.links: set[Link] = set()
        self._sent = {"upstream": 0, "downstream": 0}  # on connections that have closed
        self._accepted = 0
        self._server: asyncio.Server | None = None
        self.lead(listen, upstream)

    def lead(self, listen: str, upstream: str) -> None:
        """Set both addresses; takes effect at the next start."""
        try:
            self.listen_address, self.upstream_address = address(listen or "127.0.0.1:0"), address(upstream)
        except ValueError as wrong:
            raise errors.ApiError(500, str(wrong)) from wrong
        self.listen, self.upstream = listen or "127.0.0.1:0", upstream

    @property
    def enabled(self) -> bool:
        return self._server is not None

    async def start(self) -> None:
        """Listen; raises ApiError if the port cannot be had."""
        if self._server:
            return
        host, port = self.listen_address
        try:
            family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            listening = socket.create_server(where[:2], family=family, backlog=1024)
        except OSError as refusal:
            reason = os.strerror(refusal.errno).lower() if refusal.errno and refusal.errno > 0 else refusal
            message = f"listen tcp {self.listen}: bind: {reason}"
            raise errors.ApiError(500, message) from refusal
        host, port = listening.getsockname()[:2]
        self.listen_address, self.listen = (
            (host, port),
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        )
        self._server = await asyncio.get_running_loop().create_server(self._accept, sock=listening)

    def _accept(self) -> asyncio.Protocol:
        self._accepted += 1
        return Link(self, self._accepted).client

    async def stop(self) -> None:
        """Listen no more and drop all connections."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for link in list(self.links):
            link.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await server.wait_closed()

    def forget(self, link: Link) -> None:
        """A connection has closed on both sides."""
        self.links.discard(link)
        for pipe in (link.up, link.down):
            pipe.relink([])
            self._sent[pipe.stream] += pipe.sink.sent

    def sent(self) -> dict[str, int]:
        """Bytes that were handed to a socket, by stream; what a fault has dropped or holds is not in it."""
        sent = dict(self._sent)
        for link in self.links:
            for pipe in (link.up, link.down):
                sent[pipe.stream] += pipe.sink.sent
        return sent

    def as_json(self) -> dict[str, Any]:
        """The proxy with its toxics, as Toxiproxy shows it."""
        toxics = [toxic.as_json() for stream in ("upstream", "downstream") for toxic in self._of(stream)]
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "toxics": toxics,
        }

    def _of(self, stream: str) -> list[Toxic]:
        return [toxic for toxic in self.toxics if toxic.stream == stream]

    def counts(self) -> dict[str, Any]:
        """What has passed since the last reset."""
        return {"protocol": self.protocol, **self.reader.as_json(self.tally)}

    def relink(self) -> None:
        """Tell all connections that the faults have changed."""
        for link in list(self.links):
            link.relink()

    def changed(self, toxic: Toxic) -> None:
        """Tell all connections that a fault has another toxicity or other attributes."""
        self.relink()
        for link in list(self.links):
            link.up.changed(toxic)
            link.down.changed(toxic)

    def add(self, toxic: Toxic) -> None:
        """A fault begins, also on the connections that exist."""
        if any(other.name == toxic.name for other in self.toxics):
            raise errors.toxic_already_exists()
        self.toxics.append(toxic)
        self.relink()

    def toxic(self, name: str) -> Toxic:
        """The active fault of a name."""
        for toxic in self.toxics:
            if toxic.name == name:
                return toxic
        raise errors.toxic_not_found()

    def receipt(self, name: str) -> dict[str, Any]:
        """What the fault of that name touches, or has touched if it is over."""
        with contextlib.suppress(errors.ApiError):
            return self.toxic(name).receipt_as_json()
        if name not in self.ended:
            raise errors.toxic_not_found()
        return self.ended[name].receipt_as_json()

    def end(self, toxic: Toxic, how: str) -> None:
        """A fault ends; what it holds back goes on at once."""
        self.toxics.remove(toxic)
        self.relink()
        toxic.stopped, toxic.ended = now(), how
        self.ended.pop(toxic.name, None)
        self.ended[toxic.name] = toxic
        while len(self.ended) > RECEIPTS_KEPT:
            del self.ended[next(iter(self.ended))]


class Proxies:
    """All proxies of this process by name."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.alarm = Alarm(asyncio.get_running_loop())
        self.by_name: dict[str, Proxy] = {}
        self.holders: set[str] = set()

    def make(self, name: str, listen: str, upstream: str, protocol: str | None = None) -> Proxy:
        """A proxy that does not listen yet."""
        return Proxy(name, listen, upstream, protocol, self.seed, self.alarm)

    def get(self, name: str) -> Proxy:
        """The proxy of a name; raises ApiError if there is none."""
        if name not in self.by_name:
            raise errors.proxy_not_found()
        return self.by_name[name]

    def end_where(self, condition: Callable[[Toxic], bool], how: str) -> None:
        """End all faults for which `condition(toxic)` holds."""
        for proxy in self.by_name.values():
            for toxic in [toxic for toxic in proxy.toxics if condition(toxic)]:
                proxy.end(toxic, how)

    def lose(self, holder: str) -> None:
        """The connection of a holder has closed: its faults end."""
        self.holders.discard(holder)
        self.end_where(lambda toxic: toxic.holder == holder, "holder gone")

    async def watch_leases(self) -> None:
        """End each fault whose lease is over, within 50 ms; never returns."""
        while True:
            await asyncio.sleep(LEASE_CHECK_S)
            self.end_where(lambda toxic: toxic.expired(now()), "lease ended")
