"""Every kind of server on both back ends: native without a marker, container with one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.kinds import KINDS, make
from services.server import Server
from tests.conformance.clients import client_of
from tests.conformance.clients.client import Client
from tests.conftest import needs_natively

BACKENDS = ["native", pytest.param("container", marks=pytest.mark.container)]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The name of each kind of server in turn."""
    return str(request.param)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, kind: str) -> str:
    """Each back end in turn; natively only what is here."""
    if request.param == "native":
        needs_natively(kind)
    return str(request.param)


@pytest.fixture
def client(kind: str) -> Client:
    """How its users talk to it."""
    return client_of(kind)


@pytest.fixture
def server(kind: str, client: Client, backend: str) -> Iterator[Server]:
    """A server of this kind on this back end, not started; nothing of it is left afterwards."""
    made: Server = make(kind, backend=backend, **client.options())
    yield made
    made.stop()
