"""Visitors who look around and hardly buy: lists, product pages, now and then something into the cart.

locust -f chaos/load/browse.py                       opens the web UI against a shop of its own
backlab load browse --users 20 --seconds 20          headless, with figures
"""

from locust import task

from chaos.load import scenario
from chaos.load.shopper import PRODUCTS, Shopper


class Visitor(Shopper):
    """Ten product pages for every three lists and one piece in the cart."""

    @task(3)
    def look_through_the_list(self) -> None:
        after = self.dice.randrange(0, PRODUCTS, 20)
        self.ask("GET", f"/products?after_id={after}&limit=20", "list")

    @task(10)
    def look_at_a_product(self) -> None:
        self.ask("GET", f"/products/{self.a_product()}", "product")

    @task(1)
    def put_one_into_the_cart(self) -> None:
        path = f"/carts/visitor-{self.number}/items/{self.a_product()}"
        self.ask("PUT", path, "into the cart", json={"quantity": 1})


scenario.stage("chaos.shopping", [Visitor])
