"""How long until a fresh Postgres answers: ours on both back ends, and testcontainers as it comes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import psycopg

from services.engine import Engine
from services.errors import BacklabError
from services.postgres import Postgres
from tests.bench.figure import Figure, interleaved, seconds

IMAGE = "postgres:18"
ROUNDS = 5
ANCHOR = "testcontainers' defaults"


def engine_with(image: str) -> bool:
    """Is there an engine, and has it the image?"""
    with suppress(BacklabError):
        return Engine.connect().image(image) is not None
    return False


def ours(backend: str) -> float:
    """Seconds from nothing to an answer by protocol."""
    server = Postgres(backend=backend)
    try:
        return seconds(server.start)
    finally:
        server.stop()


def theirs() -> float:
    """The same through testcontainers, waiting as it does by default."""
    # its reaper is an image of its own that places without a registry lack; it would only add to the time
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    from testcontainers.postgres import PostgresContainer

    container = PostgresContainer(IMAGE)

    def start() -> None:
        container.start()
        psycopg.connect(container.get_connection_url(driver=None), connect_timeout=5).close()

    try:
        return seconds(start)
    finally:
        container.stop()


def figures() -> Iterator[Figure]:
    """Native against 0.15 s; container against 0.7 s where there is an engine with the image."""
    arms = {"native": lambda: ours("native")}
    ours("native")  # makes what is prepared once
    if engine_with(IMAGE):
        ours("container")
        arms |= {"container": lambda: ours("container"), "theirs": theirs}
    taken = interleaved(arms, ROUNDS)
    anchor = taken.get("theirs")
    yield Figure("Postgres answers, native", "s", taken["native"], 0.15, ANCHOR, anchor, 10)
    if "container" in taken:
        yield Figure("Postgres answers, container", "s", taken["container"], 0.7, ANCHOR, anchor, 2)
