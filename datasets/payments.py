"""Payments of the orders: retried until the card is accepted, or paid in parts, as companies do."""

import numpy as np

from datasets.orders import CANCELLED, RETAIL, STATUSES, Plan, order_of_each, place_of_each
from datasets.seed import Ints, below, stream
from datasets.table import Table, ids, words

MINUTE_US = 60 * 1_000_000
RETAIL_METHODS = ("card", "wallet", "transfer")
COMPANY_METHODS = ("invoice", "transfer", "card")


def payments(planned: Plan, orders: Table, seed: int) -> Table:
    """The table of payments: id, order_id, method, status, amount_cents, paid_at.

    Captured (or refunded) amounts of an order sum to its total; declined ones precede them and count nothing.
    """
    count = planned.payment_count
    order, place = order_of_each(count), place_of_each(count)
    last = place == count[order] - 1
    company = planned.kind[order] != RETAIL
    retried = ~company & (below(stream(seed, "payments.retried"), 10, len(count)) < 6)[order]
    total = orders["total_cents"][order].astype(np.int64)
    part = total // count[order]
    in_parts = np.where(last, total - part * place, part)
    wait_us = np.where(retried, 1, 60) * MINUTE_US * place
    delay_us = (30 + below(stream(seed, "payments.delay"), 600, len(count)))[order] * 1_000_000
    return Table(
        "payments",
        {
            "id": ids(len(order)),
            "order_id": (order + 1).astype(np.int32),
            "method": _methods(company, seed),
            "status": _statuses(orders, order, retried & ~last),
            "amount_cents": np.where(retried, total, in_parts),
            "paid_at": orders["placed_at"][order].astype(np.int64) + delay_us + wait_us,
        },
    )


def _methods(company: np.ndarray, seed: int) -> np.ndarray:
    choice = below(stream(seed, "payments.method"), len(RETAIL_METHODS), len(company))
    return np.where(company, words(COMPANY_METHODS)[choice], words(RETAIL_METHODS)[choice])


def _statuses(orders: Table, order: Ints, declined: np.ndarray) -> np.ndarray:
    refunded = orders["status"][order] == STATUSES[CANCELLED].encode()
    return words(("captured", "refunded", "declined"))[np.where(declined, 2, refunded)]
