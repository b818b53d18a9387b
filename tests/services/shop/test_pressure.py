"""Deadlines, bounded workers and freezing: what a service does when it has more work than time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from services import ready
from services.shop import run
from services.shop.deadline import HEADER
from services.shop.settings import Settings
from services.shop.topology import Shop
from tests.services.shop.asking import counted, problem

BODY = {"order_id": 1, "amount_cents": 100, "currency": "EUR"}
PAY_LIMITS = {"max_concurrent": 2, "max_waiting": 3}


@pytest.fixture(scope="module")
def shop(fresh_database: Callable[[], str]) -> Iterator[Shop]:
    """Payments with two workers and three places in the queue; a provider that can be paused; the rest."""
    rest = "catalog,inventory,cart,orders,gateway"
    processes = ["payments", "provider", rest]
    settings = {"call_timeout_s": 60.0, "allow_freeze": True}
    with Shop(
        processes, database_url=fresh_database(), settings=settings, each={"payments": PAY_LIMITS}
    ) as running:
        yield running


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for requests that are left waiting."""
    with ThreadPoolExecutor(16) as made:
        yield made


@pytest.fixture
def stuck_provider(shop: Shop) -> Iterator[Callable[[], None]]:
    """The provider answers nobody until the function that this gives is called."""
    provider = shop.processes["provider"]
    provider.pause()
    released = False

    def release() -> None:
        nonlocal released
        if not released:
            provider.resume()
            released = True

    yield release
    release()


def pay(shop: Shop, reference: int = 1, deadline: float | None = None) -> httpx.Response:
    """A payment of order `reference`, straight to the payments service."""
    headers = {} if deadline is None else {HEADER: str(deadline)}
    body = {**BODY, "order_id": reference}
    return httpx.post(f"{shop.url_of('payments')}/payments", json=body, headers=headers, timeout=60)


def waiting(shop: Shop) -> float:
    """Requests in the queue of the payments service."""
    return counted(shop.url_of("payments"), "shop_waiting", service="payments")


def in_flight(shop: Shop) -> float:
    """Requests that the payments service has not answered."""
    return counted(shop.url_of("payments"), "shop_in_flight", service="payments")


def charged(shop: Shop, order_id: int) -> int:
    """How often the provider has charged for an order."""
    asked = {"reference": f"order-{order_id}"}
    found = httpx.get(f"{shop.url_of('provider')}/charges", params=asked, timeout=60).json()["count"]
    return int(found)


def test_of_twelve_payments_at_once_two_work_three_wait_and_seven_are_turned_away(shop, pool, stuck_provider):
    """Counted while nothing can finish; then the five finish, and the queue is empty."""
    answers = [pool.submit(pay, shop) for _ in range(12)]
    assert ready.true(lambda: sum(answer.done() for answer in answers) == 7, every_s=0.02)
    assert (in_flight(shop), waiting(shop)) == (5, 3)
    for answer in answers:
        if answer.done():
            problem(answer.result(), 503, "overloaded")
            assert int(answer.result().headers["Retry-After"]) >= 1
    stuck_provider()
    assert sorted(answer.result().status_code for answer in answers) == [201] * 5 + [503] * 7
    assert (in_flight(shop), waiting(shop)) == (0, 0)


def test_an_overloaded_service_still_says_how_it_is(shop, pool, stuck_provider):
    """Liveness, readiness and metrics take no worker's place."""
    answers = [pool.submit(pay, shop) for _ in range(5)]
    assert ready.true(lambda: in_flight(shop) == 5, every_s=0.02)
    for path in ("/live", "/ready", "/metrics"):
        assert httpx.get(f"{shop.url_of('payments')}{path}", timeout=60).status_code == 200
    stuck_provider()
    assert {answer.result().status_code for answer in answers} == {201}


def test_a_request_whose_deadline_passes_in_the_queue_is_never_worked_on(shop, pool, stuck_provider):
    """Two hold the workers; the third's caller has left when its turn comes: 504, and no charge."""
    holding = [pool.submit(pay, shop) for _ in range(2)]
    assert ready.true(lambda: in_flight(shop) == 2, every_s=0.02)
    moment = time.time() + 0.5
    late: Future[httpx.Response] = pool.submit(pay, shop, 2, moment)
    assert ready.true(lambda: waiting(shop) == 1, every_s=0.02)
    assert ready.true(lambda: time.time() > moment, every_s=0.02)
    stuck_provider()
    problem(late.result(), 504, "deadline-passed")
    assert {answer.result().status_code for answer in holding} == {201}
    assert charged(shop, 2) == 0


def test_a_deadline_that_has_passed_is_answered_without_work(shop):
    """At the gateway, before it asks anybody."""
    before = counted(shop.url, "shop_requests_total", service="catalog")
    answer = httpx.get(f"{shop.url}/products/1", headers={HEADER: str(time.time() - 1)}, timeout=60)
    problem(answer, 504, "deadline-passed")
    assert counted(shop.url, "shop_requests_total", service="catalog") == before


def test_a_deadline_travels_to_the_services_behind(shop, pool, stuck_provider):
    """The caller gets a 504; the provider, awake again, finds that nobody waits and charges nothing."""
    body = {**BODY, "order_id": 3}
    answer = httpx.post(f"{shop.url}/payments", json=body, headers={HEADER: str(time.time() + 1)}, timeout=60)
    problem(answer, 504, "neighbour-late")
    stuck_provider()
    provider = shop.url_of("provider")
    seen = partial(counted, provider, "shop_requests_total", service="provider", status="504")
    assert ready.true(lambda: seen() == 1, every_s=0.02)
    assert charged(shop, 3) == 0


def test_an_unreadable_deadline_is_none(shop):
    """Better an answer that nobody waits for than none for somebody who does."""
    for text in ("soon", "nan", "inf", ""):
        assert httpx.get(f"{shop.url}/products/1", headers={HEADER: text}, timeout=60).status_code == 200


def test_a_frozen_process_answers_nobody_and_knows_afterwards_who_has_left(shop):
    """A request that comes while it is frozen is read when it thaws; by then its deadline has passed."""
    payments = shop.url_of("payments")
    with httpx.Client(timeout=60) as client:
        client.get(f"{payments}/live")
        assert client.post(f"{payments}/freeze", json={"seconds": 1}).status_code == 202
        answer = client.get(f"{payments}/payments/1", headers={HEADER: str(time.time() + 0.3)})
        problem(answer, 504, "deadline-passed")
        assert client.get(f"{payments}/payments/1").status_code == 200


@pytest.mark.parametrize("body", [{"seconds": 0}, {"seconds": 3600}, {"seconds": "long"}, {}])
def test_a_freeze_that_makes_no_sense_is_not_understood(shop, body):
    """No longer than a minute: an experiment must end."""
    problem(httpx.post(f"{shop.url_of('payments')}/freeze", json=body, timeout=60), 422, "not-understood")


async def ask_to_freeze(address: str, allowed: bool) -> httpx.Response:
    """A request to freeze from an address, to a process that allows it or not."""
    settings = Settings(database_url="postgresql+psycopg://nobody@127.0.0.1:1/none", allow_freeze=allowed)
    transport = httpx.ASGITransport(run.process(["catalog"], settings), client=(address, 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://catalog") as client:
        return await client.post("/freeze", json={"seconds": 5})


def test_only_this_machine_may_freeze_a_process_and_only_where_the_settings_allow_it():
    """In the application itself, since a test has no other machine."""
    problem(asyncio.run(ask_to_freeze("192.0.2.7", allowed=True)), 403, "not-from-here")
    problem(asyncio.run(ask_to_freeze("127.0.0.1", allowed=False)), 404, "not-served")
