"""Schedules in which a step waits for another actor: it is left waiting, and the others go on.

step ──in its actor's thread──▶ returned                        ▶ the next step of the schedule
                                waits(world, actor) says yes    ▶ noted; the next step of *another* actor
another step has returned ─────▶ who waited goes on, with its postponed steps at once

Nothing is guessed from time: a step that has neither returned nor waits is asked again until one is true.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, Self

from services import ready
from services.errors import BacklabError

PATIENCE_S = 20.0  # a deadlock is found by the server after a second
HANGS_S = 10.0
Waits = Callable[[Any, str], bool]
Call = Callable[[str, int], Any]  # actor, number of its step


class Thread:
    """An actor's own thread; a daemon, so that a step which never returns keeps nobody from leaving."""

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        threading.Thread(target=self._run, name="backlab-interleave-actor", daemon=True).start()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            future, step = work
            try:
                future.set_result(step())
            except BaseException as error:  # handed on to whoever reads the future
                future.set_exception(error)

    def submit(self, step: Callable[[], Any]) -> Future[Any]:
        """Do a step there."""
        future: Future[Any] = Future()
        self._work.put((future, step))
        return future

    def close(self) -> None:
        """End it after the step that it does."""
        self._work.put(None)


class Watchdog:
    """Says on stderr, once, that a step does not return; nothing can end it for us."""

    def __init__(self) -> None:
        self._step, self._since = "", time.monotonic()
        self._over = threading.Event()
        self._told = False

    def began(self, step: str) -> None:
        """A step begins."""
        self._step, self._since = step, time.monotonic()

    def _look(self) -> None:
        while not self._over.wait(1.0):
            if not self._told and time.monotonic() - self._since > HANGS_S:
                self._told = True
                print(
                    f"interleave: the step {self._step} has not returned for {HANGS_S:g} s; if it waits for a"
                    " lock that another actor holds, tell interleave how to see that, with waits=",
                    file=sys.stderr,
                )

    def __enter__(self) -> Self:
        threading.Thread(target=self._look, name="backlab-interleave-watchdog", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()


class Walk:
    """One schedule: `call(actor, place)` does a step; `trace` tells what happened, in order."""

    def __init__(self, call: Call, waits: Callable[[str], bool], name: Callable[[str, int], str]) -> None:
        self.call, self.waits, self.name = call, waits, name
        self.trace: list[tuple[str, str]] = []
        self.stopped: set[str] = set()
        self.waited = False
        self._open: dict[str, tuple[int, Future[Any]]] = {}  # who waits: which step, and its future
        self._later: dict[str, list[int]] = {}  # steps that came up while their actor waited

    def run(self, order: Sequence[tuple[str, int]], threads: Mapping[str, Thread]) -> None:
        """Do every step, as near to the order as the server allows."""
        for actor, place in order:
            if actor in self._open:
                self._later[actor].append(place)
            else:
                self._step(actor, place, threads)
        while self._open:
            self._await_any(threads)

    def _step(self, actor: str, place: int, threads: Mapping[str, Thread]) -> None:
        if actor in self.stopped:
            return
        future = threads[actor].submit(partial(self.call, actor, place))
        if self._settled(actor, place, future):
            self._end(actor, place, future)
            self._look(threads)
        else:
            self.waited = True
            self.trace.append((actor, f"{self.name(actor, place)} ... waits"))
            self._open[actor], self._later[actor] = (place, future), []

    def _settled(self, actor: str, place: int, future: Future[Any]) -> bool:
        """True when the step has returned, False when it waits for another actor."""
        if not ready.true(
            lambda: future.done() or self.waits(actor), within_s=PATIENCE_S, every_s=0.0002
        ):  # fmt: skip
            raise BacklabError(
                f"the step {self.name(actor, place)!r} of {actor} has neither returned nor waits for a lock"
                f" after {PATIENCE_S:g} s",
                "give it a time limit of its own, such as lock_timeout",
            )
        return future.done()

    def _end(self, actor: str, place: int, future: Future[Any], goes_on: str = "") -> None:
        """Note how a step ended; one that raised ends its actor."""
        note = goes_on
        if error := future.exception():
            if not isinstance(error, Exception):
                raise error
            self.stopped.add(actor)
            said = str(error).splitlines() or [""]
            note += f"  ! {type(error).__name__}: {said[0]}".rstrip(": ")
        self.trace.append((actor, self.name(actor, place) + note))

    def _look(self, threads: Mapping[str, Thread]) -> None:
        """After a step: does anybody go on who waited?"""
        for actor, (place, future) in list(self._open.items()):
            if actor in self._open and self._settled(actor, place, future):
                self._goes_on(actor, threads)

    def _goes_on(self, actor: str, threads: Mapping[str, Thread]) -> None:
        place, future = self._open.pop(actor)
        self._end(actor, place, future, "  goes on")
        for later in self._later.pop(actor):
            if actor in self._open:
                self._later[actor].append(later)
            else:
                self._step(actor, later, threads)
        self._look(threads)

    def _await_any(self, threads: Mapping[str, Thread]) -> None:
        """Everybody left waits: the server must end one of them, as it does in a deadlock."""

        def gone_on() -> str | None:
            return next((actor for actor, (_, future) in self._open.items() if future.done()), None)

        if not ready.true(lambda: gone_on() is not None, within_s=PATIENCE_S, every_s=0.001):
            raise BacklabError(
                f"{', '.join(self._open)} still wait after all other steps were done",
                "let the last step of each actor end its transaction",
            )
        actor = gone_on()
        assert actor is not None
        self._goes_on(actor, threads)


def in_postgres(server: Any, pid_of: Callable[[Any, str], int], actors: Sequence[str]) -> Waits:
    """For `interleave(waits=...)`: whether an actor's back end waits for a lock that another actor holds.

    `pid_of(world, actor)` is the process id of the actor's back end, such as
    `world[actor].info.backend_pid` of psycopg.
    """
    observer = server.connect()

    def waits(world: Any, actor: str) -> bool:
        others = [pid_of(world, other) for other in actors if other != actor]
        row = observer.execute(
            "SELECT pg_blocking_pids(%s) && %s::int[]", [pid_of(world, actor), others]
        ).fetchone()
        return bool(row and row[0])

    return waits
