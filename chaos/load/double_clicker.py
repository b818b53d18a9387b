"""Impatient people click "buy" twice; with an Idempotency-Key they own one order, without it two.

locust -f chaos/load/double_clicker.py               opens the web UI against a shop of its own
backlab load double_clicker --users 8 --seconds 10   headless; an order that nobody wanted is a failure
"""

import gevent
from locust import task

from chaos.load import scenario
from chaos.load.shopper import Shopper


class DoubleClicker(Shopper):
    """Sends the same order twice at the same moment and compares the numbers of the two answers."""

    abstract = True

    def key(self) -> str | None:
        """What both clicks carry."""
        raise NotImplementedError

    @task
    def buy_twice(self) -> None:
        product, key = self.a_product(), self.key()
        first = gevent.spawn(self.buy, product, key=key)
        lines = [{"product_id": product, "quantity": 1}]
        with self.client.post(
            "/orders",
            json={"customer_id": self.customer_id, "lines": lines},
            headers={"Idempotency-Key": key} if key else {},
            name=f"{self.arm}: second click",
            catch_response=True,
        ) as second:
            numbers = {answer.json()["id"] for answer in (first.get(), second) if bought(answer)}
            if second.status_code == 409:
                second.success()
            elif len(numbers) > 1:
                second.failure("one purchase became two orders")


def bought(answer: object) -> bool:
    """Whether an order was placed."""
    return getattr(answer, "status_code", 0) == 201


class WithKey(DoubleClicker):
    """Both clicks carry the same key."""

    arm = "with a key"

    def key(self) -> str | None:
        return self.a_key()


class WithoutKey(DoubleClicker):
    """Each click is a request of its own."""

    arm = "without a key"

    def key(self) -> str | None:
        return None


scenario.stage("chaos.shopping", [WithKey, WithoutKey])
