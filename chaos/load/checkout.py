"""Customers who buy: a product page, the cart, the checkout, the payment, and a look at the order.

locust -f chaos/load/checkout.py                     opens the web UI against a shop of its own
backlab load checkout --users 10 --seconds 20        headless, with figures
"""

from locust import task

from chaos.load import scenario
from chaos.load.shopper import SOLD_OUT, Shopper


class Customer(Shopper):
    """Buys one or two things at a time, and carries a key, so that a repeated click buys once."""

    @task
    def purchase(self) -> None:
        cart = f"cart-{self.number}"
        for _ in range(self.dice.randint(1, 2)):
            product = self.a_product()
            self.ask("GET", f"/products/{product}", "product")
            self.ask("PUT", f"/carts/{cart}/items/{product}", "into the cart", json={"quantity": 1})
        order = self.check_out(cart)
        if order is not None:
            self.ask("POST", f"/orders/{order}/payments", "pay", json={"method": "card"}, headers=self.key())
            self.ask("GET", f"/orders/{order}", "look at the order")

    def check_out(self, cart: str) -> int | None:
        """The order's number; None where something was sold out, and then the cart is given up."""
        wish = {"customer_id": self.customer_id, "cart_id": cart}
        answer = self.ask("POST", "/checkout", "check out", fine=(SOLD_OUT,), json=wish, headers=self.key())
        if answer is None or answer.status_code != 201:
            self.ask("DELETE", f"/carts/{cart}", "give the cart up")
            return None
        return int(answer.json()["id"])

    def key(self) -> dict[str, str]:
        return {"Idempotency-Key": self.a_key()}


scenario.stage("chaos.shopping", [Customer])
