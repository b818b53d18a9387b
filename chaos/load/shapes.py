"""How the number of users changes over a run: steps, a spike, a wave; `-u` is the most, `-t` the length.

locust -f chaos/load/browse.py --shape steps -u 40 -t 60s
"""

from __future__ import annotations

import math

from locust import LoadTestShape

USERS, SECONDS = 20, 60.0  # where the command line says neither
STEPS = 5
BURST_S = 3.0
CALM = 0.1  # of the users are there outside a spike


class Shape(LoadTestShape):
    """A curve over the share of the run that is over, 0 to 1; its values are shares of the users."""

    abstract = True

    def __init__(self, users: int, seconds: float) -> None:
        super().__init__()
        self.users, self.seconds = users, seconds

    def share(self, done: float) -> float:
        """Which share of the users is there when `done` of the time is over."""
        raise NotImplementedError

    def tick(self) -> tuple[int, float] | None:
        """Locust asks this each second."""
        done = self.get_run_time() / self.seconds
        if done >= 1:
            return None
        return max(1, round(self.users * self.share(done))), self.users  # all of them within a second


class Steps(Shape):
    """Five equal steps up: where does it start to bend?"""

    def share(self, done: float) -> float:
        return math.ceil(done * STEPS + 1e-9) / STEPS


class Spike(Shape):
    """Calm, then everybody at once for a quarter of the time, then calm again: does it recover?"""

    def share(self, done: float) -> float:
        return 1.0 if 0.25 <= done < 0.5 else CALM


class Wave(Shape):
    """A day in short: a trough, a peak, a trough."""

    def share(self, done: float) -> float:
        return CALM + (1 - CALM) * (1 - math.cos(2 * math.pi * done)) / 2


class Burst(Shape):
    """Six times as many for three seconds, in the middle of the run: a hill that is no trouble."""

    def share(self, done: float) -> float:
        return 1.0 if abs(done - 0.5) * self.seconds <= BURST_S / 2 else 1 / 6


SHAPES = {"burst": Burst, "steps": Steps, "spike": Spike, "wave": Wave}


def made(name: str, users: int | None, seconds: float | None) -> Shape:
    """The shape of that name, as high and as long as the command line says."""
    return SHAPES[name](users or USERS, seconds or SECONDS)
