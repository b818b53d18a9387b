"""Somebody at the shop's gateway: what every kind of customer can do, each act one named request."""

from __future__ import annotations

import itertools
import random
from functools import cache
from typing import Any

from locust import FastHttpUser, between

from datasets.catalog import popularity
from datasets.shop import CHOSEN_SEED, SIZES

CUSTOMERS, PRODUCTS = SIZES["S"].customers, SIZES["S"].products
SOLD_OUT = 409
_numbers = itertools.count(1)


@cache
def weights() -> list[int]:
    """Popularity of the products, added up: a few are wanted by everybody, most by hardly anyone."""
    return list(itertools.accumulate(popularity(PRODUCTS, CHOSEN_SEED).tolist()))


class Shopper(FastHttpUser):
    """One customer with dice of their own; a scenario's users derive from it."""

    abstract = True
    arm = "shop"
    network_timeout = 10.0
    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        """Who this is; the same number throws the same dice in every run."""
        self.number = next(_numbers)
        self.dice = random.Random(f"{type(self).__name__} {self.number}")
        self.customer_id = self.dice.randint(1, CUSTOMERS)

    def a_product(self) -> int:
        """One that people want."""
        return self.dice.choices(range(1, PRODUCTS + 1), cum_weights=weights())[0]

    def a_key(self) -> str:
        """A fresh Idempotency-Key; not from the dice, which would repeat it in the next run."""
        return f"{random.SystemRandom().getrandbits(128):032x}"

    def ask(self, method: str, path: str, op: str, *, fine: tuple[int, ...] = (), **more: Any) -> Any:
        """One request named "arm: op"; statuses in `fine` are proper answers too. None without an answer."""
        with self.client.request(
            method, path, name=f"{self.arm}: {op}", catch_response=True, **more
        ) as answer:
            if answer.status_code in fine:
                answer.success()
            return answer if answer.status_code and answer.status_code < 500 else None

    def buy(self, product_id: int, quantity: int = 1, key: str | None = None) -> Any:
        """Order without a cart; "sold out" is a proper answer."""
        lines = [{"product_id": product_id, "quantity": quantity}]
        headers = {"Idempotency-Key": key} if key else {}
        order = {"customer_id": self.customer_id, "lines": lines}
        return self.ask("POST", "/orders", "order", fine=(SOLD_OUT,), json=order, headers=headers)
