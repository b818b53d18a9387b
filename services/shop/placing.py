"""What placing an order does to the orders service's rows, each function one transaction.

claim(key) ──▶ the order's number ──▶ (reserve, elsewhere) ──▶ place(number): order, lines, version, event
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Sequence, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.shop import idempotency, lifecycle
from services.shop.models import Customer, Order, OrderLine
from services.shop.problems import missing
from services.shop.records import OrderKey, now
from services.shop.stock import Line

NUMBERS, LINE_NUMBERS = Sequence("order_numbers"), Sequence("order_line_numbers")


@dataclass(frozen=True)
class Claim:
    """The number that an order has or will have, and whether it was placed before."""

    order_id: int
    is_placed: bool


class LineDocument(BaseModel):
    """One line of an order as the service shows it."""

    product_id: int
    quantity: int
    price_cents: int


class OrderDocument(BaseModel):
    """An order as the service shows it."""

    id: int
    customer_id: int
    status: str
    version: int
    currency: str
    total_cents: int
    placed_at: datetime
    lines: list[LineDocument]


def claim(session: Session, customer_id: int, key: str | None, fingerprint: str) -> Claim:
    """The number of the order that `key` stands for, a new one without a key; 404 for an unknown customer."""
    if session.get(Customer, customer_id) is None:
        raise missing("customer", customer_id)
    number: int = session.scalars(select(NUMBERS.next_value())).one()
    if key is None:
        return Claim(number, is_placed=False)
    row = insert(OrderKey).values(key=key, fingerprint=fingerprint, order_id=number)
    session.execute(row.on_conflict_do_nothing())
    kept = session.get_one(OrderKey, key)
    idempotency.must_match(kept.fingerprint, fingerprint, key)
    return Claim(kept.order_id, is_placed=session.get(Order, kept.order_id) is not None)


def place(
    session: Session, order_id: int, customer_id: int, lines: list[Line], prices: dict[int, int]
) -> OrderDocument:
    """Write order, lines and first event; whoever comes second with the number finds them written."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("shop.order"), order_id)))
    if session.get(Order, order_id) is None:
        customer = session.get_one(Customer, customer_id)
        order = Order(
            id=order_id,
            placed_at=now(),
            status="placed",
            total_cents=sum(line.quantity * prices[line.product_id] for line in lines),
            **{name: getattr(customer, name) for name in ("country", "currency", "language", "city")},
            customer_id=customer_id,
        )
        session.add(order)
        many = func.generate_series(1, len(lines))
        numbers = session.scalars(select(LINE_NUMBERS.next_value()).select_from(many))
        session.add_all(
            OrderLine(id=number, order_id=order_id, price_cents=prices[line.product_id], **line.model_dump())
            for number, line in zip(numbers, lines, strict=True)
        )
        lifecycle.begin(session, order)
        session.flush()
    return look(session, order_id)


def look(session: Session, order_id: int) -> OrderDocument:
    """The order with its lines; 404 where there is none of that id."""
    order = lifecycle.found(session, order_id)
    return OrderDocument(
        id=order.id,
        customer_id=order.customer_id,
        status=order.status,
        version=lifecycle.version(session, order_id),
        currency=order.currency,
        total_cents=order.total_cents,
        placed_at=order.placed_at,
        lines=[
            LineDocument(product_id=line.product_id, quantity=line.quantity, price_cents=line.price_cents)
            for line in order.lines
        ],
    )


def move(session: Session, order_id: int, to: str, seen: int) -> OrderDocument:
    """The order, moved on from the version `seen`."""
    lifecycle.move(session, order_id, to, seen)
    return look(session, order_id)
