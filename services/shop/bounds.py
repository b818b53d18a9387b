"""A bounded worker pool: so many requests at work, so many waiting, and a 503 for the next.

request ──▶ a worker is free?  ──yes──────────────────────────▶ at work ──▶ answer
                └─no─▶ room in the queue? ─yes─▶ its turn comes ─▶ still awaited? ─yes─┘
                              └─no─▶ 503, Retry-After                └─no─▶ 504, no work
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from services.shop import deadline, telemetry
from services.shop.operations import is_operational
from services.shop.problems import Problem


class Bounds:
    """Middleware: `max_concurrent` requests at a time, `max_waiting` in a queue, first come, first served."""

    def __init__(self, app: ASGIApp, service: str, max_concurrent: int, max_waiting: int) -> None:
        self.app = app
        self.max_waiting = max_waiting
        self._workers = asyncio.Semaphore(max_concurrent)
        self._waiting = telemetry.WAITING.labels(service)
        self._queue = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_operational(scope):
            await self.app(scope, receive, send)
        elif self._workers.locked() and self._queue >= self.max_waiting:
            await _full().response()(scope, receive, send)
        else:
            await self._take_turn()
            try:
                late = deadline.remaining_s() <= 0
                await (deadline.too_late().response() if late else self.app)(scope, receive, send)
            finally:
                self._workers.release()

    async def _take_turn(self) -> None:
        self._queue += 1
        self._waiting.set(self._queue)
        try:
            await self._workers.acquire()
        finally:
            self._queue -= 1
            self._waiting.set(self._queue)


def _full() -> Problem:
    return Problem(503, "overloaded", "Overloaded", "every worker is busy and the queue is full")
