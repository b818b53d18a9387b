"""How long until a fresh Kafka answers, alone and with Postgres and Redis, and the memory of the three."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from pathlib import Path

from services import aot, java, kafka_settings
from services.kafka import Kafka
from services.machine import Native
from services.postgres import Postgres
from services.redis import Redis
from services.server import Server
from tests.bench.figure import Figure, interleaved
from tests.bench.start import engine_with, started

ROUNDS = 10
ANCHOR = "Java's and Kafka's defaults"


class AsItComes(Kafka):
    """What one gets without thinking about it: no option of Java's, no setting but the addresses."""

    defaults = kafka_settings.PLAIN

    def native(self, directory: Path, port: int) -> Native:
        path = os.pathsep.join(map(str, self.jars()))
        # the temporary files of a killed Java would stay in /tmp
        argv = [str(java.program()), f"-Djava.io.tmpdir={directory}", "-XX:-UsePerfData", "-cp", path]
        return Native([*argv, *self.main(directory, port)])

    def _start(self) -> None:
        Server._start(self)  # its Java is not the one that a cache would be recorded for


def trio() -> list[Server]:
    """What a lab of module 5 brings up."""
    return [Kafka(backend="native"), Postgres(backend="native"), Redis(backend="native")]


def trio_started(memory_mb: list[float]) -> float:
    """Seconds until all three answer; what they take together then is added to `memory_mb`."""
    servers = trio()
    held = lambda: memory_mb.append(sum(server.memory_bytes for server in servers) / (1 << 20))  # noqa: E731 - one line says it
    return started(servers, held)


def figures() -> Iterator[Figure]:
    """Jars, data and the ahead-of-time cache are there, as they are from the second start on."""
    started(trio())
    aot.record("kafka")
    memory_mb: list[float] = []
    arms = {
        "native": lambda: started([Kafka(backend="native")]),
        "trio": lambda: trio_started(memory_mb),
        "theirs": lambda: started([AsItComes(backend="native")]),
    }
    if engine_with(Kafka.image):
        arms["container"] = lambda: started([Kafka(backend="container")])
    taken = interleaved(arms, ROUNDS)
    anchor = taken["theirs"]
    yield Figure("Kafka answers, native", "s", taken["native"], 0.8, ANCHOR, anchor, 2)
    if "container" in taken:
        yield Figure("Kafka answers, container", "s", taken["container"], 1.3, ANCHOR, anchor, 1.3)
    yield Figure("Postgres, Redis and Kafka answer, native", "s", taken["trio"], 1.0, ANCHOR, anchor, 1.5)
    yield Figure("memory of the three", "MB", statistics.median(memory_mb), 450)
