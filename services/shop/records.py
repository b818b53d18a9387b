"""The shop's own tables, empty at the start: what placing and paying orders leaves besides the seeded seven.

    orders      order_lives   order_keys   outbox      (version, idempotency, events to publish)
    inventory   reservations
    payments    payment_keys
    provider    charges       charge_audit
    cart        cart_items
    workers     inbox         order_views

They refer to each other by id and without foreign keys where another service owns the other table, because
that service may move to a database of its own. `create(url)` makes them in any database that holds the shop.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    create_engine,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.shop import models


class Base(DeclarativeBase):
    """Tables outside the seeded template; text is unbounded and every time has its zone."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a plain class attribute
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[list[int]]: JSONB,
    }


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


class OrderLife(Base):
    """How often an order has changed: its version, and the sequence number of its last event."""

    __tablename__ = "order_lives"

    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column()
    changed_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    # UPDATE ... WHERE version = the one that was read; no row means that somebody was faster
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads a plain class attribute


class OrderKey(Base):
    """The order that an Idempotency-Key stands for, and what was asked with it."""

    __tablename__ = "order_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    order_id: Mapped[int]


class Reservation(Base):
    """Pieces promised to an order; `lines` are pairs of product and quantity."""

    __tablename__ = "reservations"

    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lines: Mapped[list[list[int]]]
    status: Mapped[str]


class PaymentKey(Base):
    """The payment that an Idempotency-Key stands for; none while it is being made."""

    __tablename__ = "payment_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    payment_id: Mapped[int | None]


class Charge(Base):
    """Money that the provider has taken; a key is charged once."""

    __tablename__ = "charges"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str | None] = mapped_column(unique=True)
    fingerprint: Mapped[str]
    reference: Mapped[str] = mapped_column(index=True)
    currency: Mapped[str]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    charged_at: Mapped[datetime] = mapped_column(default=now)


class ChargeRequest(Base):
    """A request that the provider has seen, and what came of it."""

    __tablename__ = "charge_audit"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str | None] = mapped_column(index=True)
    reference: Mapped[str]
    outcome: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)


class CartItem(Base):
    """So many pieces of a product in a cart."""

    __tablename__ = "cart_items"

    cart_id: Mapped[str] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quantity: Mapped[int]


class OutboxEvent(Base):
    """Something that happened to an order, written in the transaction in which it happened."""

    __tablename__ = "outbox"

    position: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    type: Mapped[str]
    order_id: Mapped[int]
    sequence: Mapped[int]
    occurred_at: Mapped[datetime] = mapped_column(default=now)
    schema_version: Mapped[int]
    data: Mapped[dict[str, Any]]
    published_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("order_id", "sequence"),
        Index("outbox_unpublished", "position", postgresql_where=text("published_at IS NULL")),
    )


class InboxEntry(Base):
    """An event that a consumer has dealt with; a row here and its effect are one transaction."""

    __tablename__ = "inbox"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)


class OrderView(Base):
    """What the projector knows of an order from its events alone."""

    __tablename__ = "order_views"

    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str]
    sequence: Mapped[int]
    total_cents: Mapped[int] = mapped_column(BigInteger)
    events: Mapped[int]


# ids of rows that join the seeded ones go on after the highest of them
NUMBERS = {
    "order_numbers": models.Order.id,
    "order_line_numbers": models.OrderLine.id,
    "payment_numbers": models.Payment.id,
}


def create(url: str) -> None:
    """Make every table that the SQLAlchemy `url` lacks; safe to repeat, also by several at once."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('shop.records'))"))
        models.Base.metadata.create_all(connection)
        Base.metadata.create_all(connection)
        for name, column in NUMBERS.items():
            first = (connection.scalar(select(func.max(column))) or 0) + 1
            connection.execute(text(f"CREATE SEQUENCE IF NOT EXISTS {name} START {first}"))
    engine.dispose()
