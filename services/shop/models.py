"""The shop's seven tables, as SQLAlchemy sees them.

    customers 1 -- n orders 1 -- n order_lines n -- 1 products 1 -- 1 inventory
                       | 1 -- n payments
                       ' 1 -- n events

Money is in cents of the row's currency, times are UTC. An order repeats its customer's city,
country, currency and language, as shops do that must be able to say where an order was placed
after the customer has moved. Relationships are loaded lazily unless a query says otherwise.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """All tables of the shop; text is unbounded and every time has its zone."""

    type_annotation_map = {str: Text, datetime: DateTime(timezone=True), dict[str, Any]: JSONB}  # noqa: RUF012 - SQLAlchemy reads it as a plain class attribute


class Customer(Base):
    """A person or a company that orders."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    email: Mapped[str]
    city: Mapped[str]
    country: Mapped[str]
    currency: Mapped[str]
    language: Mapped[str]
    signed_up: Mapped[datetime]

    orders: Mapped[list[Order]] = relationship(back_populates="customer")


class Product(Base):
    """Something for sale."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    category: Mapped[str]
    price_cents: Mapped[int]


class Inventory(Base):
    """How many pieces of a product lie on the shelf, and how many of them are promised."""

    __tablename__ = "inventory"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    on_hand: Mapped[int]
    reserved: Mapped[int]


class Order(Base):
    """One order; ids grow with time, so the newest orders have the highest ids."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    placed_at: Mapped[datetime]
    status: Mapped[str]
    country: Mapped[str]
    currency: Mapped[str]
    language: Mapped[str]
    city: Mapped[str]
    total_cents: Mapped[int] = mapped_column(BigInteger)

    customer: Mapped[Customer] = relationship(back_populates="orders")
    lines: Mapped[list[OrderLine]] = relationship(back_populates="order", order_by="OrderLine.id")
    payments: Mapped[list[Payment]] = relationship(back_populates="order", order_by="Payment.id")


class OrderLine(Base):
    """One product in one order, at the price it had then."""

    __tablename__ = "order_lines"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    quantity: Mapped[int]
    price_cents: Mapped[int]

    order: Mapped[Order] = relationship(back_populates="lines")
    product: Mapped[Product] = relationship()


class Payment(Base):
    """One attempt to pay, or one instalment."""

    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    method: Mapped[str]
    status: Mapped[str]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    paid_at: Mapped[datetime]

    order: Mapped[Order] = relationship(back_populates="payments")


class Event(Base):
    """Something that happened to an order."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[str]
    at: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
