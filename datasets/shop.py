"""The shop that all labs share: customers, products, stock, orders, lines, payments and events at two sizes.

seed -> customers, products, inventory -> orders <- lines, payments, events
shop("S", 42).tables["orders"]["placed_at"]        page_cost(shop("S", 42)).statements
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from datasets import catalog, events, orders, payments, people
from datasets.table import Table

VERSION = 1  # part of the key under which prepared databases are kept: raise it when any byte changes
CHOSEN_SEED = 42  # its page of 200 costs 1,192 statements: shares and medians in orders.py were tuned to it


@dataclass(frozen=True)
class Size:
    """How many of each a shop has."""

    customers: int
    products: int
    orders: int


SIZES = {"S": Size(10_000, 10_000, 50_000), "M": Size(100_000, 20_000, 500_000)}


@dataclass(frozen=True)
class Shop:
    """All tables of one shop, in an order in which foreign keys are satisfied."""

    size: str
    seed: int
    tables: dict[str, Table]


@dataclass(frozen=True)
class PageCost:
    """What one page of orders costs, by arithmetic from the columns.

    `statements` is what a lazy ORM sends: the orders, then lines and payments of each order, and each
    customer and product the first time that it is met. `rows_distinct` is what no strategy can fetch less
    than; `joined_rows` is what one big LEFT JOIN of lines and payments sends.
    """

    orders: int
    customers: int
    lines: int
    products: int
    payments: int
    joined_rows: int

    @property
    def statements(self) -> int:
        return 1 + 2 * self.orders + self.customers + self.products

    @property
    def rows_distinct(self) -> int:
        return self.orders + self.customers + self.lines + self.products + self.payments


@lru_cache(maxsize=1)
def shop(size: str, seed: int) -> Shop:
    """The shop of a size ("S": 50,000 orders, "M": 500,000) and a seed; ValueError for another size."""
    if size not in SIZES:
        raise ValueError(f"there is no shop of size {size!r}; choose one of {', '.join(SIZES)}")
    many = SIZES[size]
    customers = people.customers(many.customers, seed)
    products = catalog.products(many.products, seed)
    planned = orders.plan(many.orders, many.customers, seed)
    lines = orders.order_lines(planned, products, catalog.popularity(many.products, seed), seed)
    ordered = orders.orders(planned, customers, lines, seed)
    paid = payments.payments(planned, ordered, seed)
    stock = catalog.inventory(many.products, seed)
    tables = (customers, products, stock, ordered, lines, paid, events.events(ordered, seed))
    return Shop(size, seed, {table.name: table for table in tables})


def page_cost(of: Shop, size: int = 200, before_id: int | None = None) -> PageCost:
    """The cost of the page of the `size` newest orders (with ids below `before_id`, if given)."""
    bought, lines, paid = (of.tables[name] for name in ("orders", "order_lines", "payments"))
    newest = (before_id or len(bought) + 1) - 1
    first = max(newest - size, 0) + 1
    customers = bought["customer_id"][first - 1 : newest]
    in_page = (lines["order_id"] >= first) & (lines["order_id"] <= newest)
    line_count = np.bincount(lines["order_id"][in_page] - first, minlength=len(customers))
    payment_order = paid["order_id"][(paid["order_id"] >= first) & (paid["order_id"] <= newest)]
    payment_count = np.bincount(payment_order - first, minlength=len(customers))
    return PageCost(
        orders=len(customers),
        customers=len(np.unique(customers)),
        lines=int(line_count.sum()),
        products=len(np.unique(lines["product_id"][in_page])),
        payments=len(payment_order),
        joined_rows=int((np.maximum(line_count, 1) * np.maximum(payment_count, 1)).sum()),
    )
