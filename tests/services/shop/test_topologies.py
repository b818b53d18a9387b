"""The same requests get the same answers, in one process, several or seven, with Redis and without."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from services.shop.topology import ONE_EACH, ONE_PROCESS, Shop

STORY: list[tuple[str, str, Any]] = [
    ("GET", "/products/1", None),
    ("GET", "/products?ids=1&ids=2&ids=999999", None),
    ("GET", "/products?limit=3&after_id=10&category=toys", None),
    ("PUT", "/products/3/price", {"price_cents": 1234}),
    ("GET", "/carts/a cart/", None),
    ("PUT", "/carts/a cart/items/3", {"quantity": 2}),
    ("PUT", "/carts/a cart/items/12", {"quantity": 1}),
    ("PUT", "/carts/a cart/items/12", {"quantity": 0}),
    ("GET", "/carts/a cart", None),
    ("POST", "/checkout", {"customer_id": 7, "cart_id": "a cart"}),
    ("POST", "/checkout", {"customer_id": 7, "cart_id": "a cart"}),
    ("GET", "/orders/50001", None),
    ("POST", "/orders/50001/transitions", {"to": "shipped", "version": 1}),
    ("POST", "/orders/50001/payments", {"method": "card"}),
    ("POST", "/orders/50001/payments", {"method": "card"}),
    ("POST", "/orders/50001/transitions", {"to": "shipped", "version": 2}),
    ("POST", "/orders/50001/transitions", {"to": "delivered", "version": 2}),
    ("POST", "/orders", {"customer_id": 8, "lines": [{"product_id": 3, "quantity": 9999}]}),
    ("POST", "/payments", {"order_id": 1, "amount_cents": 100, "currency": "EUR"}),
    ("GET", "/payments/999999", None),
    ("DELETE", "/carts/a cart", None),
    ("GET", "/orders?limit=2", None),
    ("GET", "/page?limit=2", None),
    ("GET", "/page?limit=2&catalog_calls=per-page", None),
    ("GET", "/products/seven", None),
    ("GET", "/nothing", None),
]
TIMES = {"placed_at", "paid_at"}


def told(shop: Shop) -> list[tuple[int, str, Any]]:
    """Status, content type and body of each answer of the story, without the times in them."""
    with httpx.Client(base_url=shop.url, timeout=30, follow_redirects=True) as client:
        answers = [client.request(method, path, json=body) for method, path, body in STORY]
    return [
        (answer.status_code, answer.headers.get("Content-Type", ""), timeless(answer.json()))
        if answer.content
        else (answer.status_code, "", None)
        for answer in answers
    ]


def timeless(document: Any) -> Any:
    """A document without its times, which differ from run to run."""
    if isinstance(document, list):
        return [timeless(part) for part in document]
    if isinstance(document, dict):
        return {name: timeless(value) for name, value in document.items() if name not in TIMES}
    return document


@pytest.fixture(scope="module")
def expected(fresh_database):
    """What one process answers, its services calling each other without HTTP."""
    with Shop(ONE_PROCESS, database_url=fresh_database()) as shop:
        return told(shop)


@pytest.mark.parametrize(
    ("processes", "options"),
    [
        (ONE_EACH, {}),
        (["gateway,cart", "orders,payments,inventory", "catalog,provider"], {}),
        (ONE_PROCESS, {"settings": {"calls": "http"}}),
        (ONE_PROCESS, {"settings": {"cart_store": "memory"}}),
        (ONE_PROCESS, {"redis": True, "settings": {"product_cache": "redis"}}),
    ],
    ids=["one-each", "three", "http-inside", "carts-in-memory", "carts-and-cache-in-redis"],
)
def test_every_topology_answers_alike(expected, start, processes, options):
    """Twenty-six requests: statuses, content types and bodies."""
    assert told(start(processes, **options)) == expected


def test_most_of_the_story_goes_well(expected):
    """Or the comparison would be one of failures."""
    statuses = [status for status, *_ in expected]
    assert statuses.count(200) + statuses.count(201) + statuses.count(204) == 18
    assert 500 not in statuses
