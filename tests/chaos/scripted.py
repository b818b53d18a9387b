"""A real TCP server that answers each request with the pieces that a test dictates, one send per piece."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nall that comes"

Answer = Callable[
    [int], Iterable[bytes]
]  # the request's number, counted from 0 -> pieces; raise Hangup to close


class Hangup(Exception):
    """The server closes the connection here."""


class Scripted:
    """`answer(n)` says what the n-th request gets; `connections` and `requests` are counted."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections = self.requests = 0
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        self.die()

    def die(self) -> None:
        """Stop listening and cut every connection, as a killed process does."""
        with self._lock:
            self._hang_up(self._listening)
            for link in self._open:
                self._hang_up(link)

    @staticmethod
    def _hang_up(link: socket.socket) -> None:
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)  # wakes whoever waits on it
        link.close()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listening.accept()
            except OSError:
                return
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.append(link)
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        asked = b""
        try:
            while data := link.recv(1 << 16):
                asked += data
                while b"\r\n\r\n" in asked:
                    asked = asked.partition(b"\r\n\r\n")[2]
                    with self._lock:
                        number, self.requests = self.requests, self.requests + 1
                    for piece in self.answer(number):
                        link.sendall(piece)
        except (OSError, Hangup):
            pass
        link.close()
