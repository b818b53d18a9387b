"""How tests ask the shop: many at once behind a barrier, and what a problem document must look like."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


def at_once(asks: Sequence[Callable[[], T]]) -> list[T]:
    """The answers of all, which start together."""
    barrier = threading.Barrier(len(asks))

    def one(ask: Callable[[], T]) -> T:
        barrier.wait(timeout=30)
        return ask()

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(one, asks))


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem document of an answer, looked at from all sides of RFC 9457."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["type"] == f"tag:backlab,2026:{kind}"
    assert document["title"]
    assert document["detail"]
    return document


def order_of(client: httpx.Client, product_id: int = 7, quantity: int = 1, **headers: str) -> httpx.Response:
    """An order of one product for customer 7."""
    basket = {"customer_id": 7, "lines": [{"product_id": product_id, "quantity": quantity}]}
    return client.post("/orders", json=basket, headers=headers)


def counted(base: str, metric: str, **labels: str) -> float:
    """The sum of a metric's values with these labels, as Prometheus would read it."""
    page = httpx.get(f"{base}/metrics", timeout=30).text
    wanted = [f'{name}="{value}"' for name, value in labels.items()]
    lines = re.findall(rf"^{metric}\{{(.*)\}} (.+)$", page, re.MULTILINE)
    return sum(float(value) for found, value in lines if all(label in found for label in wanted))
