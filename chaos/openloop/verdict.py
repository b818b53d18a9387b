"""Was the generator itself the bottleneck? Then its latencies say nothing about the server: INCONCLUSIVE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_CPU = 0.9  # of a core: above it, answers wait for us
SLIP_SHARE = 0.1  # of the interval between arrivals
FINEST_MS = 2.0  # an event loop's clock ticks each millisecond, so less is never held against it
UNSENT_SHARE = 0.02  # of all requests may still wait for a connection when the schedule ends
GRACE_S = 0.1  # for the last ones


@dataclass(frozen=True)
class Sample:
    """Half a second of the generator's own life, until `t_s`."""

    t_s: float
    cpu_share: float  # of one core
    slip_ms: float  # median delay between due and released: ours, not the server's
    released_per_s: float
    ended_per_s: float
    in_flight: int  # due and not over yet, those that wait for a connection too
    waiting: int  # for a free connection


def slip_limit_ms(rate: float) -> float:
    """How late a request may be released at this rate before it is held against the generator."""
    return max(FINEST_MS, SLIP_SHARE / rate * 1e3)


def reasons(samples: Sequence[Sample], columns: dict[str, np.ndarray], rate: float) -> list[str]:
    """Why a run is INCONCLUSIVE, one clause each; `rate` is that of all arms together."""
    end_s = float(columns["due"][-1])
    seen = [sample for sample in samples if sample.t_s <= end_s + 0.5] or list(samples)
    found = []
    cpu = max((sample.cpu_share for sample in seen), default=0.0)
    if cpu > MOST_CPU:
        found.append(f"the generator used {cpu:.0%} of a core, and at most {MOST_CPU:.0%} may be")
    slip_ms, limit_ms = max((sample.slip_ms for sample in seen), default=0.0), slip_limit_ms(rate)
    if slip_ms > limit_ms:
        found.append(f"it fell {slip_ms:,.1f} ms behind its schedule, and at most {limit_ms:,.1f} ms may be")
    asked, unsent = len(columns["due"]), _unsent(columns, end_s)
    if unsent > UNSENT_SHARE * asked:
        sent = rate * (asked - unsent) / asked
        found.append(f"asked for {rate:,.0f} requests/s it sent {sent:,.0f}, since every connection was busy")
    return found


def _unsent(columns: dict[str, np.ndarray], end_s: float) -> int:
    """Requests that still waited for a connection when the last one became due."""
    soon_s = end_s + GRACE_S
    begun = (columns["sent"] <= soon_s) | (columns["ended"] <= soon_s)
    return int((~begun).sum())
