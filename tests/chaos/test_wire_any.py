"""What holds for every protocol of the wire: TLS is bytes only, and nonsense harms nothing."""

import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.wire.protocols import PROTOCOLS
from tests.chaos.recording import Recording, chopped, counted, single_bytes

PIECES = st.lists(st.tuples(st.sampled_from(["up", "down"]), st.binary(max_size=60)))


def client_hello() -> bytes:
    """The first bytes of a real TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="backlab")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@settings(max_examples=20, deadline=None)
@given(data=st.data(), after=st.binary(max_size=200))
def test_tls_is_bytes_only_however_it_is_cut(protocol, data, after):
    """One opaque connection, no message, whatever follows."""
    pieces = Recording([("up", client_hello()), ("up", after), ("down", after)])
    for same in (pieces, chopped(pieces, data), single_bytes(pieces)):
        found = counted(protocol, same)
        assert (found["opaque"], found["messages"]) == (1, {})


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@settings(max_examples=200)
@given(pieces=PIECES)
def test_bytes_of_anything_harm_nothing(protocol, pieces):
    """Counted as something, or given up as opaque, never an exception."""
    assert counted(protocol, Recording(pieces))["opaque"] in (0, 1)
