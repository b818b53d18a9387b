"""The life of an order as a state machine with a version guard; each step leaves its event in the outbox.

placed ──▶ paid ──▶ shipped ──▶ delivered
   └─────▶ cancelled

The version counts the steps. Whoever wants one says which version he saw; of two who saw the same, the second
gets a 409. The event's sequence number is the version that the step made, so a gap or a repeat shows.
"""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from services.shop.models import Order
from services.shop.problems import Problem, missing
from services.shop.records import OrderLife, OutboxEvent, now

STEPS = {
    "placed": ("paid", "cancelled"),
    "paid": ("shipped",),
    "shipped": ("delivered",),
    "delivered": (),
    "cancelled": (),
}
SCHEMA_VERSION = 1  # of the events' data: raise it when a consumer could notice


def begin(session: Session, order: Order) -> None:
    """A new order: version 1, and the event that says so."""
    session.add(OrderLife(order_id=order.id))
    _tell(session, order, sequence=1)


def move(session: Session, order_id: int, to: str, seen: int) -> None:
    """Move an order on from the version `seen`; again, it is neither a step nor an error."""
    order = found(session, order_id)
    life = session.get(OrderLife, order_id)
    is_now = life.version if life else 0
    if order.status == to and is_now == seen + 1:
        return
    if is_now != seen:
        raise _outdated(order_id, seen, is_now)
    if to not in STEPS[order.status]:
        detail = f"order {order_id} is {order.status} and cannot become {to}"
        raise Problem(409, "no-such-step", "No such step", detail, status_now=order.status)
    order.status = to
    if life is None:
        session.add(OrderLife(order_id=order_id))
    else:
        life.changed_at = now()
    _tell(session, order, sequence=seen + 1)
    try:
        session.flush()
    except (StaleDataError, IntegrityError):  # somebody else made a step between our look and our step
        raise _outdated(order_id, seen, seen + 1) from None


def version(session: Session, order_id: int) -> int:
    """How many steps it has made; 0 for the orders that came with the seeded data."""
    life = session.get(OrderLife, order_id)
    return life.version if life else 0


def found(session: Session, order_id: int) -> Order:
    """The order; 404 where there is none of that id."""
    order = session.get(Order, order_id)
    if order is None:
        raise missing("order", order_id)
    return order


def _outdated(order_id: int, seen: int, is_now: int) -> Problem:
    detail = f"order {order_id} has version {is_now}, not {seen}; look again before you change it"
    return Problem(409, "outdated", "Changed meanwhile", detail, version_now=is_now)


def _tell(session: Session, order: Order, sequence: int) -> None:
    data = {"customer_id": order.customer_id, "total_cents": order.total_cents, "currency": order.currency}
    session.add(
        OutboxEvent(
            id=uuid4(),
            type=f"order.{order.status}",
            order_id=order.id,
            sequence=sequence,
            schema_version=SCHEMA_VERSION,
            data=data,
        )
    )
