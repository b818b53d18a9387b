"""How long until a fresh Postgres answers, alone and with Redis: on both back ends and by testcontainers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg

from services.engine import Engine
from services.errors import BacklabError
from services.postgres import Postgres
from services.redis import Redis
from services.server import Server
from tests.bench.figure import Figure, interleaved, seconds

IMAGE = "postgres:18"
ROUNDS = 10
ANCHOR = "testcontainers' defaults"


def engine_with(image: str) -> bool:
    """Is there an engine, and has it the image?"""
    with suppress(BacklabError):
        return Engine.connect().image(image) is not None
    return False


def started(servers: Sequence[Server], then: Callable[[], None] = lambda: None) -> float:
    """Seconds from nothing until all of them answer by protocol, started at once; `then` while they run."""
    try:
        with ThreadPoolExecutor(len(servers)) as pool:
            taken = seconds(lambda: list(pool.map(lambda server: server.start(), servers)))
        then()
        return taken
    finally:
        for server in servers:
            server.stop()


def postgres(backend: str) -> float:
    """Postgres alone."""
    return started([Postgres(backend=backend)])


def pair(backend: str) -> float:
    """What half of the labs bring up."""
    return started([Postgres(backend=backend), Redis(backend=backend)])


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
    arms = {"native": lambda: postgres("native"), "native pair": lambda: pair("native")}
    pair("native")  # makes what is prepared once
    if engine_with(IMAGE):
        pair("container")
        arms |= {"container": lambda: postgres("container"), "container pair": lambda: pair("container")}
        arms |= {"theirs": theirs}
    taken = interleaved(arms, ROUNDS)
    anchor = taken.get("theirs")
    yield Figure("Postgres answers, native", "s", taken["native"], 0.15, ANCHOR, anchor, 10)
    yield Figure("Postgres and Redis, native", "s", taken["native pair"], 0.15, ANCHOR, anchor, 8)
    if "container" in taken:
        yield Figure("Postgres answers, container", "s", taken["container"], 0.7, ANCHOR, anchor, 2)
        yield Figure("Postgres and Redis, container", "s", taken["container pair"], 0.7, ANCHOR, anchor, 2)
