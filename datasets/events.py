"""What happened to each order, as a log in the order of time: placed, paid, shipped, delivered, cancelled."""

import numpy as np

from datasets.orders import STATUSES
from datasets.seed import pick, raw, stream
from datasets.table import Table, words

HOUR_US = 3_600 * 1_000_000
# kind of event, orders of which status have it, hours after the order (at least, and drawn on top of it)
KINDS = (
    ("order.placed", ("placed", "paid", "shipped", "delivered", "cancelled"), 0, 0),
    ("order.paid", ("paid", "shipped", "delivered"), 13, 2),
    ("order.shipped", ("shipped", "delivered"), 20, 30),
    ("order.delivered", ("delivered",), 60, 90),
    ("order.cancelled", ("cancelled",), 15, 48),
)
CHANNELS = ("web", "app", "phone", "api")
CHANNEL_WEIGHTS = (45, 40, 5, 10)


def events(orders: Table, seed: int) -> Table:
    """The table of events: id, order_id, kind, at, payload (JSON)."""
    order, kind, at_us = _happened(orders, seed)
    by_time = np.argsort(at_us, kind="stable")
    order, kind, at_us = order[by_time], kind[by_time], at_us[by_time]
    channel = pick(stream(seed, "events.channel"), CHANNEL_WEIGHTS, len(orders))[order]
    payload = words([f'{{"channel": "{name}", "version": 1}}' for name in CHANNELS])
    return Table(
        "events",
        {
            "id": np.arange(1, len(order) + 1, dtype=np.int64),
            "order_id": (order + 1).astype(np.int32),
            "kind": words([name for name, *_ in KINDS])[kind],
            "at": at_us,
            "payload": payload[channel],
        },
    )


def _happened(orders: Table, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order index, kind and time (microseconds since 1970) of each event, kind by kind."""
    found = []
    for kind, (name, statuses, least_h, drawn_h) in enumerate(KINDS):
        wanted = [status.encode() for status in statuses if status in STATUSES]
        order = np.flatnonzero(np.isin(orders["status"], wanted))
        drawn_us = raw(stream(seed, f"events.{name}"), len(order)) % np.uint64(drawn_h * HOUR_US + 1)
        at_us = orders["placed_at"][order].astype(np.int64) + least_h * HOUR_US + drawn_us.astype(np.int64)
        found.append((order, np.full(len(order), kind), at_us))
    order_at, kinds, times = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return order_at, kinds, times
