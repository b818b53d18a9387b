"""Ports on 127.0.0.1 that the kernel chose and that nobody else gets while we hold them.

    reserve()  ──bind, never listen──▶  the kernel gives a port and keeps it out of its pool
    server     ──SO_REUSEADDR bind, listen──▶  may share it, because our socket does not listen
    restart    ──same port──▶  still ours, since the reservation lives as long as the server object

Sharing a bound port with a socket that listens is how Linux reads SO_REUSEADDR. Elsewhere the reservation is
given back just before the server binds, and a start that loses that race is repeated with another port.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

from services.errors import BacklabError

LOOPBACK = "127.0.0.1"
SHARED = sys.platform == "linux"


class Reservation:
    """One port of 127.0.0.1, ours until `close()`."""

    def __init__(self, port: int = 0) -> None:
        self._socket: socket.socket | None = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((LOOPBACK, port))
        except OSError as refusal:
            self.close()
            raise BacklabError(
                f"port {port} on {LOOPBACK} cannot be had ({refusal.strerror})",
                "stop what listens there, or leave the port out and get a free one",
            ) from refusal
        self.port: int = self._socket.getsockname()[1]

    def lend(self) -> int:
        """The port, ready to be bound by the server that is about to start."""
        if not SHARED:
            self.close()
        return self.port

    def close(self) -> None:
        """Give the port back; safe to repeat."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def reserve(port: int | None = None) -> Reservation:
    """Reserve `port`, or one that the kernel chooses; raises `BacklabError` when it is taken."""
    return Reservation(port or 0)


class Ports:
    """All ports of one server: its main one, and further ones by name."""

    def __init__(self, port: int | None, names: Sequence[str]) -> None:
        self.main = reserve(port)
        try:
            self.more = {name: reserve() for name in names}
        except BaseException:
            self.main.close()
            raise

    def of(self, name: str) -> int:
        """The port called `name`."""
        return self.more[name].port

    def lend(self) -> int:
        """Make all ready to be bound; returns the main one."""
        for reservation in self.more.values():
            reservation.lend()
        return self.main.lend()

    def change(self) -> None:
        """Give all back and take others."""
        names = list(self.more)
        self.close()
        self.main, self.more = reserve(), {name: reserve() for name in names}

    def close(self) -> None:
        """Give all back; safe to repeat."""
        for reservation in (self.main, *self.more.values()):
            reservation.close()
