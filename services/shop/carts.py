"""Where carts are kept: in this process's memory, in PostgreSQL, or in Redis, behind the same verbs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, cast

import redis
import redis.asyncio
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.errors import BacklabError
from services.shop.database import Database
from services.shop.records import CartItem
from services.shop.settings import Settings

Items = dict[int, int]  # pieces by product
CART_ID = "^[A-Za-z0-9][A-Za-z0-9 _-]*$"  # no slash, no dots: it stands in paths
KEPT_S = 7 * 24 * 3600  # Redis forgets a cart that nobody has touched for a week


class Carts(Protocol):
    """What the cart service needs of a store."""

    async def items(self, cart_id: str) -> Items: ...
    async def put(self, cart_id: str, product_id: int, quantity: int) -> None: ...
    async def clear(self, cart_id: str) -> None: ...
    async def close(self) -> None: ...
    def ping(self) -> None: ...


class MemoryCarts:
    """Gone with the process, and unknown to a second one: fine for a test, wrong for two replicas."""

    def __init__(self, settings: Settings) -> None:
        self._carts: dict[str, Items] = {}

    async def items(self, cart_id: str) -> Items:
        return dict(sorted(self._carts.get(cart_id, {}).items()))

    async def put(self, cart_id: str, product_id: int, quantity: int) -> None:
        self._carts.setdefault(cart_id, {})[product_id] = quantity
        if not quantity:
            del self._carts[cart_id][product_id]

    async def clear(self, cart_id: str) -> None:
        self._carts.pop(cart_id, None)

    async def close(self) -> None:
        self._carts.clear()

    def ping(self) -> None:
        return


class PostgresCarts:
    """One row per product in a cart."""

    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings)
        self.ping = self._database.ping

    async def items(self, cart_id: str) -> Items:
        return await self._database.run(_rows, cart_id)

    async def put(self, cart_id: str, product_id: int, quantity: int) -> None:
        await self._database.run(_put_row, cart_id, product_id, quantity)

    async def clear(self, cart_id: str) -> None:
        await self._database.run(_delete_rows, cart_id)

    async def close(self) -> None:
        self._database.engine.dispose()


def _rows(session: Session, cart_id: str) -> Items:
    query = select(CartItem).where(CartItem.cart_id == cart_id).order_by(CartItem.product_id)
    return {item.product_id: item.quantity for item in session.scalars(query)}


def _put_row(session: Session, cart_id: str, product_id: int, quantity: int) -> None:
    if not quantity:
        gone = delete(CartItem).where(CartItem.cart_id == cart_id, CartItem.product_id == product_id)
        session.execute(gone)
        return
    row = insert(CartItem).values(cart_id=cart_id, product_id=product_id, quantity=quantity)
    key = ["cart_id", "product_id"]
    session.execute(row.on_conflict_do_update(index_elements=key, set_={"quantity": quantity}))


def _delete_rows(session: Session, cart_id: str) -> None:
    session.execute(delete(CartItem).where(CartItem.cart_id == cart_id))


class RedisCarts:
    """One hash per cart, with a lifetime that each change renews."""

    def __init__(self, settings: Settings) -> None:
        if not settings.redis_url:
            raise BacklabError("SHOP_REDIS_URL is not set", "name the Redis, or keep carts in `postgres`")
        self._url = settings.redis_url
        self._redis = redis.asyncio.Redis.from_url(settings.redis_url, decode_responses=True)

    async def items(self, cart_id: str) -> Items:
        found = await cast("Awaitable[dict[str, str]]", self._redis.hgetall(_key(cart_id)))
        return dict(sorted((int(product_id), int(quantity)) for product_id, quantity in found.items()))

    async def put(self, cart_id: str, product_id: int, quantity: int) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            if quantity:
                pipe.hset(_key(cart_id), str(product_id), str(quantity))
            else:
                pipe.hdel(_key(cart_id), str(product_id))
            pipe.expire(_key(cart_id), KEPT_S)
            await pipe.execute()

    async def clear(self, cart_id: str) -> None:
        await self._redis.delete(_key(cart_id))

    async def close(self) -> None:
        await self._redis.aclose()

    def ping(self) -> None:
        with redis.Redis.from_url(self._url) as client:
            client.ping()


def _key(cart_id: str) -> str:
    return f"cart:{cart_id}"


STORES: dict[str, Callable[[Settings], Carts]] = {
    "memory": MemoryCarts,
    "postgres": PostgresCarts,
    "redis": RedisCarts,
}
