"""How services call each other: policies for failures, and outcomes that nobody knows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import httpx
import pytest
from starlette.types import ASGIApp

from services import ready
from services.errors import BacklabError, ServerError
from services.shop import policies, run
from services.shop.policies import Policy
from services.shop.settings import Settings
from tests.services.shop.asking import counted, order_of, problem


def deaf(_neighbour: str) -> Policy:
    """A policy of a learner's: it calls nobody."""

    async def call(send: policies.Send) -> httpx.Response:
        return httpx.Response(200, json={"name": "made up", "available": 0})

    return call


@pytest.mark.parametrize(("policy", "attempts"), [("once", 1), ("four_times", 4)])
def test_a_dead_neighbour_is_called_as_often_as_the_policy_says(start, policy, attempts):
    """Counted by the caller; the reader of the page gets one 502."""
    shop = start(["gateway"], settings={"call_policy": f"services.shop.policies:{policy}"})
    problem(httpx.get(f"{shop.url}/products", timeout=30), 502, "neighbour-unavailable")
    assert counted(shop.url, "shop_calls_total", neighbour="catalog", status="none") == attempts


def test_a_policy_may_come_from_outside_the_shop(start):
    """By its name in the settings, so that a lab can try a learner's."""
    shop = start(["gateway"], settings={"call_policy": f"{__name__}:deaf"})
    assert httpx.get(f"{shop.url}/products/1", timeout=30).json() == {"name": "made up", "available": 0}


@pytest.mark.parametrize("name", ["", "nowhere", "services.shop.policies:none", "nowhere:at_all"])
def test_a_policy_that_is_not_there_is_named(name):
    """Before the process starts, not at the first failure."""
    with pytest.raises(BacklabError, match="SHOP_CALL_POLICY"):
        policies.named(name)


@pytest.mark.parametrize(
    ("service", "variable", "value"),
    [
        ("catalog", "SHOP_CALL_POLICY", "nowhere:at_all"),
        ("cart", "SHOP_CART_STORE", "pocket"),
        ("orders", "SHOP_LOADER", "magic"),
        ("gateway", "SHOP_CATALOG_CALLS", "never"),
        ("catalog", "SHOP_DATABASE_URL", ""),
        ("catalog", "SHOP_POOL_SIZE", "many"),
        ("catalog", "SHOP_ALLOW_FREEZE", "perhaps"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(monkeypatch, service, variable, value):
    """The variable, and what may stand in it."""
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    monkeypatch.setenv(variable, value)
    with pytest.raises(BacklabError, match=variable):
        run.process([service], Settings.from_environment())


def test_carts_in_a_redis_that_nobody_named_are_refused(monkeypatch):
    """Before the first customer finds out."""
    monkeypatch.setenv("SHOP_CART_STORE", "redis")
    with pytest.raises(BacklabError, match="SHOP_REDIS_URL"):
        run.process(["cart"], Settings.from_environment())


def test_a_redis_that_is_gone_is_a_503_and_not_a_defect():
    """The cart service runs and is not ready."""
    nowhere = {"cart_store": "redis", "redis_url": "redis://127.0.0.1:1/0"}
    app = run.process(["cart"], replace(Settings(), **nowhere))
    for path in ("/carts/mine", "/ready"):
        problem(asyncio.run(ask(app, path)), 503, "database-unavailable")


async def ask(app: ASGIApp, path: str) -> httpx.Response:
    """One request to an application in this process."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cart") as client:
        return await client.get(path)


def test_a_process_that_cannot_use_its_settings_ends_and_says_why(start):
    """Its own words are in the error."""
    with pytest.raises(ServerError, match="SHOP_CALL_POLICY='nowhere' names no policy"):
        start(["gateway"], settings={"call_policy": "nowhere"})


def test_a_service_that_does_not_exist_is_named(start):
    """And those that do."""
    with pytest.raises(BacklabError, match=r"'catalogue'.*catalog, inventory"):
        start(["catalogue"])


def test_a_payment_whose_outcome_nobody_knows_can_be_asked_again(start):
    """Patience ends while the provider stands still; it charges later, and once, whatever is repeated."""
    shop = start(
        ["provider", "catalog,inventory,cart,payments,orders,gateway"], settings={"call_timeout_s": 1.0}
    )
    provider = shop.processes["provider"]
    with httpx.Client(base_url=shop.url, timeout=30) as client:
        order = order_of(client).json()["id"]
        pay = partial(client.post, f"/orders/{order}/payments", json={})
        provider.pause()
        assert "may still happen" in problem(pay(), 504, "neighbour-late")["detail"]
        provider.resume()
        assert ready.true(lambda: charges(shop, order) == 1, every_s=0.02)
        assert client.get(f"/orders/{order}").json()["status"] == "placed"
        assert pay().status_code == 201
        assert client.get(f"/orders/{order}").json()["status"] == "paid"
    assert charges(shop, order) == 1


def charges(shop, order: int) -> int:
    """How often the provider has charged for an order."""
    asked = {"reference": f"order-{order}"}
    return int(httpx.get(f"{shop.url_of('provider')}/charges", params=asked, timeout=30).json()["count"])
