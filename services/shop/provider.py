"""The payment provider, somebody else's service: charges once per `Idempotency-Key`, and audits keys.

POST /charges   key unknown         ──▶ 201 a new charge                      "charged"
                key and body known  ──▶ 201 the same charge, replayed         "replayed"
                key with other body ──▶ 422                                   "refused"
                no key              ──▶ 201 a new charge, each time           "charged"
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.shop import app as shop_app
from services.shop import idempotency
from services.shop.database import Database
from services.shop.neighbours import Neighbours
from services.shop.records import Charge, ChargeRequest
from services.shop.settings import Settings

Limit = Annotated[int, Query(ge=1, le=100_000)]


class ChargeOrder(BaseModel):
    """What to charge, and for what; `reference` is the customer's word for it."""

    amount_cents: int = Field(gt=0, le=2**53)
    currency: str = Field(pattern="^[A-Z]{3}$")
    reference: str = Field(min_length=1, max_length=200)


def create(settings: Settings, neighbours: Neighbours) -> FastAPI:
    """The application."""
    database = Database(settings)
    app = shop_app.create("provider", settings, database.ping)

    @app.post("/charges", status_code=201)
    async def charge(order: ChargeOrder, response: Response, key: idempotency.Key = None) -> dict[str, Any]:
        """Take the money, once per key."""
        await asyncio.sleep(settings.provider_delay_ms / 1000)
        kept, new = await database.run(take, order, key)
        if not new:
            idempotency.must_match(kept.fingerprint, idempotency.fingerprint(order), key or "")
        idempotency.mark(response, not new)
        return _shown(kept)

    @app.get("/charges")
    async def charges(reference: str | None = None, limit: Limit = 1000) -> dict[str, Any]:
        """How often and how much was charged, and the charges themselves, oldest first."""
        found = await database.run(_charges, reference)
        amount_cents = sum(one.amount_cents for one in found)
        shown = [_shown(one) for one in found[:limit]]
        return {"count": len(found), "amount_cents": amount_cents, "charges": shown}

    @app.get("/audit")
    async def audit(key: str | None = None, limit: Limit = 1000) -> list[dict[str, Any]]:
        """Every request in the order in which it was decided, and what came of it."""
        return await database.run(_audit, key, limit)

    return app


def take(session: Session, order: ChargeOrder, key: str | None) -> tuple[Charge, bool]:
    """The charge of this key, and whether it is new; of two at once, the index lets one wait."""
    asked = idempotency.fingerprint(order)
    claim = insert(Charge).values(key=key, fingerprint=asked, **order.model_dump())
    made = session.scalar(claim.on_conflict_do_nothing(index_elements=["key"]).returning(Charge))
    charge = made or session.scalars(select(Charge).where(Charge.key == key)).one()
    outcome = "charged" if made else "replayed" if charge.fingerprint == asked else "refused"
    session.add(ChargeRequest(key=key, reference=order.reference, outcome=outcome))
    return charge, made is not None


def _charges(session: Session, reference: str | None) -> list[Charge]:
    query = select(Charge).order_by(Charge.id)
    return list(session.scalars(query if reference is None else query.where(Charge.reference == reference)))


def _audit(session: Session, key: str | None, limit: int) -> list[dict[str, Any]]:
    query = select(ChargeRequest).order_by(ChargeRequest.id).limit(limit)
    rows = session.scalars(query if key is None else query.where(ChargeRequest.key == key))
    fields = ("key", "reference", "outcome", "at")
    return [{name: getattr(row, name) for name in fields} for row in rows]


def _shown(charge: Charge) -> dict[str, Any]:
    fields = ("id", "key", "reference", "currency", "amount_cents", "charged_at")
    return {name: getattr(charge, name) for name in fields}
