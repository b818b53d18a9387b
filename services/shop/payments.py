"""The payments service: has the provider charge, and books the payment; once per `Idempotency-Key`.

claim the key ──▶ provider POST /charges, same key ──▶ book the payment, once
     └── whoever dies between two of these is repaired by asking again with the same key
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import FastAPI, Path, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Sequence, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.shop import app as shop_app
from services.shop import idempotency
from services.shop.database import Database
from services.shop.models import Order, Payment
from services.shop.neighbours import Neighbours
from services.shop.problems import missing
from services.shop.records import PaymentKey, now
from services.shop.settings import Settings

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
Method = Literal["card", "wallet", "transfer", "invoice"]
NUMBERS = Sequence("payment_numbers")


class PaymentOrder(BaseModel):
    """What to pay, and how."""

    order_id: int = Field(ge=1, le=2**31 - 1)
    amount_cents: int = Field(gt=0, le=2**53)
    currency: str = Field(pattern="^[A-Z]{3}$")
    method: Method = "card"


class PaymentDocument(BaseModel):
    """A payment as the service shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    order_id: int
    method: str
    status: str
    amount_cents: int
    paid_at: datetime


def create(settings: Settings, neighbours: Neighbours) -> FastAPI:
    """The application."""
    database = Database(settings)
    provider = neighbours.find("provider")
    app = shop_app.create("payments", settings, database.ping)

    @app.post("/payments", status_code=201)
    async def pay(order: PaymentOrder, response: Response, key: idempotency.Key = None) -> PaymentDocument:
        """Pay; without a key of the caller's, each request is a payment of its own."""
        key = key or f"once-{uuid4()}"
        booked = await database.run(claim, order, key)
        idempotency.mark(response, booked is not None)
        if booked:
            return booked
        charge = {"amount_cents": order.amount_cents, "currency": order.currency}
        await provider.ask(
            "POST",
            "/charges",
            json=charge | {"reference": f"order-{order.order_id}"},
            headers={idempotency.HEADER: key},
        )
        return await database.run(book, order, key)

    @app.get("/payments/{payment_id}")
    async def payment(payment_id: Id) -> PaymentDocument:
        """One payment; 404 where there is none of that id."""
        return await database.run(_look, payment_id)

    return app


def claim(session: Session, order: PaymentOrder, key: str) -> PaymentDocument | None:
    """Bind the key to this request; the payment if it was booked before. 404 for an unknown order."""
    if session.get(Order, order.order_id) is None:
        raise missing("order", order.order_id)
    row = insert(PaymentKey).values(key=key, fingerprint=idempotency.fingerprint(order))
    session.execute(row.on_conflict_do_nothing())
    kept = session.get_one(PaymentKey, key)
    idempotency.must_match(kept.fingerprint, idempotency.fingerprint(order), key)
    return _look(session, kept.payment_id) if kept.payment_id else None


def book(session: Session, order: PaymentOrder, key: str) -> PaymentDocument:
    """The payment of a charge that was made; whoever comes second finds it booked."""
    kept = session.get_one(PaymentKey, key, with_for_update=True)
    if kept.payment_id is None:
        kept.payment_id = session.scalars(select(NUMBERS.next_value())).one()
        session.add(
            Payment(
                id=kept.payment_id,
                order_id=order.order_id,
                method=order.method,
                status="captured",
                amount_cents=order.amount_cents,
                paid_at=now(),
            )
        )
        session.flush()
    assert kept.payment_id is not None
    return _look(session, kept.payment_id)


def _look(session: Session, payment_id: int) -> PaymentDocument:
    found = session.get(Payment, payment_id)
    if found is None:
        raise missing("payment", payment_id)
    return PaymentDocument.model_validate(found)
