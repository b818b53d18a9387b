"""What interleave() counts and says: the schedules, how many there are, and how one reads.

orders({"a": 2, "b": 1}) --> a a b, a b a, b a a          count(2, 1) --> 3
readable(trace) --> one column per actor, time running down, the symptom last
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import factorial, prod
from typing import Any

Step = Callable[..., Any]
Schedule = tuple[tuple[str, int], ...]  # (actor, number of its step), in the order executed


@dataclass
class Schedules:
    """What every interleaving led to. Counts are exact: nothing was sampled."""

    total: int = 0
    bad: int = 0
    symptoms: dict[str, int] = field(default_factory=dict)
    waited: int = 0  # schedules in which a step had to wait for another actor
    counterexamples: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Bad endings of all, from 0 to 1."""
        return self.bad / self.total if self.total else 0.0

    def __repr__(self) -> str:
        kinds = ", ".join(f"{count} {symptom}" for symptom, count in self.symptoms.items())
        waited = f"; in {self.waited:,} a step had to wait" if self.waited else ""
        return f"{self.bad:,} of {self.total:,} schedules end badly{f' ({kinds})' if kinds else ''}{waited}"


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
