"""Record what passes between a real client and a real server, and chop it as no network would dare to."""

import socket
import threading
from itertools import groupby, pairwise

from hypothesis import strategies as st

from chaos.wire.protocols import PROTOCOLS
from chaos.wire.tally import Tally


class Recording(list[tuple[str, bytes]]):
    """Pieces of a connection with their direction, in order."""

    def __repr__(self) -> str:
        return f"<{len(self)} pieces>"  # hypothesis prints its arguments


class Recorder:
    """Relays one connection to a server and keeps what passed, in the order in which it passed."""

    def __init__(self, host: str, port: int) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.passed = Recording()
        self.upstream = (host, port)
        self.thread = threading.Thread(target=self._relay, daemon=True)
        self.thread.start()

    def _relay(self) -> None:
        client, _ = self.listening.accept()
        with client, socket.create_connection(self.upstream) as server:
            back = threading.Thread(target=self._copy, args=(server, client, "down"), daemon=True)
            back.start()
            self._copy(client, server, "up")
            back.join()

    def _copy(self, source: socket.socket, target: socket.socket, direction: str) -> None:
        while data := source.recv(1 << 16):
            self.passed.append((direction, data))
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def joined(pieces: Recording) -> Recording:
    """Neighbours of the same direction as one piece."""
    groups = groupby(pieces, key=lambda piece: piece[0])
    return Recording((direction, b"".join(data for _, data in group)) for direction, group in groups)


def chopped(pieces: Recording, data: st.DataObject) -> Recording:
    """The same bytes in the same order, cut at other places that hypothesis chooses."""
    result = Recording()
    for direction, stream in joined(pieces):
        cuts = data.draw(st.sets(st.integers(1, max(len(stream) - 1, 1)), max_size=12)) - {len(stream)}
        result += [(direction, stream[a:b]) for a, b in pairwise([0, *sorted(cuts), len(stream)])]
    return result


def single_bytes(pieces: Recording) -> Recording:
    """One byte at a time."""
    return Recording((direction, bytes([byte])) for direction, data in pieces for byte in data)


def counted(protocol: str, pieces: Recording) -> dict[str, object]:
    """What a conversation of that protocol counts in these pieces."""
    tally, reader = Tally(), PROTOCOLS[protocol]
    assert reader.conversation is not None
    conversation = reader.conversation(tally)
    for direction, data in pieces:
        (conversation.up if direction == "up" else conversation.down)(data)
    return reader.as_json(tally)
