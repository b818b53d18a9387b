"""What the checkout of lab 4.5 does besides placing the order, each of the five steps done well.

order ──▶ match promotions ──▶ ask for the risk ──▶ sign the receipt ──▶ remember it ──▶ write the journal
"""

from __future__ import annotations

import atexit
import zlib
from collections import deque
from itertools import product
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.shop.database import Database
from services.shop.placing import OrderDocument
from services.shop.settings import Settings

PERCENTS = (5, 10, 15, 20)
OFFERS = [(number, percent) for number, percent in product(range(3, 10_000, 3), PERCENTS)]
REMEMBERED = 100
RISK = text("SELECT count(*), pg_sleep(0.02) FROM orders WHERE customer_id = :customer")  # a model takes time


class Build:
    """The steps; a patient's class replaces one of them."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.database = database
        self.catalogue = Path(settings.checkout_directory) / "offers.txt"
        self.catalogue.write_text("".join(f"{number} {percent}\n" for number, percent in OFFERS))
        self.offers = frozenset(OFFERS)
        self.recent: deque[tuple[int, str]] = deque(maxlen=REMEMBERED)
        self.journal = (self.catalogue.parent / "journal.txt").open("a", buffering=1 << 16)
        atexit.register(self.journal.close)  # what is buffered then

    @classmethod
    def adapted(cls, settings: Settings) -> Settings:
        """The settings of its database."""
        return settings

    async def after(self, order: OrderDocument) -> None:
        """All five steps, for an order that has just been placed."""
        offers = self.match(order)
        risk = await self.risk(order.customer_id)
        receipt = f"{order.model_dump_json()} offers={offers} risk={risk}"
        signature = await self.sign(receipt.encode())
        self.remember(order.id, receipt)
        self.write(f"{order.id} {len(offers)} {risk} {signature}\n")

    def match(self, order: OrderDocument) -> list[tuple[int, int]]:
        """The offers that an order's lines qualify for: a look into a set for each."""
        wanted = product((line.product_id for line in order.lines), PERCENTS)
        return [offer for offer in wanted if offer in self.offers]

    async def risk(self, customer: int) -> int:
        """A slow question to the database, asked in a thread so that the event loop goes on."""
        return await self.database.run(count_orders, customer)

    async def sign(self, receipt: bytes) -> list[int]:
        """A checksum of each quarter, by a library in C."""
        return [zlib.crc32(part) for part in quarters(receipt)]

    def remember(self, order_id: int, receipt: str) -> None:
        """The last hundred receipts, for whoever asks at once again."""
        self.recent.append((order_id, receipt))

    def write(self, line: str) -> None:
        """Into a buffer, which goes to the disk when it is full."""
        self.journal.write(line)


def count_orders(session: Session, customer: int) -> int:
    """How many orders a customer has."""
    return int(session.execute(RISK, {"customer": customer}).one()[0])


def quarters(receipt: bytes) -> list[bytes]:
    """A receipt in four parts."""
    size = len(receipt) // 4 + 1
    return [receipt[at * size : (at + 1) * size] for at in range(4)]
