"""The six groups that lab 5.5 looks at, and others like them drawn from a seed."""

from __future__ import annotations

import random

from services.shop.lag.scene import Case

CASES = (
    Case("healthy", 40, 80),
    Case("burst", 30, 100, burst=(5, 2, 200)),
    Case("slow leak", 40, 24, incident_from_s=0),
    Case("stuck", 40, 80, poison_at_s=5, incident_from_s=5),
    Case("dead", 40, 80, dies_at_s=5, incident_from_s=5),
    Case("quiet and dead", 1, 50, dies_at_s=5, incident_from_s=5),
)


def some(dice: random.Random) -> tuple[Case, ...]:
    """The same six troubles with other rates, 1 to 12 partitions and other moments."""
    rate = [dice.randint(25, 60) for _ in CASES]
    room = [dice.choice([1, 2, 4, 6, 12]) for _ in CASES]
    at = [round(dice.uniform(3, 7), 1) for _ in CASES]
    burst = (at[1], 1.5, 4.0 * rate[1])
    return (
        Case("healthy", rate[0], 2.2 * rate[0], room[0]),
        Case("burst", rate[1], 2.5 * rate[1], room[1], burst=burst),
        Case("slow leak", rate[2], 0.6 * rate[2], room[2], incident_from_s=0),
        Case("stuck", rate[3], 2.2 * rate[3], 12, poison_at_s=at[3], incident_from_s=at[3]),
        Case("dead", rate[4], 2.2 * rate[4], room[4], dies_at_s=at[4], incident_from_s=at[4]),
        Case("quiet and dead", 1, 50, dice.choice([1, 2]), dies_at_s=at[5], incident_from_s=at[5]),
    )
