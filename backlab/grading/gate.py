"""A guest's only way to its servers, on which nothing moves but what the judge lets pass.

guest --request--> gate: waits --one round trip--> server --reply--> guest --next request--> gate: waits
A round trip is what a client sends at once and all that comes back before it sends again or its call ends.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from dataclasses import dataclass
from typing import Any

from backlab.sandbox.caller import Caller, GuestError

CHUNK = 1 << 16
CONNECTIONS = 8  # of one guest, open at a time
ANY = 1 << 30  # round trips: as many as it likes


@dataclass(frozen=True)
class _End:
    """One end of a connection, its other end, and which server it leads to."""

    sock: socket.socket
    other: socket.socket
    server: int
    from_guest: bool


class Gate:
    """One guest's connections to `servers` (ports on 127.0.0.1); `ports` are those that the guest uses.

    `trips` are the servers of the round trips that passed, in their order; whoever reads it may clear it.
    """

    def __init__(self, servers: list[int]) -> None:
        self._servers = servers
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in servers]
        self.ports = [int(listener.getsockname()[1]) for listener in self._listeners]
        self.trips: list[int] = []
        self._ends: list[_End] = []
        self._selector = selectors.DefaultSelector()
        for number, listener in enumerate(self._listeners):
            self._selector.register(listener, selectors.EVENT_READ, number)

    def quiet(self) -> None:
        """Raise `GuestError` where the guest has sent something though nobody has called it."""
        came = [key.data for key, _ in self._selector.select(0)]
        if any(isinstance(end, _End) and end.from_guest and _says_something(end.sock) for end in came):
            raise GuestError("it sends something to its servers though nobody has called it")

    def advance(self, caller: Caller, trips: int) -> bool:
        """Let at most so many round trips pass; True once the call is answered, False where it waits here."""
        self._selector.register(caller, selectors.EVENT_READ, caller)
        try:
            while True:
                ready = {key.fd: key.data for key, _ in self._selector.select(caller.left_s())}
                asking = self._carry(ready)
                if caller.fileno() in ready:
                    return True
                if asking is not None:
                    if trips == 0:
                        return False
                    trips -= 1
                    self._pass(asking)
        finally:
            self._selector.unregister(caller)

    def _carry(self, ready: dict[int, Any]) -> _End | None:
        """Carry replies, take connections in; which connection of the guest's asks for a round trip."""
        asking = None
        for what in ready.values():
            if isinstance(what, int):
                self._accept(what)
            elif isinstance(what, _End) and not what.from_guest:
                self._move(what)
            elif isinstance(what, _End) and asking is None:
                asking = what
        return asking

    def _pass(self, end: _End) -> None:
        if self._move(end):
            self.trips.append(end.server)

    def _move(self, end: _End) -> bool:
        """Carry what one end has sent; False where it had only hung up."""
        try:
            data = end.sock.recv(CHUNK)
            if data:
                end.other.sendall(data)
                return True
        except OSError:
            pass
        self._forget(end)
        return False

    def _forget(self, end: _End) -> None:
        for each in [each for each in self._ends if each.sock in (end.sock, end.other)]:
            self._ends.remove(each)
            self._selector.unregister(each.sock)
            each.sock.close()

    def _accept(self, number: int) -> None:
        theirs, _ = self._listeners[number].accept()
        if len(self._ends) >= 2 * CONNECTIONS:
            theirs.close()
            return
        server = socket.create_connection(("127.0.0.1", self._servers[number]), timeout=5)
        for sock in (theirs, server):
            sock.settimeout(5)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for end in (_End(theirs, server, number, True), _End(server, theirs, number, False)):
            self._ends.append(end)
            self._selector.register(end.sock, selectors.EVENT_READ, end)

    def close(self) -> None:
        """Close everything; what waits is lost."""
        for sock in [*self._listeners, *(end.sock for end in self._ends)]:
            with contextlib.suppress(OSError):
                sock.close()
        self._selector.close()


def _says_something(sock: socket.socket) -> bool:
    """Whether what has come is bytes; an end that only hung up says nothing."""
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except OSError:
        return False
