"""Experiments B to F on one broker at once, each on topics of its own: they wait more than they work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

from labs.m5_events.consumer_lag import drain, losses, rebalance
from labs.m5_events.consumer_lag.members import Crew


@dataclass(frozen=True)
class Troubles:
    """What came of them: backlogs that drain, crews that come and go, a slow handler, a cut log, markers."""

    drained: pd.DataFrame
    crews: dict[str, Crew]
    too_slow: dict[str, Any]
    retention: pd.DataFrame
    phantom: dict[str, int]

    @classmethod
    def seen(cls, bootstrap: str, step_s: float = rebalance.STEP_S) -> Self:
        """Run all five; `step_s` is the time between C's coming and going in experiment C."""
        with ThreadPoolExecutor(5) as pool:
            crews = pool.submit(rebalance.all_protocols, bootstrap, "", step_s)
            slow = pool.submit(rebalance.too_slow, bootstrap)
            drained = pool.submit(drain.drain_all, bootstrap)
            cut = pool.submit(losses.retention, bootstrap)
            markers = pool.submit(losses.phantom, bootstrap)
            return cls(drained.result(), crews.result(), slow.result(), cut.result(), markers.result())
