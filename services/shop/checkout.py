"""The choreography of an order across services: who is asked what, in which order, and what a failure leaves.

A step that fails leaves what the steps before it did, and asking again goes on from there: the key finds
the order's number, the number finds its reservation, and the order finds its payment. Without a key, a
process that dies after reserving leaves pieces reserved for an order that nobody will place. An order that is
cancelled while its payment is being made stays cancelled and charged: the payer gets a 409, and nothing here
gives money back.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from services.shop import idempotency, placing
from services.shop.builds.choice import Besides
from services.shop.carts import CART_ID
from services.shop.database import Database
from services.shop.neighbours import Neighbours
from services.shop.payments import PaymentDocument
from services.shop.placing import OrderDocument
from services.shop.problems import PassedOn, Problem, missing
from services.shop.stock import Line


class Basket(BaseModel):
    """An order without a cart."""

    customer_id: int = Field(ge=1, le=2**31 - 1)
    lines: list[Line] = Field(min_length=1, max_length=500)


class CartOrder(BaseModel):
    """An order of what is in a cart."""

    customer_id: int = Field(ge=1, le=2**31 - 1)
    cart_id: str = Field(max_length=100, pattern=CART_ID)


class Checkout:
    """Places, pays and moves orders with the help of catalog, cart, inventory and payments."""

    def __init__(self, database: Database, neighbours: Neighbours, besides: Besides) -> None:
        self._database, self._besides = database, besides
        self._catalog, self._cart = neighbours.find("catalog"), neighbours.find("cart")
        self._inventory, self._payments = neighbours.find("inventory"), neighbours.find("payments")

    async def place(self, wish: Basket | CartOrder, key: str | None) -> tuple[OrderDocument, bool]:
        """The order, and whether it was there before."""
        asked = idempotency.fingerprint(type(wish).__name__, wish)
        claim = await self._database.run(placing.claim, wish.customer_id, key, asked)
        order_id = claim.order_id
        if claim.is_placed:
            return await self._database.run(placing.look, order_id), True
        lines = wish.lines if isinstance(wish, Basket) else await self._in_cart(wish.cart_id)
        prices = await self._prices(lines)
        wanted = {"lines": [line.model_dump() for line in lines]}
        await self._inventory.ask("PUT", f"/reservations/{order_id}", json=wanted)
        placed = await self._database.run(placing.place, order_id, wish.customer_id, lines, prices)
        if isinstance(wish, CartOrder):
            await self._cart.ask("DELETE", f"/carts/{wish.cart_id}")
        await self._besides(placed)
        return placed, False

    async def pay(self, order_id: int, method: str) -> PaymentDocument:
        """The payment; its key is the order's, so that two clicks, or one and a retry, charge once."""
        order = await self._database.run(placing.look, order_id)
        if order.status != "placed":
            raise Problem(409, "not-payable", "Not payable", f"order {order_id} is {order.status}")
        amount = {"amount_cents": order.total_cents, "currency": order.currency}
        payment = await self._payments.ask(
            "POST",
            "/payments",
            json=amount | {"order_id": order_id, "method": method},
            headers={idempotency.HEADER: f"order-{order_id}"},
        )
        await self._database.run(placing.move, order_id, "paid", order.version)
        return PaymentDocument(**payment)

    async def move(self, order_id: int, to: str, seen: int) -> OrderDocument:
        """The order after the step; its pieces leave the shelf or return to it."""
        moved = await self._database.run(placing.move, order_id, to, seen)
        try:
            if to == "shipped":
                await self._inventory.ask("POST", f"/reservations/{order_id}/shipment")
            elif to == "cancelled":
                await self._inventory.ask("DELETE", f"/reservations/{order_id}")
        except PassedOn as problem:
            if problem.answer.status_code != 404:  # seeded orders never had a reservation
                raise
        return moved

    async def _in_cart(self, cart_id: str) -> list[Line]:
        items = (await self._cart.ask("GET", f"/carts/{cart_id}"))["items"]
        if not items:
            raise Problem(409, "cart-empty", "Nothing in the cart", f"the cart {cart_id!r} is empty")
        return [Line(product_id=int(product_id), quantity=quantity) for product_id, quantity in items.items()]

    async def _prices(self, lines: list[Line]) -> dict[int, int]:
        ids = sorted({line.product_id for line in lines})
        products = await self._catalog.ask("GET", "/products", params={"ids": ids})
        prices = {product["id"]: product["price_cents"] for product in products}
        for product_id in ids:
            if product_id not in prices:
                raise missing("product", product_id)
        return prices
