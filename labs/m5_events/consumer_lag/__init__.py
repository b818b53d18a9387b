"""Lab 5.5, "Behind, or dead?": its scene, rules, pictures, experiments on groups, and judges."""

from importlib import import_module
from typing import Any

from labs.m5_events.consumer_lag import judges, prom
from labs.m5_events.consumer_lag.capacity import drained_s
from labs.m5_events.consumer_lag.rules import RULES, firing, known, right, series, table, verdict

KAFKA = {  # KIP-848's members keep the broker's time, not their own
    "group.consumer.heartbeat.interval.ms": "200",
    "group.consumer.session.timeout.ms": "2000",
}
# pandas and matplotlib take more than a second: whoever only runs checks never pays for them
_HOMES = {
    "CASES": "services.shop.lag.cases",
    "Scene": "services.shop.lag.scene",
    "Troubles": "labs.m5_events.consumer_lag.side_by_side",
    "before_after": "labs.m5_events.consumer_lag.sentences",
    "beside_truth": "labs.m5_events.consumer_lag.sentences",
    "by_eye": "labs.m5_events.consumer_lag.sentences",
    "costs": "labs.m5_events.consumer_lag.rebalance",
    "curves": "labs.m5_events.consumer_lag.drain",
    "gantt": "labs.m5_events.consumer_lag.rebalance",
    "judged": "labs.m5_events.consumer_lag.picture",
    "rebalancing": "labs.m5_events.consumer_lag.sentences",
    "shown": "labs.m5_events.consumer_lag.sentences",
    "strips": "labs.m5_events.consumer_lag.picture",
}

__all__ = [
    "KAFKA",
    "RULES",
    "drained_s",
    "firing",
    "judges",
    "known",
    "prom",
    "right",
    "series",
    "table",
    "verdict",
]


def __getattr__(name: str) -> Any:
    """Load a picture or an experiment when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"lab 5.5 has no {name!r}")
    return getattr(import_module(_HOMES[name]), name)
