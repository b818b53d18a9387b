"""PostgreSQL's messages are counted right, however the network cuts and joins them."""

import socket
import threading
from itertools import groupby, pairwise

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.wire.postgres import NAMES_DOWN, NAMES_UP, PostgresConversation, as_json
from chaos.wire.tally import Tally

ROWS = 300


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


@pytest.fixture(scope="module")
def recording(postgres) -> Recording:
    """A real session: refused TLS, log-in, both query protocols, COPY both ways, an error, a pipeline."""
    relay = Recorder(postgres.host, postgres.port)
    url = postgres.url.replace(f":{postgres.port}/", f":{relay.port}/")
    with psycopg.connect(url, sslmode="prefer", connect_timeout=10) as connection:
        connection.execute("CREATE TEMPORARY TABLE t (a int, b text)")
        with connection.cursor().copy("COPY t FROM STDIN") as copy:
            for number in range(ROWS):
                copy.write_row((number, "x" * number))
        connection.execute("SELECT * FROM t WHERE a >= %s", [0]).fetchall()
        with connection.cursor().copy("COPY t TO STDOUT") as copy:
            assert len(list(copy)) > 0
        with pytest.raises(psycopg.errors.DivisionByZero), connection.transaction():
            connection.execute("SELECT 1 / 0")
        with connection.pipeline():
            for number in range(5):
                connection.execute("SELECT %s::int", [number])
    relay.thread.join(10)
    return relay.passed


def count(pieces: Recording) -> dict[str, object]:
    """What a conversation counts in these pieces."""
    tally = Tally()
    conversation = PostgresConversation(tally)
    for direction, data in pieces:
        (conversation.up if direction == "up" else conversation.down)(data)
    return as_json(tally)


def joined(pieces: Recording) -> Recording:
    """Neighbours of the same direction as one piece."""
    groups = groupby(pieces, key=lambda piece: piece[0])
    return Recording((direction, b"".join(data for _, data in group)) for direction, group in groups)


def plain_count(pieces: Recording) -> dict[str, int]:
    """The messages after the log-in request by the simplest parser there is, on the whole stream at once."""
    names: dict[str, int] = {}
    for wanted, table in (("up", NAMES_UP), ("down", NAMES_DOWN)):
        stream = b"".join(data for direction, data in pieces if direction == wanted)
        if wanted == "up":
            stream = stream[8:]  # SSLRequest
            stream = stream[int.from_bytes(stream[:4], "big") :]  # StartupMessage
        else:
            stream = stream[1:]  # the answer to SSLRequest
        while stream:
            name = table[stream[0]]
            names[name] = names.get(name, 0) + 1
            stream = stream[1 + int.from_bytes(stream[1:5], "big") :]
    return names


def test_a_recorded_session_holds_what_was_sent(recording):
    """Counts that we know from what the session did: rows, statements, transaction control."""
    counted = count(recording)
    assert counted["rows"] == ROWS + 5
    assert counted["statements"] == 4 + 4 + 5  # four plain, four around the savepoint, five in the pipeline
    assert counted["control"] == 2  # BEGIN and COMMIT
    assert counted["opaque"] == 0


def test_all_messages_are_found(recording):
    """The same counts as a parser that has the whole stream at once."""
    messages = dict(count(recording)["messages"])
    assert messages.pop("SSLRequest") == messages.pop("StartupMessage") == 1
    assert messages == plain_count(recording)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_counts_do_not_depend_on_where_the_network_cuts(recording, data):
    """Any chopping of the recorded session counts the same."""
    pieces = []
    for direction, stream in joined(recording):
        cuts = sorted(
            data.draw(st.sets(st.integers(1, max(len(stream) - 1, 1)), max_size=12)) - {len(stream)}
        )
        pieces += [(direction, stream[a:b]) for a, b in pairwise([0, *cuts, len(stream)])]
    assert count(pieces) == count(recording)


def test_counts_survive_the_smallest_pieces(recording):
    """One byte at a time."""
    pieces = [(direction, bytes([byte])) for direction, data in recording for byte in data]
    assert count(pieces) == count(recording)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(["up", "down"]), st.binary(max_size=60))))
def test_bytes_that_are_not_postgres_harm_nothing(pieces):
    """Any bytes at all: counted as something, or given up as opaque, never an exception."""
    assert count(pieces)["opaque"] in (0, 1)


def test_a_connection_that_turns_to_tls_is_opaque():
    """After S there are bytes only, and one opaque connection says so."""
    request = bytes.fromhex("0000000804d2162f")
    counted = count([("up", request), ("down", b"S"), ("up", b"\x16\x03\x01" + b"Q\0\0\0\4" * 9)])
    assert counted["messages"] == {"SSLRequest": 1}
    assert (counted["statements"], counted["opaque"]) == (0, 1)


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ("BEGIN", 1),
        ("begin isolation level repeatable read, read only", 1),
        ("START TRANSACTION", 1),
        ("COMMIT;", 1),
        (" ROLLBACK ", 1),
        ("COMMIT AND CHAIN", 1),
        ("DEALLOCATE ALL", 1),
        ("DISCARD ALL", 1),
        ("ROLLBACK TO SAVEPOINT a", 0),
        ("SAVEPOINT a", 0),
        ("COMMIT PREPARED 'x'", 0),
        ("BEGIN; SELECT 1; COMMIT", 0),
        ("SELECT 1", 0),
    ],
)
def test_only_what_drivers_send_by_themselves_is_set_apart(text, control):
    """A Query that does anything else too is a statement."""
    start = b"\0\0\0\x08\0\3\0\0"
    query = b"Q" + (len(text) + 5).to_bytes(4, "big") + text.encode() + b"\0"
    counted = count([("up", start), ("up", query)])
    assert (counted["statements"], counted["control"]) == (1 - control, control)
