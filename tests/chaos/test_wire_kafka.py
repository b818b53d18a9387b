"""Kafka's requests are counted by API key, on frames built from the documented header.

The frames of a real client and a real broker are counted in `tests/services/test_kafka.py`.
"""

from functools import partial
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.wire.kafka import CONTROL, NAMES
from tests.chaos.recording import Recording, chopped, counted, single_bytes

count = partial(counted, "kafka")


def request(key: int, number: int, body: bytes) -> bytes:
    """Length, key, version, correlation id, client id, body."""
    frame = pack(">hhih", key, 3, number, 7) + b"backlab" + body
    return pack(">I", len(frame)) + frame


def answer(number: int, body: bytes) -> bytes:
    """Length, correlation id, body."""
    return pack(">Ii", len(body) + 4, number) + body


CALLS = st.lists(
    st.tuples(st.sampled_from(sorted(NAMES)), st.binary(max_size=300), st.booleans()), max_size=30
)


@settings(max_examples=200, deadline=None)
@given(calls=CALLS, data=st.data())
def test_counts_do_not_depend_on_pipelining_or_on_where_the_network_cuts(calls, data):
    """Requests with and without an answer (Produce with acks=0), in any pieces."""
    pieces, expected = Recording(), {}
    for number, (key, body, is_answered) in enumerate(calls):
        pieces.append(("up", request(key, number, body)))
        expected[NAMES[key]] = expected.get(NAMES[key], 0) + 1
        if is_answered:
            pieces.append(("down", answer(number, body)))
            expected["answer"] = expected.get("answer", 0) + 1
    for same in (pieces, chopped(pieces, data), single_bytes(pieces)):
        counted = count(same)
        assert counted["messages"] == expected
        assert counted["control"] == sum(expected.get(name, 0) for name in CONTROL)
        assert counted["statements"] + counted["control"] == len(calls)
        assert counted["opaque"] == 0


def test_an_api_key_that_has_no_name_is_shown_by_number():
    """A newer Kafka has more of them."""
    assert count([("up", request(150, 1, b""))])["messages"] == {"API key 150": 1}


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\0\1\0\1", b"GET / HTTP/1.1\r\n", request(-1, 1, b"")])
def test_what_is_not_kafka_is_opaque(data):
    """TLS, HTTP, a key below zero; from then on nothing is counted."""
    counted = count([("up", data), ("up", request(0, 1, b""))])
    assert (counted["opaque"], counted["messages"]) == (1, {})
