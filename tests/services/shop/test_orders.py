"""Orders: placed once per key, paid once, moved on by whoever saw the newest version."""

from __future__ import annotations

from functools import partial

import httpx
import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from services.shop.lifecycle import STEPS
from services.shop.records import OutboxEvent
from tests.services.shop.asking import at_once, order_of, problem


def charges(shop, order_id: int) -> dict:
    """What the provider says of an order."""
    asked = {"reference": f"order-{order_id}"}
    return httpx.get(f"{shop.url_of('provider')}/charges", params=asked, timeout=30).json()


def stock(shop, product_id: int) -> dict:
    """What the inventory says of a product."""
    return httpx.get(f"{shop.url_of('inventory')}/stock/{product_id}", timeout=30).json()


def test_a_cart_becomes_an_order_that_is_paid_shipped_and_delivered(shop, client):
    """The whole way: pieces reserved, one charge, pieces gone, the version counting the steps."""
    before = stock(shop, 11)
    client.put("/carts/mine/items/11", json={"quantity": 2})
    order = client.post("/checkout", json={"customer_id": 7, "cart_id": "mine"}).json()
    assert (order["status"], order["version"]) == ("placed", 1)
    assert order["total_cents"] == 2 * client.get("/products/11").json()["price_cents"]
    assert client.get("/carts/mine").json() == {"items": {}}
    assert stock(shop, 11)["reserved"] == before["reserved"] + 2
    paid = client.post(f"/orders/{order['id']}/payments", json={"method": "card"})
    assert paid.status_code == 201
    for version, to in ((2, "shipped"), (3, "delivered")):
        moved = client.post(f"/orders/{order['id']}/transitions", json={"to": to, "version": version})
        assert (moved.json()["status"], moved.json()["version"]) == (to, version + 1)
    after = stock(shop, 11)
    assert (after["on_hand"], after["reserved"]) == (before["on_hand"] - 2, before["reserved"])
    assert charges(shop, order["id"])["amount_cents"] == order["total_cents"]


def test_the_same_key_at_once_places_one_order(shop, client):
    """Eight requests, one order, its pieces reserved once."""
    before = stock(shop, 12)["reserved"]
    ask = partial(order_of, client, 12, 3, **{"Idempotency-Key": "eight-at-once"})
    answers = at_once([ask] * 8)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert stock(shop, 12)["reserved"] == before + 3
    assert order_of(client, 12, 3, **{"Idempotency-Key": "eight-at-once"}).headers["Idempotency-Replayed"]


def test_the_same_key_with_another_basket_is_refused(client):
    """A key stands for one request; nothing is reserved for the other."""
    first = order_of(client, 13, **{"Idempotency-Key": "one-basket"})
    problem(order_of(client, 13, 2, **{"Idempotency-Key": "one-basket"}), 422, "key-reused")
    assert order_of(client, 13, **{"Idempotency-Key": "one-basket"}).json() == first.json()


def test_without_a_key_two_clicks_are_two_orders(client):
    """Two equal orders are legal; only the customer knows what was meant."""
    assert order_of(client, 14).json()["id"] != order_of(client, 14).json()["id"]


def test_paying_an_order_many_times_at_once_charges_it_once(shop, client):
    """Its number is the key on the whole way to the provider."""
    order = order_of(client, 15).json()
    pay = partial(client.post, f"/orders/{order['id']}/payments", json={"method": "card"})
    answers = at_once([pay] * 8)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert charges(shop, order["id"])["count"] == 1
    assert client.get(f"/orders/{order['id']}").json()["version"] == 2


def test_paying_directly_with_one_key_charges_once_and_without_a_key_each_time(shop, client):
    """What the double click shows."""
    order = order_of(client, 16).json()
    body = {"order_id": order["id"], "amount_cents": 500, "currency": "EUR", "method": "card"}
    pay = partial(client.post, "/payments", json=body)
    with_key = at_once([partial(pay, headers={"Idempotency-Key": "click"})] * 6)
    assert len({answer.json()["id"] for answer in with_key}) == 1
    assert charges(shop, order["id"])["count"] == 1
    assert len({answer.json()["id"] for answer in at_once([pay] * 6)}) == 6
    assert charges(shop, order["id"])["count"] == 7


def test_of_two_who_saw_the_same_version_one_moves_the_order(client):
    """The other is told to look again; the order has made one step."""
    order = order_of(client, 17).json()
    client.post(f"/orders/{order['id']}/payments", json={})
    where = f"/orders/{order['id']}/transitions"
    ship = partial(client.post, where, json={"to": "shipped", "version": 2})
    cancel = partial(client.post, where, json={"to": "cancelled", "version": 2})
    answers = at_once([ship, cancel, cancel, cancel])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert client.get(f"/orders/{order['id']}").json()["version"] == 3


def test_cancelling_gives_the_pieces_back_once(shop, client):
    """The second request for the same step changes nothing and is no error."""
    before = stock(shop, 18)
    order = order_of(client, 18, 2).json()
    cancel = partial(
        client.post, f"/orders/{order['id']}/transitions", json={"to": "cancelled", "version": 1}
    )
    assert {answer.status_code for answer in at_once([cancel] * 4)} <= {200, 409}
    assert cancel().status_code == 200
    assert stock(shop, 18) == before


@pytest.mark.parametrize(("status", "to"), [(a, b) for a in STEPS for b in ("shipped", "cancelled")])
def test_only_the_steps_of_the_life_cycle_are_possible(client, status, to):
    """Each status against two wishes, as the table of steps has them."""
    order = order_of(client, 19).json()
    way = {"placed": [], "cancelled": ["cancelled"]}.get(status, ["paid", "shipped", "delivered"])
    for version, step in enumerate(way[: way.index(status) + 1 if status in way else 0], start=1):
        wish = {"to": step, "version": version}
        path = "payments" if step == "paid" else "transitions"
        assert client.post(f"/orders/{order['id']}/{path}", json=wish if path[0] == "t" else {}).is_success
    now = client.get(f"/orders/{order['id']}").json()
    answer = client.post(f"/orders/{order['id']}/transitions", json={"to": to, "version": now["version"]})
    assert answer.is_success == (to in STEPS[status])
    assert (answer.json().get("status") == to) == answer.is_success


def test_each_step_leaves_one_event_numbered_by_its_version(shop, client):
    """Order and event exist together: the outbox holds exactly what happened."""
    order = order_of(client, 11).json()
    client.post(f"/orders/{order['id']}/payments", json={})
    assert order_of(client, 11, 9_999).status_code == 409  # no order, so no event
    engine = create_engine(shop.settings.database_url)
    with Session(engine) as session:
        query = select(OutboxEvent).where(OutboxEvent.order_id >= order["id"]).order_by(OutboxEvent.position)
        found = [(event.order_id, event.type, event.sequence) for event in session.scalars(query)]
    engine.dispose()
    assert found == [(order["id"], "order.placed", 1), (order["id"], "order.paid", 2)]
