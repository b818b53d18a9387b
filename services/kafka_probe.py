"""One question to a Kafka broker over a bare socket: which brokers does it know, and does it know this topic?

The real client backs off for up to a second between attempts; a start of 0.7 s cannot be polled with it. Nor
can one tell it which broker to ask.
"""

from __future__ import annotations

import socket
import struct

METADATA, VERSION, CORRELATION = 3, 4, 7
HEADER = struct.Struct(">hhih")  # API key, its version, correlation id, length of the client id
CREATE_NONE = b"\0"  # version 4 is the first that can ask without making the topic
WITHIN_S = 2.0


def brokers_at(host: str, port: int) -> dict[int, str]:
    """Node id and advertised "host:port" of each broker there is; raises OSError while nobody answers."""
    return _brokers(_metadata(host, port))


def knows_topic(host: str, port: int, topic: str) -> bool:
    """Whether the broker at this address knows a topic with all its leaders; raises OSError as above."""
    answer = _metadata(host, port, topic)
    _brokers(answer)
    answer.text()  # the cluster's id
    answer.number(">i")  # its controller
    assert answer.number(">i") == 1, "one topic was asked for"
    error = answer.number(">h")
    answer.text(), answer.number(">?")  # its name, and whether it is internal
    errors = [_partition_error(answer) for _ in range(answer.number(">i"))]
    return error == 0 and not any(errors)


def _metadata(host: str, port: int, *topics: str) -> Answer:
    names = b"".join(struct.pack(">h", len(topic)) + topic.encode() for topic in topics)
    ask = HEADER.pack(METADATA, VERSION, CORRELATION, 0) + struct.pack(">i", len(topics))
    ask += names + CREATE_NONE
    with socket.create_connection((host, port), WITHIN_S) as link:
        link.sendall(struct.pack(">i", len(ask)) + ask)
        (length,) = struct.unpack(">i", _exactly(link, 4))
        answer = Answer(_exactly(link, length))
    answer.number(">i")  # correlation id
    answer.number(">i")  # how long it throttled us, in ms
    return answer


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


def _brokers(answer: Answer) -> dict[int, str]:
    return dict(_broker(answer) for _ in range(answer.number(">i")))


def _partition_error(answer: Answer) -> int:
    error = answer.number(">h")
    answer.number(">i"), answer.number(">i")  # its number and its leader
    for _ in ("replicas", "those in sync"):
        for _ in range(answer.number(">i")):
            answer.number(">i")
    return error


def _broker(answer: Answer) -> tuple[int, str]:
    node, host, port = answer.number(">i"), answer.text(), answer.number(">i")
    answer.text()  # its rack
    return node, f"{host}:{port}"
