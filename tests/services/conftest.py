"""Both back ends: native without a marker, container with one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from services.kafka import Kafka
from services.postgres import Postgres

BACKENDS = ["native", pytest.param("container", marks=pytest.mark.container)]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Each back end in turn."""
    return str(request.param)


@pytest.fixture
def postgres(backend: str) -> Iterator[Postgres]:
    """A running Postgres on each back end."""
    with Postgres(backend=backend) as running:
        yield running


@pytest.fixture
def kafka(backend: str) -> Iterator[Kafka]:
    """A running Kafka on each back end."""
    with Kafka(backend=backend) as running:
        yield running


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No BACKLAB_... variable of the caller's; the monkeypatch to set some."""
    for name in [name for name in os.environ if name.startswith(("BACKLAB_", "DOCKER_"))]:
        monkeypatch.delenv(name)
    return monkeypatch
