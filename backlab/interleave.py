"""Explore schedules instead of racing: run every interleaving of short step lists and count.

actors {name: [step, step]} -> every order that keeps each actor's own -> fresh() -> steps -> judge(world)
step(world) or step(world, me): `me` holds what this actor remembers between its steps
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import factorial, prod
from types import SimpleNamespace
from typing import Any

from backlab.progress import progress
from services.errors import BacklabError

Step = Callable[..., Any]
Schedule = tuple[tuple[str, int], ...]  # (actor, number of its step), in the order executed


@dataclass
class Schedules:
    """What every interleaving led to. Counts are exact: nothing was sampled."""

    total: int = 0
    bad: int = 0
    symptoms: dict[str, int] = field(default_factory=dict)
    counterexamples: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Bad endings of all, from 0 to 1."""
        return self.bad / self.total if self.total else 0.0

    def __repr__(self) -> str:
        kinds = ", ".join(f"{count} {symptom}" for symptom, count in self.symptoms.items())
        return f"{self.bad:,} of {self.total:,} schedules end badly" + (f" ({kinds})" if kinds else "")


def interleave(
    actors: Mapping[str, Sequence[Step]],
    *,
    fresh: Callable[[], Any],
    judge: Callable[[Any], str | None],
    cap: int = 5_000,
    keep: int = 3,
) -> Schedules:
    """Execute every interleaving of the actors' steps, each against a world that `fresh()` returns.

    `judge(world)` returns `None` when all is well, otherwise a short text that names what is wrong
    ("stale cache"). A step that raises ends its actor (as an aborted transaction does) and is noted in
    the schedule. Steps, `fresh` and `judge` may be async. A step must not wait for another actor.
    More than `cap` interleavings are refused before anything runs. `keep` counter-examples are kept.
    """
    total = count(*(len(steps) for steps in actors.values()))
    if total > cap:
        lengths = " + ".join(str(len(steps)) for steps in actors.values())
        raise BacklabError(
            f"{lengths} steps have {total:,} interleavings, more than the cap of {cap:,}",
            "merge steps that touch nothing shared, or raise cap=",
        )
    run = _Run(actors, fresh, judge, keep)
    label = f"every schedule of {', '.join(actors)}"
    every = progress(orders({name: len(steps) for name, steps in actors.items()}), label, total=total)
    if run.is_async:
        _in_own_loop(run.all_async, every)
    else:
        run.all_sync(every)
    return run.found


def count(*lengths: int) -> int:
    """How many interleavings step lists of these lengths have: (a+b+...)! / (a! b! ...)."""
    return factorial(sum(lengths)) // prod(factorial(length) for length in lengths)


def orders(lengths: Mapping[str, int]) -> Iterator[Schedule]:
    """Every interleaving, each once, in a fixed order."""
    done = dict.fromkeys(lengths, 0)
    order: list[tuple[str, int]] = []

    def extend() -> Iterator[Schedule]:
        if len(order) == sum(lengths.values()):
            yield tuple(order)
        for actor, length in lengths.items():
            if done[actor] < length:
                order.append((actor, done[actor]))
                done[actor] += 1
                yield from extend()
                done[actor] -= 1
                order.pop()

    return extend()


class _Run:
    """One exploration: the same walk for sync and async steps."""

    def __init__(
        self,
        actors: Mapping[str, Sequence[Step]],
        fresh: Callable[[], Any],
        judge: Callable[[Any], str | None],
        keep: int,
    ) -> None:
        self.actors, self.fresh, self.judge, self.keep = actors, fresh, judge, keep
        steps = [step for steps in actors.values() for step in steps]
        self.is_async = any(inspect.iscoroutinefunction(f) for f in [fresh, judge, *steps])
        self.takes_memory = {step: _arity(step) > 1 for step in steps}
        self.found = Schedules()

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


def readable(trace: Sequence[tuple[str, str]], actors: Sequence[str], symptom: str) -> str:
    """A schedule as a table: one column per actor, time running down, the symptom last."""
    widths = {a: max([len(a), *(len(text) for actor, text in trace if actor == a)]) + 3 for a in actors}
    lines = ["   " + "".join(a.ljust(widths[a]) for a in actors)]
    for place, (actor, text) in enumerate(trace, 1):
        lines.append(f"{place}  " + "".join((text if a == actor else "").ljust(widths[a]) for a in actors))
    return "\n".join(line.rstrip() for line in [*lines, f"=> {symptom}"])


def name_of(step: Step) -> str:
    """A step's name as people say it: `read_db` becomes "read db"; partials and lambdas have one too."""
    inner = getattr(step, "func", step)
    return str(getattr(inner, "__name__", type(inner).__name__)).replace("_", " ").strip("<> ")


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


def _in_own_loop(work: Callable[[Iterator[Schedule]], Any], every: Iterator[Schedule]) -> None:
    """Run async work in a thread with an event loop of its own: a notebook's loop is busy already."""
    failure: list[BaseException] = []

    def body() -> None:
        try:
            asyncio.run(work(every))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=body, name="backlab-interleave", daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
