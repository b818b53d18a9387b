"""A process to be killed while it holds a fault of each kind: a wire, a frozen server, a lock, a full disk.

python holder.py PROXY_API POSTGRES_URL DIRECTORY      says "holding", then waits for its standard input

The proxy and PostgreSQL belong to whoever starts it, so that their faults could outlive it. A frozen server
can only be its own.
"""

import shutil
import sys
from pathlib import Path

import psycopg

from chaos.client import Wire
from chaos.outages.disk import FullDisk
from chaos.outages.downtime import Paused
from chaos.outages.locks import HeldLock
from chaos.steering import Api
from services.redis import Redis

FILLER_MB = 8


class Foreign:
    """A PostgreSQL that somebody else has started."""

    def __init__(self, url: str) -> None:
        self.url = url

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url, autocommit=True)


def hold(api_address: str, postgres_url: str, directory: str) -> list[object]:
    """Begin one of each and return them, so that they live as long as somebody has the list."""
    api = Api(api_address)
    place = Path(directory)
    free_mb = shutil.disk_usage(place).free / (1 << 20)
    listen = api.ask("GET", "/proxies/echo")["listen"]
    wire = Wire(api, api.hold(), "echo", "", listen)
    return [
        wire.fault("stop").start(),
        wire.fault("latency", latency_ms=5_000, stream="upstream").start(),
        HeldLock(Foreign(postgres_url), table="held").start(),
        FullDisk(place, free_mb - FILLER_MB).start(),
        Paused(Redis().start()).start(),
    ]


if __name__ == "__main__":
    held = hold(*sys.argv[1:])
    print("holding", flush=True)
    sys.stdin.read()
