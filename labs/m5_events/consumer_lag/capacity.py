"""Capacity plans, and a simulation that knows how each of them ends, message by message.

partitions are dealt out to consumers in turn; each consumer works at `service_per_s`; messages come evenly
"""

from __future__ import annotations

import random
from typing import Any

HORIZON_S = 100_000.0


def plans(dice: random.Random, count: int = 6) -> list[dict[str, Any]]:
    """The lab's own plan, one that never ends, one with idle consumers, and others by the dice."""
    made: list[dict[str, Any]] = [
        {"backlog": 600, "arrival_per_s": 40, "service_per_s": 50, "consumers": 1, "partitions": 3},
        {"backlog": 600, "arrival_per_s": 60, "service_per_s": 50, "consumers": 1, "partitions": 3},
        {"backlog": 600, "arrival_per_s": 40, "service_per_s": 40, "consumers": 1, "partitions": 3},
        {"backlog": 900, "arrival_per_s": 60, "service_per_s": 50, "consumers": 2, "partitions": 3},
        {"backlog": 600, "arrival_per_s": 60, "service_per_s": 50, "consumers": 6, "partitions": 3},
    ]
    for _ in range(count):
        made.append({
            "backlog": dice.randrange(200, 3000, 100),
            "arrival_per_s": dice.randrange(20, 200, 10),
            "service_per_s": dice.randrange(30, 120, 10),
            "consumers": dice.randint(1, 8),
            "partitions": dice.choice([1, 3, 4, 6, 12]),
        })  # fmt: skip
    return made


def drained_s(
    backlog: float, arrival_per_s: float, service_per_s: float, consumers: int, partitions: int
) -> float | None:
    """When the last consumer has caught up; None where one never does. By bisection, not by a formula."""
    dealt = [len(range(n, partitions, consumers)) for n in range(consumers)]
    slowest = 0.0
    for mine in dealt:
        begun, comes = backlog * mine / partitions, arrival_per_s * mine / partitions

        def left(t_s: float, begun: float = begun, comes: float = comes) -> float:
            return begun + comes * t_s - service_per_s * t_s

        if left(HORIZON_S) > 0 or (begun > 0 and comes >= service_per_s):
            return None
        low, high = 0.0, HORIZON_S
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if left(middle) > 0 else (low, middle)
        slowest = max(slowest, high)
    return slowest


def fewest(
    backlog: float, arrival_per_s: float, service_per_s: float, partitions: int, within_s: float
) -> int | None:
    """The smallest number of consumers that is done in time; None where even one a partition is not."""
    for consumers in range(1, partitions + 1):
        took_s = drained_s(backlog, arrival_per_s, service_per_s, consumers, partitions)
        if took_s is not None and took_s <= within_s * (1 + 1e-9):
            return consumers
    return None
