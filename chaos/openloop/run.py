"""One run: release each request when it is due, watch the generator itself, stop when all have ended.

a tick each millisecond ──what is due──▶ pools ──▶ journal       a sample each 0.4 s: CPU, slip, queue
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Sequence

import numpy as np

from chaos.openloop.journal import Journal
from chaos.openloop.pool import Pool
from chaos.openloop.target import Target
from chaos.openloop.verdict import GRACE_S, Sample
from services.errors import BacklabError

TICK_S = 0.001  # as fine as an event loop's clock
SWEEP_S = 0.05
SAMPLE_S = 0.4  # at least twice a second
BEFORE_S = 0.02  # between the last connection and the first request


class Run:
    """The requests of `due_s`, each sent to every target; `tell` is called with each sample."""

    def __init__(
        self,
        targets: Sequence[Target],
        due_s: np.ndarray,
        *,
        connections: int = 64,
        timeout_s: float = 5.0,
        tell: Callable[[Sample], None] = lambda _sample: None,
    ) -> None:
        self.journal = Journal(due_s, len(targets))
        self.pools = [Pool(self, target, connections) for target in targets]
        self.timeout_s = timeout_s
        self.samples: list[Sample] = []
        self._tell = tell
        self._next = 0
        self._clock = time.perf_counter
        self._began = self.began_unix_s = 0.0

    async def go(self) -> None:
        """Send everything and wait for the answers; raises `BacklabError` where nobody listens."""
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        for pool in self.pools:
            why = await pool.warm_up()
            if why:
                raise BacklabError(
                    f"nothing can be sent to {pool.target.address} ({why})", "start the server first"
                )
        gc.freeze()  # nothing here makes cycles, and a collection would be a slip of milliseconds
        gc.disable()
        self._began, self.began_unix_s = self._clock() + BEFORE_S, time.time() + BEFORE_S
        self._watched = (self.now_s(), time.process_time(), 0, 0)
        timers = [self._loop.call_later(BEFORE_S, self._tick)]
        self._sweep()
        self._sample()
        try:
            await self._over
        except asyncio.CancelledError:
            self._stop()
            raise
        finally:
            gc.enable()
            timers[0].cancel()
            self._note_sample()
            for pool in self.pools:
                pool.close()

    def _stop(self) -> None:
        """Ctrl-C: what was due until a moment ago is kept, unknown where no answer has come.

        That moment is as long ago as the verdict waits for the last ones to find a connection.
        """
        self._note_sample()
        now_s, why = self.now_s(), "the run was stopped first"
        kept = self.journal.due_until(now_s - GRACE_S)
        for pool in self.pools:
            pool.give_up_before(now_s, why)
        for number in range(self._next, kept):
            self.journal.gave_up(number, now_s, f"never sent: {why}", "failed")
        self.journal.cut(kept)
        self._next = min(self._next, kept)

    def now_s(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._began

    def _tick(self) -> None:
        """Release what is due."""
        now_s = self._clock() - self._began
        journal, pools = self.journal, self.pools
        due, released, number, count = journal.due, journal.released, self._next, len(journal)
        arms = len(pools)
        while number < count and due[number] <= now_s:
            released[number] = now_s
            pools[number % arms].due(number, now_s)
            number += 1
        self._next = number
        if number < count:
            self._loop.call_later(max(TICK_S, due[number] - self.now_s()), self._tick)

    def answered(self, number: int, status: int) -> None:
        """A pool has the whole answer."""
        journal = self.journal
        journal.answered(number, self._clock() - self._began, status)
        if not journal.left:
            self._finish()

    def gave_up(self, number: int, why: str, outcome: str) -> None:
        """A pool has no answer and waits for none."""
        self.journal.gave_up(number, self.now_s(), why, outcome)
        if not self.journal.left:
            self._finish()

    def _finish(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    def _sweep(self) -> None:
        """Give up what has waited too long, counted from when it was due."""
        if not self._over.done():
            for pool in self.pools:
                pool.give_up_before(self.now_s() - self.timeout_s, f"no answer within {self.timeout_s:g} s")
            self._loop.call_later(SWEEP_S, self._sweep)

    def _sample(self) -> None:
        if not self._over.done():
            self._note_sample()
            self._loop.call_later(SAMPLE_S, self._sample)

    def _note_sample(self) -> None:
        """What the generator used and sent since the last sample."""
        began_s, cpu_s, first, ended = self._watched
        now_s, now_cpu_s = self.now_s(), time.process_time()
        done = len(self.journal) - self.journal.left
        self._watched = (now_s, now_cpu_s, self._next, done)
        taken_s = now_s - began_s
        if now_s <= 0 or taken_s < SAMPLE_S / 10:
            return
        late = (
            np.frombuffer(self.journal.released)[first : self._next]
            - np.frombuffer(self.journal.due)[first : self._next]
        )
        sample = Sample(
            t_s=now_s,
            cpu_share=(now_cpu_s - cpu_s) / taken_s,
            slip_ms=float(np.median(late)) * 1e3 if len(late) else self._overdue_ms(now_s),
            released_per_s=(self._next - first) / taken_s,
            ended_per_s=(done - ended) / taken_s,
            in_flight=self._next - done,
            waiting=sum(len(pool.waiting) for pool in self.pools),
        )
        self.samples.append(sample)
        self._tell(sample)

    def _overdue_ms(self, now_s: float) -> float:
        """How late the next request already is, where none was released."""
        return max(0.0, now_s - self.journal.due[self._next]) * 1e3 if self._next < len(self.journal) else 0.0
