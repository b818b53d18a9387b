"""What the inventory does to its rows, each function one transaction.

Rows are locked in the order of their ids, so that two orders for the same products wait for each other
instead of for ever, and what is available is read after the lock, so that nobody else can promise it too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.shop.models import Inventory
from services.shop.problems import Problem, missing
from services.shop.records import Reservation


class Line(BaseModel):
    """So many pieces of a product."""

    product_id: int = Field(ge=1, le=2**31 - 1)
    quantity: int = Field(ge=1, le=10_000)


class Pieces(BaseModel):
    """A product's stock as the service shows it."""

    product_id: int
    on_hand: int
    reserved: int
    available: int


class Reserved(BaseModel):
    """A reservation as the service shows it."""

    order_id: int
    status: str


def look(session: Session, product_id: int) -> Pieces:
    """A product's stock; 404 where there is no such product."""
    row = session.get(Inventory, product_id)
    if row is None:
        raise missing("product", product_id)
    return _pieces(row)


def count(session: Session, product_id: int, on_hand: int) -> Pieces:
    """Set what lies on the shelf; 409 when more than that is promised."""
    row = _locked(session, [product_id])[product_id]
    if on_hand < row.reserved:
        raise Problem(
            409, "promised", "Promised", f"{row.reserved} pieces of product {product_id} are promised"
        )
    row.on_hand = on_hand
    return _pieces(row)


def reserve(session: Session, order_id: int, lines: list[Line]) -> Reserved:
    """Promise all lines to the order, or none and 409; an order's second wish must be its first one."""
    wanted = added_up(lines)
    pairs = [[product_id, quantity] for product_id, quantity in sorted(wanted.items())]
    claim = insert(Reservation).values(order_id=order_id, lines=pairs, status="reserved")
    if not session.execute(claim.on_conflict_do_nothing().returning(Reservation.order_id)).all():
        return _again(session, order_id, pairs)
    rows = _locked(session, wanted)
    short = [_pieces(row) for row in rows.values() if row.on_hand - row.reserved < wanted[row.product_id]]
    if short:
        names = ", ".join(f"{one.available} of product {one.product_id}" for one in short)
        stocks = [one.model_dump() for one in short]
        raise Problem(409, "sold-out", "Sold out", f"only {names} available", stocks=stocks)
    for row in rows.values():
        row.reserved += wanted[row.product_id]
    return Reserved(order_id=order_id, status="reserved")


def settle(session: Session, order_id: int, status: Literal["released", "shipped"]) -> Reserved:
    """End a reservation one way or the other; again the same way changes nothing, the other way is a 409."""
    reservation = session.get(Reservation, order_id, with_for_update=True)
    if reservation is None:
        raise missing("reservation of order", order_id)
    if reservation.status == "reserved":
        rows = _locked(session, [product_id for product_id, _ in reservation.lines])
        for product_id, quantity in reservation.lines:
            rows[product_id].reserved -= quantity
            rows[product_id].on_hand -= quantity if status == "shipped" else 0
        reservation.status = status
    elif reservation.status != status:
        raise Problem(
            409, "settled", "Already settled", f"the pieces of order {order_id} were {reservation.status}"
        )
    return Reserved(order_id=order_id, status=status)


def added_up(lines: Iterable[Line]) -> dict[int, int]:
    """Pieces per product, for orders that name a product twice."""
    wanted: dict[int, int] = {}
    for line in lines:
        wanted[line.product_id] = wanted.get(line.product_id, 0) + line.quantity
    return wanted


def _again(session: Session, order_id: int, pairs: list[list[int]]) -> Reserved:
    kept = session.get_one(Reservation, order_id)
    if kept.lines != pairs or kept.status != "reserved":
        detail = f"order {order_id} has a reservation, which is {kept.status}"
        raise Problem(409, "reserved-otherwise", "Reserved otherwise", detail)
    return Reserved(order_id=order_id, status=kept.status)


def _locked(session: Session, product_ids: Iterable[int]) -> dict[int, Inventory]:
    """The rows of these products, nobody else's until the transaction ends; 404 when one is missing."""
    wanted = sorted(product_ids)
    query = select(Inventory).where(Inventory.product_id.in_(wanted)).order_by(Inventory.product_id)
    rows = {row.product_id: row for row in session.scalars(query.with_for_update())}
    for product_id in wanted:
        if product_id not in rows:
            raise missing("product", product_id)
    return rows


def _pieces(row: Inventory) -> Pieces:
    return Pieces(
        product_id=row.product_id,
        on_hand=row.on_hand,
        reserved=row.reserved,
        available=row.on_hand - row.reserved,
    )
