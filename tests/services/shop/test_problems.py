"""Every way to fail answers with a problem document, in every service, and the routes are documented."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from fastapi.openapi.models import OpenAPI
from sqlalchemy import create_engine, text

from services.shop.names import SERVICES
from services.shop.topology import Shop
from tests.services.shop.asking import problem

BIG = 2**31
LINE = {"product_id": 1, "quantity": 1}
NO_LINE = {"product_id": 99999, "quantity": 1}
EURO = {"amount_cents": 1, "currency": "EUR"}
FAILURES = [
    ("catalog", "GET", "/products/999999", None, 404, "not-found"),
    ("catalog", "GET", "/products/seven", None, 422, "not-understood"),
    ("catalog", "GET", f"/products/{BIG}", None, 422, "not-understood"),
    ("catalog", "GET", "/products?limit=0", None, 422, "not-understood"),
    ("catalog", "PUT", "/products/1/price", {"price_cents": -1}, 422, "not-understood"),
    ("catalog", "PUT", "/products/999999/price", {"price_cents": 1}, 404, "not-found"),
    ("catalog", "DELETE", "/products/1", None, 405, "not-served"),
    ("catalog", "GET", "/nothing", None, 404, "not-served"),
    ("cart", "PUT", "/carts/c/items/1", {"quantity": -1}, 422, "not-understood"),
    ("cart", "PUT", "/carts/c/items/1", {}, 422, "not-understood"),
    ("cart", "GET", "/carts/" + "c" * 101, None, 422, "not-understood"),
    ("cart", "GET", "/carts/..a", None, 422, "not-understood"),
    ("orders", "POST", "/checkout", {"customer_id": 1, "cart_id": "a/../b"}, 422, "not-understood"),
    ("inventory", "GET", "/stock/999999", None, 404, "not-found"),
    ("inventory", "PUT", "/reservations/1", {"lines": []}, 422, "not-understood"),
    ("inventory", "PUT", "/reservations/1", {"lines": [{**LINE, "quantity": 0}]}, 422, "not-understood"),
    ("inventory", "PUT", "/reservations/1", {"lines": [NO_LINE]}, 404, "not-found"),
    ("inventory", "DELETE", "/reservations/999999", None, 404, "not-found"),
    ("orders", "POST", "/orders", {"customer_id": 1, "lines": []}, 422, "not-understood"),
    ("orders", "POST", "/orders", {"customer_id": 999999, "lines": [LINE]}, 404, "not-found"),
    (
        "orders",
        "POST",
        "/orders",
        {"customer_id": 1, "lines": [NO_LINE]},
        404,
        "not-found",
    ),
    ("orders", "POST", "/checkout", {"customer_id": 1, "cart_id": "empty"}, 409, "cart-empty"),
    ("orders", "GET", "/orders/999999", None, 404, "not-found"),
    ("orders", "POST", "/orders/999999/payments", {}, 404, "not-found"),
    ("orders", "POST", "/orders/1/payments", {"method": "gold"}, 422, "not-understood"),
    ("orders", "POST", "/orders/1/transitions", {"to": "moon", "version": 0}, 422, "not-understood"),
    ("orders", "POST", "/orders/1/transitions", {"to": "shipped", "version": 9}, 409, "outdated"),
    ("payments", "POST", "/payments", {"order_id": 1, "amount_cents": 0}, 422, "not-understood"),
    ("payments", "POST", "/payments", {**EURO, "order_id": 999999}, 404, "not-found"),
    ("payments", "GET", "/payments/999999", None, 404, "not-found"),
    ("provider", "POST", "/charges", {"amount_cents": 1}, 422, "not-understood"),
    ("gateway", "GET", "/products/999999", None, 404, "not-found"),
    ("gateway", "GET", "/orders/999999", None, 404, "not-found"),
    ("gateway", "GET", "/page?limit=0", None, 422, "not-understood"),
    ("gateway", "GET", "/nothing", None, 404, "not-served"),
]


@pytest.mark.parametrize(("service", "method", "path", "body", "status", "kind"), FAILURES)
def test_what_cannot_be_done_is_answered_with_a_problem(shop, service, method, path, body, status, kind):
    """Shape and content type, whoever refuses and wherever."""
    problem(httpx.request(method, shop.url_of(service) + path, json=body, timeout=30), status, kind)


def test_text_that_is_no_json_is_not_understood(client):
    """The document says where and what."""
    answer = client.post("/orders", content=b"{", headers={"Content-Type": "application/json"})
    document = problem(answer, 422, "not-understood")
    assert document["errors"][0]["where"].startswith("body")


def test_a_wrong_method_is_told_the_right_ones(client):
    """As HTTP asks of a 405."""
    assert client.delete("/products").headers["Allow"] == "GET"


def test_a_defect_is_our_fault_and_says_nothing_of_our_insides(fresh_database: Callable[[], str]):
    """The table of carts is gone: 500, without a word of SQL."""
    with Shop(database_url=fresh_database()) as broken:
        engine = create_engine(broken.settings.database_url)
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE cart_items"))
        engine.dispose()
        document = problem(httpx.get(f"{broken.url}/carts/mine", timeout=30), 500, "defect")
        assert "cart_items" not in str(document)
        assert "cart_items" in broken.processes["cart"].logs(200)


def test_who_is_missing_behind_a_service_is_seen_in_front(fresh_database: Callable[[], str]):
    """A dead neighbour is a 502, a database that is gone a 503; what needs neither still works."""
    with Shop(["catalog", "inventory,gateway,cart,orders"], settings={"cart_store": "memory"}) as torn:
        torn.processes["catalog"].kill()
        problem(httpx.get(f"{torn.url}/products/1", timeout=30), 502, "neighbour-unavailable")
        assert torn.postgres
        torn.postgres.kill()
        problem(httpx.get(f"{torn.url_of('orders')}/orders/1", timeout=30), 503, "database-unavailable")
        assert httpx.get(f"{torn.url}/carts/mine", timeout=30).json() == {"items": {}}
        answer = httpx.get(f"{torn.url_of('orders')}/ready", timeout=30)
        problem(answer, 503, "database-unavailable")
        assert httpx.get(f"{torn.url_of('orders')}/live", timeout=30).status_code == 200


@pytest.mark.parametrize("service", SERVICES)
def test_the_documents_of_a_service_are_valid_and_say_what_each_route_does(shop, service):
    """OpenAPI's own structure; each parameter of a path declared; a sentence for each route."""
    document = httpx.get(f"{shop.url_of(service)}/openapi.json", timeout=30).json()
    OpenAPI.model_validate(document)
    assert document["openapi"].startswith("3.1")
    ids = []
    for path, methods in document["paths"].items():
        for operation in methods.values():
            declared = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path))
            assert operation["description"].endswith(".")
            ids.append(operation["operationId"])
    assert len(ids) == len(set(ids))
