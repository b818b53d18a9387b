"""One question to a Kafka broker over a bare socket: which brokers are there?

The real client backs off for up to a second between attempts; a start of 0.7 s cannot be polled with it.
"""

from __future__ import annotations

import socket
import struct

METADATA, VERSION, CORRELATION = 3, 1, 7
ASK = struct.Struct(">hhih0si")  # API key, its version, correlation id, client id (empty), number of topics
WITHIN_S = 2.0


def brokers_at(host: str, port: int) -> dict[int, str]:
    """Node id and advertised "host:port" of each broker there is; raises OSError while nobody answers."""
    ask = ASK.pack(METADATA, VERSION, CORRELATION, 0, b"", 0)
    with socket.create_connection((host, port), WITHIN_S) as link:
        link.sendall(struct.pack(">i", len(ask)) + ask)
        (length,) = struct.unpack(">i", _exactly(link, 4))
        answer = Answer(_exactly(link, length))
    answer.number(">i")  # correlation id
    return dict(_broker(answer) for _ in range(answer.number(">i")))


def _exactly(link: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        chunk = link.recv(count - len(received))
        if not chunk:
            raise ConnectionError("it closed the connection")
        received += chunk
    return received


class Answer:
    """The bytes of a response, read from the left."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return int(value)

    def text(self) -> str:
        length = max(0, self.number(">h"))  # -1 stands for none
        self.at += length
        return self.data[self.at - length : self.at].decode()


def _broker(answer: Answer) -> tuple[int, str]:
    node, host, port = answer.number(">i"), answer.text(), answer.number(">i")
    answer.text()  # its rack
    return node, f"{host}:{port}"
