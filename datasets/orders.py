"""Orders of the shop: mostly a few lines and one or two payments, and now and then a company's sixty lines.

    block of 200 orders:   1 full company order    60 lines, 12 payments
                           7 company orders        log-normal lines, median 22; 3 to 12 payments
                           1 emptied order         no line, no payment, cancelled
                         191 retail orders         log-normal lines, median 3; mostly 1 to 3 payments

Lines take products by Zipf popularity, never the same product twice in one order.
Every block holds all kinds at random places: each page of 200 orders shows the tail, whatever the seed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from datasets.people import is_company
from datasets.seed import Ints, below, lognormal_weights, pick, raw, stream
from datasets.table import Table, ids, words

BLOCK = 200
FULL_LINES, FULL_PAYMENTS = 60, 12
COMPANY_ORDERS_PER_BLOCK = 8  # the first of them is the full one
RETAIL, COMPANY, FULL, EMPTIED = range(4)
RETAIL_LINES = lognormal_weights(median=3, sigma=0.8, low=1, high=40)
COMPANY_LINES = lognormal_weights(median=22, sigma=0.5, low=8, high=FULL_LINES)
ACTIVITY_LEVELS = 6  # the keenest customers order six times as often as the rarest
FIRST_ORDER_US = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
SPAN_US = 2 * 365 * 86_400 * 1_000_000
STATUSES = ("placed", "paid", "shipped", "delivered", "cancelled")
PLACED, PAID, SHIPPED, DELIVERED, CANCELLED = range(len(STATUSES))


@dataclass(frozen=True)
class Plan:
    """What each order will have, before prices are known; index = order id - 1."""

    kind: Ints
    line_count: Ints
    payment_count: Ints
    customer: Ints  # index of the customer = customer id - 1


def plan(orders: int, customers: int, seed: int) -> Plan:
    """Kinds, counts and customers of all orders; `orders` is a multiple of 200."""
    kind = _kinds(orders, seed)
    retail_payments = pick(stream(seed, "orders.payments"), (2, 50, 30, 18), orders)
    company_payments = 3 + below(stream(seed, "orders.company_payments"), FULL_PAYMENTS - 2, orders)
    retail_lines = 1 + pick(stream(seed, "orders.lines"), RETAIL_LINES, orders)
    company_lines = 8 + pick(stream(seed, "orders.company_lines"), COMPANY_LINES, orders)
    full, none = np.full(orders, FULL_LINES), np.zeros(orders, dtype=np.int64)
    return Plan(
        kind,
        np.choose(kind, [retail_lines, company_lines, full, none]),
        np.choose(kind, [retail_payments, company_payments, none + FULL_PAYMENTS, none]),
        _customers(kind, customers, seed),
    )


def _kinds(orders: int, seed: int) -> Ints:
    blocks = raw(stream(seed, "orders.kind"), orders).reshape(-1, BLOCK)
    rank = np.argsort(np.argsort(blocks, axis=1, kind="stable"), axis=1, kind="stable").ravel()
    kind = np.full(orders, RETAIL)
    kind[rank < COMPANY_ORDERS_PER_BLOCK] = COMPANY
    kind[rank == 0] = FULL
    kind[rank == COMPANY_ORDERS_PER_BLOCK] = EMPTIED
    return kind


def _customers(kind: Ints, customers: int, seed: int) -> Ints:
    """Company orders go to companies; in each group the keenest order six times as often as the rarest."""
    activity = 1 + below(stream(seed, "customers.activity"), ACTIVITY_LEVELS, customers)
    company = is_company(ids(customers))
    rng = stream(seed, "orders.customer")
    private_customer = pick(rng, np.where(company, 0, activity), len(kind))
    company_customer = pick(rng, np.where(company, activity, 0), len(kind))
    return np.where((kind == COMPANY) | (kind == FULL), company_customer, private_customer)


def order_of_each(counts: Ints) -> Ints:
    """For counts per order, the order index of each of their rows: [2, 0, 1] becomes [0, 0, 2]."""
    return np.repeat(np.arange(len(counts)), counts)


def place_of_each(counts: Ints) -> Ints:
    """For counts per order, the place of each row within its order: [2, 0, 1] becomes [0, 1, 0]."""
    starts = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) - np.repeat(starts, counts)


def order_lines(planned: Plan, products: Table, popularity: Ints, seed: int) -> Table:
    """The table of lines: id, order_id, product_id, quantity, price_cents (of one piece)."""
    order = order_of_each(planned.line_count)
    product = _distinct_products(order, popularity, seed)
    company = planned.kind[order] != RETAIL
    retail_quantity = 1 + pick(stream(seed, "lines.quantity"), (70, 18, 7, 3, 2), len(order))
    company_quantity = 5 + below(stream(seed, "lines.company_quantity"), 46, len(order))
    return Table(
        "order_lines",
        {
            "id": ids(len(order)),
            "order_id": (order + 1).astype(np.int32),
            "product_id": (product + 1).astype(np.int32),
            "quantity": np.where(company, company_quantity, retail_quantity).astype(np.int32),
            "price_cents": products["price_cents"][product].astype(np.int32),
        },
    )


def _distinct_products(order: Ints, popularity: Ints, seed: int) -> Ints:
    """A product for each line by popularity; a product that the order holds already is drawn again."""
    rng = stream(seed, "lines.product")
    product = pick(rng, popularity, len(order))
    suspects = np.arange(len(order))
    while len(suspects):
        pair = order[suspects] * len(popularity) + product[suspects]
        by_pair = np.argsort(pair, kind="stable")
        repeated = np.concatenate([[False], pair[by_pair][1:] == pair[by_pair][:-1]])
        again = np.sort(suspects[by_pair[repeated]])
        product[again] = pick(rng, popularity, len(again))
        touched: NDArray[np.bool_] = np.isin(order[suspects], order[again])
        suspects = suspects[touched]
    return product


def orders(planned: Plan, customers: Table, lines: Table, seed: int) -> Table:
    """The table of orders; country, city, currency and language are those of the customer."""
    size = len(planned.kind)
    gaps_us = 1 + below(stream(seed, "orders.gap"), 2**20, size) * (2 * SPAN_US // size // 2**20)
    paid = np.cumsum(np.concatenate([[0], lines["quantity"].astype(np.int64) * lines["price_cents"]]))
    ends = np.cumsum(planned.line_count)
    placed = ("country", "currency", "language", "city")
    return Table(
        "orders",
        {
            "id": ids(size),
            "customer_id": (planned.customer + 1).astype(np.int32),
            "placed_at": FIRST_ORDER_US + np.cumsum(gaps_us),
            "status": words(STATUSES)[_status(planned, seed)],
            **{name: customers[name][planned.customer] for name in placed},
            "total_cents": paid[ends] - paid[ends - planned.line_count],
        },
    )


def _status(planned: Plan, seed: int) -> Ints:
    """Emptied orders are cancelled, unpaid ones only placed; the newest are on their way, others arrived."""
    size = len(planned.kind)
    age = np.arange(size, 0, -1)  # 1 = newest
    status = np.where(age <= size // 50, PAID, np.where(age <= size // 12, SHIPPED, DELIVERED))
    cancelled = below(stream(seed, "orders.cancelled"), 100, size) < 3
    status[cancelled | (planned.kind == EMPTIED)] = CANCELLED
    status[(planned.payment_count == 0) & (planned.kind != EMPTIED)] = PLACED
    return status
