"""A container or its engine that goes away in the middle of a lab: one sentence, and nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import ready
from services.engine import Engine
from services.errors import ServerError
from services.redis import Redis

pytestmark = pytest.mark.container

# An engine that can be stopped without stopping everybody's: it passes on what comes to a socket of its own.
STAND_IN = """
import asyncio, sys
async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def serve(reader, writer):
    up_reader, up_writer = await asyncio.open_unix_connection(sys.argv[2])
    await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer), return_exceptions=True)
async def main():
    await (await asyncio.start_unix_server(serve, sys.argv[1])).serve_forever()
asyncio.run(main())
"""


class StandIn:
    """The machine's engine behind a socket of our own."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "engine.sock"
        real = Engine.connect().address.removeprefix("unix://")
        self.process = subprocess.Popen([sys.executable, "-c", STAND_IN, str(self.socket), real])
        stand_in = Engine(f"unix://{self.socket}")  # its socket is there before it listens
        ready.until(lambda: stand_in.ask("GET", "/_ping"), within_s=10)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.socket.unlink(missing_ok=True)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """An engine that the test may stop."""
    made = StandIn(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{made.socket}")
    yield made
    made.stop()


def remove(name: str) -> None:
    """As `docker rm -f` does, by hand."""
    real = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
    subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True, timeout=60, env=real)


def test_a_container_removed_by_hand_is_noticed_and_replaced() -> None:
    """It no longer runs, verbs say so, `start()` says that the data is gone, then a new one starts."""
    with Redis(backend="container") as server:
        remove(server.ids[0].split()[1])
        assert not server.running
        with pytest.raises(ServerError, match="does not run"):
            server.pause()
        with pytest.raises(ServerError, match="is gone, and its data with it"):
            server.start()
        assert server.start().answer().startswith("8.")


def test_a_container_removed_by_hand_can_be_stopped() -> None:
    """There is nothing to do, and nothing to complain about."""
    server = Redis(backend="container").start()
    remove(server.ids[0].split()[1])
    server.stop()
    assert server.ids == []


def test_an_engine_that_stops_in_the_middle_is_named(engine: StandIn) -> None:
    """Each verb says in one sentence that the engine is gone, soon and without a stack of its client's."""
    server = Redis(backend="container").start()
    name = server.ids[0].split()[1]
    engine.stop()
    try:
        for verb in (server.restart, server.stop):
            with pytest.raises(ServerError, match="no longer answers; start it again"):
                verb()
    finally:
        remove(name)
