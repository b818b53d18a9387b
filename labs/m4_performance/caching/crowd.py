"""A crowd of clients for one key, and a loader that counts and that waits until it is told to end.

clients ─▶ the learner's cache ─▶ loader: counted, held at a gate ─▶ the gate opens ─▶ answers
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import redis.asyncio

TTL_S = 0.05
EXPIRED_S = 0.12  # a value of TTL_S has expired by then, on any machine
SETTLE_S = 0.08  # how long the gate stays shut while a crowd comes
SETTLE_FAILING_S = (SETTLE_S, 0.4, 2.0)
PATIENCE_S = 1.0  # when for so long nobody got an answer, the others wait for the load
LATER_S = 5.0


class Unreachable(Exception):
    """What the loader raises when it is told to fail."""


class Crowd:
    """`clients` of one cache of the learner's; `answers` of the last that came, exceptions among them."""

    def __init__(
        self, client: redis.asyncio.Redis, make: Callable[..., Any], clients: int, ttl_s: float = TTL_S
    ) -> None:
        self.clients = clients
        self.cache = make(client, ttl_s=ttl_s)
        self.key = "product:7"
        self.answers: list[Any] = []
        self.loads = self.most_at_once = self._now = 0
        self._gate = asyncio.Event()
        self._gate.set()
        numbers = itertools.count(101)
        self.found: Callable[[], Any] = lambda: str(next(numbers))

    async def _load(self) -> Any:
        self.loads += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            await self._gate.wait()
            return self.found()
        finally:
            self._now -= 1

    async def warm(self) -> None:
        """One client comes; the load ends at once."""
        self.answers = [await self.cache.get_or_load(self.key, self._load)]

    def _all_come(self) -> list[asyncio.Task[Any]]:
        self._gate.clear()
        self.most_at_once = 0
        ask = self.cache.get_or_load
        return [asyncio.create_task(ask(self.key, self._load)) for _ in range(self.clients)]

    async def come(self, settle_s: float = SETTLE_S) -> None:
        """All come at once; the load ends a little later."""
        tasks = self._all_come()
        await asyncio.sleep(settle_s)
        self._gate.set()
        self.answers = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), LATER_S)

    async def loads_that_fail(self) -> int:
        """All come and the load fails: how many loads that took.

        Whoever comes after the failure may load, so on a busy machine they are given longer to come; that
        excuses no loads at once.
        """
        loads = 0
        for settle_s in SETTLE_FAILING_S:
            before = self.loads
            await self.come(settle_s)
            loads = self.loads - before
            if loads <= 1 or self.most_at_once > 1:
                break
        return loads

    async def come_before_the_load_ends(self) -> int:
        """All come, and the load ends only when nobody is left who need not wait: how many had answers.

        A busy machine may be slow, so what counts is that answers go on coming, not how soon the last came.
        """
        tasks = self._all_come()
        done, waiting, came = 0, set(tasks), {*tasks}
        while waiting and came:
            came, waiting = await asyncio.wait(
                waiting, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
            )
            done += len(came)
        self._gate.set()
        self.answers = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), LATER_S)
        return done

    async def loads_another_meanwhile(self) -> bool:
        """Whether a cold key is loaded while the load of another one is held."""
        begun = {key: asyncio.Event() for key in ("product:8", "product:9")}
        self._gate.clear()
        tasks = []
        for key, comes in begun.items():
            tasks.append(asyncio.create_task(self.cache.get_or_load(key, partial(self._held, comes))))
            with suppress(TimeoutError):
                await asyncio.wait_for(comes.wait(), LATER_S)
        apart = all(comes.is_set() for comes in begun.values())
        self._gate.set()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), LATER_S)
        return apart

    async def _held(self, begun: asyncio.Event) -> str:
        begun.set()
        await self._gate.wait()
        return "told"

    async def expire(self) -> None:
        """Let what is cached expire."""
        await asyncio.sleep(EXPIRED_S)

    async def becomes(self, value: str) -> bool:
        """Whether clients, who ask again and again, get this value or a later one before long."""
        ends_s = asyncio.get_running_loop().time() + LATER_S
        while asyncio.get_running_loop().time() < ends_s:
            await self.warm()
            if isinstance(self.answers[0], str) and self.answers[0] >= value:
                return True
            await asyncio.sleep(0.01)
        return False
