"""The inventory under pressure: what is promised never exceeds what lies on the shelf."""

from __future__ import annotations

from functools import partial

import httpx
import pytest

from tests.services.shop.asking import at_once, order_of, problem


@pytest.fixture
def inventory(shop):
    """A client of the inventory itself."""
    with httpx.Client(base_url=shop.url_of("inventory"), timeout=30) as made:
        yield made


def reserve(inventory, order_id: int, *lines: tuple[int, int]) -> httpx.Response:
    """A reservation of pairs of product and quantity."""
    wanted = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in lines]
    return inventory.put(f"/reservations/{order_id}", json={"lines": wanted})


def empty_shelf(inventory, product_id: int, available: int) -> None:
    """Have exactly so many pieces available."""
    reserved = inventory.get(f"/stock/{product_id}").json()["reserved"]
    inventory.put(f"/stock/{product_id}", json={"on_hand": reserved + available}).raise_for_status()


def test_thirty_customers_at_once_get_the_ten_pieces_that_there_are(shop, client, inventory):
    """Ten orders, twenty times sold out, nothing left, nothing promised twice."""
    empty_shelf(inventory, 31, 10)
    answers = at_once([partial(order_of, client, 31)] * 30)
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [409] * 20
    assert inventory.get("/stock/31").json()["available"] == 0
    problem(order_of(client, 31), 409, "sold-out")


def test_orders_for_the_same_products_in_other_order_do_not_block_each_other_for_ever(inventory):
    """Twenty reservations of two products, half of them the other way round: all are answered."""
    for product_id in (32, 33):
        empty_shelf(inventory, product_id, 20)
    asks = [
        partial(reserve, inventory, 900_000 + n, *[(32, 1), (33, 1)][:: 1 if n % 2 else -1])
        for n in range(20)
    ]
    assert {answer.status_code for answer in at_once(asks)} == {200}
    assert inventory.get("/stock/32").json()["available"] == 0


def test_an_order_is_reserved_as_a_whole_or_not_at_all(inventory):
    """One product is short, so the other keeps its pieces."""
    empty_shelf(inventory, 34, 5)
    empty_shelf(inventory, 35, 1)
    document = problem(reserve(inventory, 910_000, (34, 2), (35, 2)), 409, "sold-out")
    assert [stock["product_id"] for stock in document["stocks"]] == [35]
    assert inventory.get("/stock/34").json()["available"] == 5


def test_a_reservation_can_be_repeated_but_not_changed(inventory):
    """Eight times at once, pieces promised once; other pieces under the same number are a conflict."""
    empty_shelf(inventory, 36, 5)
    at_once([partial(reserve, inventory, 920_000, (36, 2))] * 8)
    assert inventory.get("/stock/36").json()["available"] == 3
    problem(reserve(inventory, 920_000, (36, 3)), 409, "reserved-otherwise")


def test_pieces_that_have_left_cannot_be_given_back(inventory):
    """And pieces that were given back cannot leave."""
    empty_shelf(inventory, 37, 5)
    for order_id, first, then in ((930_000, "ship", "release"), (930_001, "release", "ship")):
        reserve(inventory, order_id, (37, 1))
        deed = {
            "ship": partial(inventory.post, f"/reservations/{order_id}/shipment"),
            "release": partial(inventory.delete, f"/reservations/{order_id}"),
        }
        assert deed[first]().status_code == deed[first]().status_code == 200
        problem(deed[then](), 409, "settled")
    assert inventory.get("/stock/37").json()["available"] == 4


def test_a_shelf_cannot_be_counted_below_what_is_promised(inventory):
    """Somebody has a right to those pieces."""
    reserve(inventory, 940_000, (38, 1))
    problem(inventory.put("/stock/38", json={"on_hand": 0}), 409, "promised")
