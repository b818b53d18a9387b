"""Explore schedules instead of racing: run every interleaving of short step lists and count.

actors {name: [step, step]} -> every order that keeps each actor's own -> fresh() -> steps -> judge(world)
step(world) or step(world, me): `me` holds what this actor remembers between its steps
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from backlab.interleaving.schedules import Schedule, Schedules, Step, count, name_of, orders, readable
from backlab.interleaving.waiting import Thread, Waits, Walk, Watchdog
from backlab.loop import in_a_loop
from backlab.progress import progress
from services.errors import BacklabError


def interleave(
    actors: Mapping[str, Sequence[Step]],
    *,
    fresh: Callable[[], Any],
    judge: Callable[[Any], str | None],
    cap: int = 5_000,
    keep: int = 3,
    waits: Waits | None = None,
) -> Schedules:
    """Execute every interleaving of the actors' steps, each against a world that `fresh()` returns.

    `judge(world)` returns `None` when all is well, otherwise a short text that names what is wrong
    ("stale cache"). A step that raises ends its actor (as an aborted transaction does) and is noted in
    the schedule. Steps, `fresh` and `judge` may be async.

    A step may wait for another actor, for a row lock say, only where `waits(world, actor)` can tell that it
    does (`waiting.in_postgres`): then the others go on, and it continues when they let it. Without
    `waits`, a step that has not returned after ten seconds is told on stderr.

    More than `cap` interleavings are refused before anything runs. `keep` counter-examples are kept.
    """
    total = count(*(len(steps) for steps in actors.values()))
    if total > cap:
        lengths = " + ".join(str(len(steps)) for steps in actors.values())
        raise BacklabError(
            f"{lengths} steps have {total:,} interleavings, more than the cap of {cap:,}",
            "merge steps that touch nothing shared, or raise cap=",
        )
    run = _Run(actors, fresh, judge, keep, waits)
    label = f"every schedule of {', '.join(actors)}"
    every = progress(orders({name: len(steps) for name, steps in actors.items()}), label, total=total)
    if waits is not None:
        run.all_waiting(every)
    elif run.is_async:
        with run.watchdog:
            in_a_loop(lambda: run.all_async(every))
    else:
        with run.watchdog:
            run.all_sync(every)
    return run.found


class _Run:
    """One exploration: the same walk for sync and async steps."""

    def __init__(
        self,
        actors: Mapping[str, Sequence[Step]],
        fresh: Callable[[], Any],
        judge: Callable[[Any], str | None],
        keep: int,
        waits: Waits | None = None,
    ) -> None:
        self.waits, self.watchdog = waits, Watchdog()
        self.actors, self.fresh, self.judge, self.keep = actors, fresh, judge, keep
        steps = [step for steps in actors.values() for step in steps]
        self.is_async = any(inspect.iscoroutinefunction(f) for f in [fresh, judge, *steps])
        self.takes_memory = {step: _arity(step) > 1 for step in steps}
        if waits is not None and self.is_async:
            raise BacklabError("steps that may wait cannot be async", "write them as plain functions")
        self.found = Schedules()

    def all_waiting(self, every: Iterator[Schedule]) -> None:
        """Each actor in a thread of its own, because a step that waits holds its thread."""
        threads = {actor: Thread() for actor in self.actors}
        try:
            for order in every:
                self._one_waiting(order, threads)
        finally:
            for thread in threads.values():
                thread.close()

    def _one_waiting(self, order: Schedule, threads: Mapping[str, Thread]) -> None:
        world = self.fresh()
        memories = {actor: SimpleNamespace() for actor in self.actors}
        waits = self.waits
        assert waits is not None

        def call(actor: str, place: int) -> Any:
            step = self.actors[actor][place]
            return step(world, memories[actor]) if self.takes_memory[step] else step(world)

        walk = Walk(call, lambda a: waits(world, a), lambda a, place: name_of(self.actors[a][place]))
        walk.run(order, threads)
        self.found.waited += walk.waited
        self._note(order, walk.trace, self.judge(world))

    def all_sync(self, every: Iterator[Schedule]) -> None:
        for order in every:
            _drive(self._one(order))

    async def all_async(self, every: Iterator[Schedule]) -> None:
        for order in every:
            talk = self._one(order)
            answer: Any = None
            failure: Exception | None = None
            while True:
                try:
                    value = talk.throw(failure) if failure else talk.send(answer)
                except StopIteration:
                    break
                answer, failure = None, None
                try:
                    answer = await value if inspect.isawaitable(value) else value
                except Exception as error:
                    failure = error

    def _one(self, order: Schedule) -> Generator[Any, Any, None]:
        """Execute one schedule. Yields what a call returned, to have it awaited when it must be."""
        world = yield self.fresh()
        memories = {actor: SimpleNamespace() for actor in self.actors}
        trace: list[tuple[str, str]] = []
        stopped: set[str] = set()
        for actor, place in order:
            step = self.actors[actor][place]
            if actor in stopped:
                continue
            note = ""
            self.watchdog.began(f"{name_of(step)!r} of {actor}")
            try:
                yield step(world, memories[actor]) if self.takes_memory[step] else step(world)
            except Exception as error:
                stopped.add(actor)
                said = str(error).splitlines() or [""]
                note = f"  ! {type(error).__name__}: {said[0]}".rstrip(": ")
            trace.append((actor, name_of(step) + note))
        self._note(order, trace, (yield self.judge(world)))

    def _note(self, order: Schedule, trace: list[tuple[str, str]], symptom: Any) -> None:
        if symptom is not None and not (isinstance(symptom, str) and symptom):
            raise BacklabError(
                f"judge returned {symptom!r} after a schedule",
                "return None when all is well, else a short text",
            )
        found = self.found
        found.total += 1
        found.rows.append({"schedule": " ".join(actor for actor, _ in order), "ending": symptom or "right"})
        if symptom:
            found.bad += 1
            found.symptoms[symptom] = found.symptoms.get(symptom, 0) + 1
            if len(found.counterexamples) < self.keep:
                found.counterexamples.append(readable(trace, list(self.actors), symptom))


def _drive(talk: Any) -> None:
    """Run a sync schedule: what was yielded is already the value."""
    value: Any = None
    while True:
        try:
            value = talk.send(value)
        except StopIteration:
            return


def _arity(step: Step) -> int:
    """How many positional arguments a step takes."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in inspect.signature(step).parameters.values())
