"""The back office's order page: the newest orders with customer, lines, products and payments.

    session --loader--> Order objects --view()--> OrderView values --> JSON

A loader decides how the rows are asked for, `view` decides what the page shows. Both loaders show
the same page; `lazily` asks one question per relationship it touches, `eagerly` three in all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from services.shop.models import Order, OrderLine


@dataclass(frozen=True)
class LineView:
    """One line of an order as the page shows it."""

    product: str
    quantity: int
    price_cents: int


@dataclass(frozen=True)
class PaymentView:
    """One payment as the page shows it."""

    method: str
    status: str
    amount_cents: int


@dataclass(frozen=True)
class OrderView:
    """One row of the page; lines and payments are in the order of their ids."""

    id: int
    placed_at: str
    status: str
    customer: str
    city: str
    total_cents: int
    lines: tuple[LineView, ...]
    payments: tuple[PaymentView, ...]


Loader = Callable[[Session, int, int | None], list[OrderView]]


def view(order: Order) -> OrderView:
    """What the page shows of an order; touches every relationship that the page needs."""
    return OrderView(
        id=order.id,
        placed_at=order.placed_at.isoformat(),
        status=order.status,
        customer=order.customer.name,
        city=order.customer.city,
        total_cents=order.total_cents,
        lines=tuple(LineView(line.product.name, line.quantity, line.price_cents) for line in order.lines),
        payments=tuple(PaymentView(p.method, p.status, p.amount_cents) for p in order.payments),
    )


def newest(size: int, before_id: int | None = None) -> Select[Order]:
    """The query for the `size` newest orders, or for those just older than `before_id` (keyset paging)."""
    query = select(Order).order_by(Order.id.desc()).limit(size)
    return query if before_id is None else query.where(Order.id < before_id)


def lazily(session: Session, size: int, before_id: int | None = None) -> list[OrderView]:
    """The page as straightforward ORM code writes it: correct, and a question for every row."""
    return [view(order) for order in session.scalars(newest(size, before_id))]


def eagerly(session: Session, size: int, before_id: int | None = None) -> list[OrderView]:
    """The same page in three questions: a join for what is one, an IN list for what is many."""
    query = newest(size, before_id).options(
        joinedload(Order.customer),
        selectinload(Order.lines).joinedload(OrderLine.product),
        selectinload(Order.payments),
    )
    return [view(order) for order in session.scalars(query)]


LOADERS: dict[str, Loader] = {"naive": lazily, "repaired": eagerly}
