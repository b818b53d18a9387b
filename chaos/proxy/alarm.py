"""Calls back at a moment, precise to about a tenth of a millisecond.

    at(when, callback) ──▶ heap ──▶ a thread sleeps until the earliest ──▶ the loop runs the callback

libuv, and with it uvloop, counts time in whole milliseconds: a delay of 2 ms would take anything from 1 to 3.
A thread's timed wait is precise on Linux and macOS alike, and costs one hand-over to the loop per alarm.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Callable

now = time.monotonic


class Alarm:
    """Alarms of one event loop; the thread starts with the first of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def at(self, when: float, callback: Callable[[], None]) -> None:
        """Run `callback` in the loop at `when`, a moment of `now()`; an alarm cannot be taken back."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="alarm", daemon=True)
            self._thread.start()
        with self._changed:
            heapq.heappush(self._waiting, (when, next(self._order), callback))
            if self._waiting[0][2] is callback:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            callbacks = self._next_due()
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                self._loop.call_soon_threadsafe(_call_all, callbacks)

    def _next_due(self) -> list[Callable[[], None]]:
        with self._changed:
            while not self._waiting or self._waiting[0][0] > now():
                self._changed.wait(self._waiting[0][0] - now() if self._waiting else None)
            due, moment = [], now()
            while self._waiting and self._waiting[0][0] <= moment:
                due.append(heapq.heappop(self._waiting)[2])
            return due


def _call_all(callbacks: list[Callable[[], None]]) -> None:
    for callback in callbacks:
        callback()
