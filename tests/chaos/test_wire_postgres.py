"""PostgreSQL's messages are counted right, however the network cuts and joins them."""

from functools import partial

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.wire.postgres import NAMES_DOWN, NAMES_UP
from tests.chaos.recording import Recorder, Recording, chopped, counted, single_bytes

count = partial(counted, "postgres")

ROWS = 300


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
    assert count(chopped(recording, data)) == count(recording)


def test_counts_survive_the_smallest_pieces(recording):
    """One byte at a time."""
    assert count(single_bytes(recording)) == count(recording)


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
