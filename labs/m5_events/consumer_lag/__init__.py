"""Lab 5.5, "Behind, or dead?": its scene, rules, pictures, experiments on groups, and judges."""

from labs.m5_events.consumer_lag import judges, prom
from labs.m5_events.consumer_lag.capacity import drained_s
from labs.m5_events.consumer_lag.drain import curves
from labs.m5_events.consumer_lag.finding import before_after, beside_truth, by_eye, rebalancing
from labs.m5_events.consumer_lag.rebalance import costs, gantt
from labs.m5_events.consumer_lag.rules import RULES, firing, known, right, series, table, verdict
from labs.m5_events.consumer_lag.side_by_side import Troubles
from labs.m5_events.consumer_lag.strips import finding, strips
from services.shop.lag.cases import CASES
from services.shop.lag.scene import Scene

KAFKA = {  # KIP-848's members keep the broker's time, not their own
    "group.consumer.heartbeat.interval.ms": "200",
    "group.consumer.session.timeout.ms": "2000",
}

__all__ = [
    "CASES",
    "KAFKA",
    "RULES",
    "Scene",
    "Troubles",
    "before_after",
    "beside_truth",
    "by_eye",
    "costs",
    "curves",
    "drained_s",
    "finding",
    "firing",
    "gantt",
    "judges",
    "known",
    "prom",
    "rebalancing",
    "right",
    "series",
    "strips",
    "table",
    "verdict",
]
