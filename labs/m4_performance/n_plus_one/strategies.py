"""Six ways to load the order page, from one question per row to one question in all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from sqlalchemy import text
from sqlalchemy.orm import Session, joinedload, selectinload, subqueryload
from sqlalchemy.orm.interfaces import ORMOption

from services.shop.models import Order, OrderLine
from services.shop.pages import LineView, Loader, OrderView, PaymentView, eagerly, lazily, newest, view


def by_options(*options: ORMOption) -> Loader:
    """A loader that gives the page's query these loading options."""

    def load(session: Session, size: int, before_id: int | None = None) -> list[OrderView]:
        orders = session.scalars(newest(size, before_id).options(*options)).unique()
        return [view(order) for order in orders]

    return load


BY_HAND = text(
    """
    SELECT o.id, o.placed_at, o.status, c.name, c.city, o.total_cents,
           (SELECT coalesce(json_agg(json_build_array(p.name, l.quantity, l.price_cents) ORDER BY l.id), '[]')
              FROM order_lines l JOIN products p ON p.id = l.product_id WHERE l.order_id = o.id) AS lines,
           (SELECT coalesce(json_agg(json_build_array(y.method, y.status, y.amount_cents) ORDER BY y.id),
                            '[]')
              FROM payments y WHERE y.order_id = o.id) AS payments
      FROM orders o JOIN customers c ON c.id = o.customer_id
     WHERE :before_id IS NULL OR o.id < :before_id
     ORDER BY o.id DESC LIMIT :size
""".replace(":before_id", "CAST(:before_id AS integer)")
)


def by_hand(session: Session, size: int, before_id: int | None = None) -> list[OrderView]:
    """The page in one hand-written statement: what is many arrives as JSON inside its order's row."""
    rows = session.execute(BY_HAND, {"size": size, "before_id": before_id})
    return [
        OrderView(
            id, placed_at.isoformat(), status, name, city, total,
            tuple(LineView(*line) for line in lines),
            tuple(PaymentView(*payment) for payment in payments),
        )
        for id, placed_at, status, name, city, total, lines, payments in rows
    ]  # fmt: skip


STRATEGIES: dict[str, Loader] = {
    "lazy": lazily,
    "one big JOIN": by_options(
        joinedload(Order.customer),
        joinedload(Order.lines).joinedload(OrderLine.product),
        joinedload(Order.payments),
    ),
    "subquery": by_options(
        subqueryload(Order.customer),
        subqueryload(Order.lines).subqueryload(OrderLine.product),
        subqueryload(Order.payments),
    ),
    "selectin": by_options(
        selectinload(Order.customer),
        selectinload(Order.lines).selectinload(OrderLine.product),
        selectinload(Order.payments),
    ),
    "mixed": eagerly,
    "by hand": by_hand,
}


def fingerprint(page: list[OrderView]) -> str:
    """SHA-256 of the page's canonical JSON: equal exactly where two pages show the same data."""
    return hashlib.sha256(json.dumps([asdict(order) for order in page]).encode()).hexdigest()
