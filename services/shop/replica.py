"""A stateless replica for lab 4.3: a bare ASGI application with a few slots, without any framework.

GET  /work[?ms=100]   a slot is free? ──yes──▶ pg_sleep ──▶ 200      (or it waits for its turn)
GET  /ready           200, and 503 once it drains, so that a balancer sends no more
POST /drain           202 and what is left to do; what has come, and what comes late, is still done
GET  /metrics         counters for whoever takes differences, gauges for whoever samples

A job waits in PostgreSQL and not on a processor, so that capacity is slots and not this machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import psycopg
import uvicorn

from services.errors import BacklabError
from services.shop.settings import Settings
from services.urls import libpq_url

TEXT, JSON = b"text/plain; version=0.0.4; charset=utf-8", b"application/json"
LONGEST_MS = 60_000
METRICS = """\
# TYPE replica_jobs_total counter
replica_jobs_total{{outcome="done"}} {done}
replica_jobs_total{{outcome="failed"}} {failed}
# TYPE replica_busy_seconds_total counter
replica_busy_seconds_total {busy_s:.6f}
# TYPE replica_slots gauge
replica_slots {slots}
# TYPE replica_in_flight gauge
replica_in_flight {in_flight}
# TYPE replica_queued gauge
replica_queued {queued}
# TYPE replica_draining gauge
replica_draining {draining:d}
"""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Answer = tuple[int, bytes, bytes]  # status, content type, body


class Replica:
    """The application. It does `slots` jobs at a time; each slot keeps a connection of its own."""

    def __init__(self, settings: Settings) -> None:
        if not settings.database_url:
            raise BacklabError("SHOP_DATABASE_URL is not set", "name the database that the jobs wait in")
        if settings.replica_slots < 1:
            raise BacklabError(f"SHOP_REPLICA_SLOTS is {settings.replica_slots}", "give it 1 or more")
        self.settings, self.slots = settings, settings.replica_slots
        self.draining = False
        self.done = self.failed = self.queued = 0
        self._ended_s = 0.0  # seconds of jobs that have ended
        self._began: dict[object, float] = {}  # the moments at which the running jobs began
        self._free: asyncio.Queue[psycopg.AsyncConnection] = asyncio.Queue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            status, kind, body = await self._answer(scope)
            headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Receive, send: Send) -> None:
        """Connections from start to end."""
        await receive()
        for _ in range(self.slots):
            self._free.put_nowait(await self._connect())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for _ in range(self.slots):
            await (await self._free.get()).close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _connect(self) -> psycopg.AsyncConnection:
        url = libpq_url(self.settings.database_url)
        return await psycopg.AsyncConnection.connect(url, autocommit=True)

    async def _answer(self, scope: Scope) -> Answer:
        match scope["method"], scope["path"]:
            case "GET", "/work":
                return await self._work(parse_qs(scope["query_string"].decode("latin-1")))
            case "GET", "/ready":
                return 503 if self.draining else 200, JSON, self._told()
            case "POST", "/drain":
                self.draining = True
                return 202, JSON, self._told()
            case "GET", "/metrics":
                return 200, TEXT, METRICS.format(**self.figures()).encode()
            case _:
                return 404, JSON, b'{"detail": "ask for /work, /ready, /metrics or POST /drain"}'

    async def _work(self, query: dict[str, list[str]]) -> Answer:
        wait_ms = _number(query["ms"][-1]) if "ms" in query else self.settings.replica_work_ms
        if not 0 <= wait_ms <= LONGEST_MS:
            return 422, JSON, b'{"detail": "ms is a number from 0 to 60000"}'
        self.queued += 1
        connection = await self._free.get()
        self.queued -= 1
        return await self._job(connection, wait_ms)

    async def _job(self, connection: psycopg.AsyncConnection, wait_ms: float) -> Answer:
        job = object()
        self._began[job] = time.monotonic()
        try:
            if connection.closed:  # it broke under the job before
                connection = await self._connect()
            await connection.execute("SELECT pg_sleep(%s)", [wait_ms / 1000])
        except psycopg.Error as error:
            self.failed += 1
            return 503, JSON, json.dumps({"detail": f"the job failed: {type(error).__name__}"}).encode()
        finally:
            self._ended_s += time.monotonic() - self._began.pop(job)
            self._free.put_nowait(connection)
        self.done += 1
        return 200, JSON, json.dumps({"waited_ms": wait_ms}).encode()

    def figures(self) -> dict[str, float]:
        """What `/metrics` says. A running job's seconds count while it runs, or long jobs would seem idle."""
        now_s = time.monotonic()
        busy_s = self._ended_s + sum(now_s - began_s for began_s in self._began.values())
        return {"busy_s": busy_s, "done": self.done, "failed": self.failed, **self._now()}

    def _now(self) -> dict[str, float]:
        running = {"in_flight": len(self._began), "queued": self.queued}
        return {"slots": self.slots, "draining": self.draining, **running}

    def _told(self) -> bytes:
        return json.dumps(self._now()).encode()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def main() -> None:
    """Serve until told to stop; a job that has begun is finished first."""
    parser = argparse.ArgumentParser(
        prog="python -m services.shop.replica", description="Run one replica for the lab on autoscaling."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    asked = parser.parse_args()
    try:
        app = Replica(Settings.from_environment())
    except BacklabError as why:
        print(why, file=sys.stderr)
        sys.exit(2)
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", lifespan="on")


if __name__ == "__main__":
    main()
