"""Seven ways to keep a cache true to its database, each a reader and a writer in so many round trips.

reader: cache? -> database -> cache        writer: database and cache, in one order or another
"""

from __future__ import annotations

from typing import Any

import psycopg
import redis

SELECT = "SELECT price_cents, version FROM prices WHERE product_id = %s"
UPDATE = (
    "UPDATE prices SET price_cents = %s, version = version + 1 WHERE product_id = %s"
    " RETURNING price_cents, version"
)
# KEYS: the product's; ARGV: version, price. Keeps whichever is newer.
SET_IF_NEWER = """
    local kept = redis.call('HGET', KEYS[1], 'version')
    if kept and tonumber(kept) >= tonumber(ARGV[1]) then return 0 end
    redis.call('HSET', KEYS[1], 'version', ARGV[1], 'price', ARGV[2])
    return 1
"""
# Returns the price, or hands out a lease: a number that a delete takes away.
GET_OR_LEASE = """
    local price = redis.call('HGET', KEYS[1], 'price')
    if price then return {price, 0} end
    local lease = redis.call('INCR', 'leases')
    redis.call('HSET', KEYS[1], 'lease', lease)
    return {false, lease}
"""
SET_WITH_LEASE = """
    if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'price', ARGV[2])
    return 1
"""
Database = psycopg.Connection[Any]


def _key(product_id: int) -> str:
    return f"price:{product_id}"


def read_plain(cache: redis.Redis, database: Database, product_id: int) -> int | None:
    """Get, else read the database and set."""
    price = cache.get(_key(product_id))
    if price is not None:
        return int(price)
    row = database.execute(SELECT, [product_id]).fetchone()
    if row:
        cache.set(_key(product_id), row[0])
    return row[0] if row else None


def delete_after(cache: redis.Redis, database: Database, product_id: int, price_cents: int) -> None:
    """Write the database, then delete."""
    database.execute(UPDATE, [price_cents, product_id])
    cache.delete(_key(product_id))


def delete_before(cache: redis.Redis, database: Database, product_id: int, price_cents: int) -> None:
    """Delete, then write the database."""
    cache.delete(_key(product_id))
    database.execute(UPDATE, [price_cents, product_id])


def delete_twice(cache: redis.Redis, database: Database, product_id: int, price_cents: int) -> None:
    """Delete, write, delete again."""
    cache.delete(_key(product_id))
    delete_after(cache, database, product_id, price_cents)


def set_after(cache: redis.Redis, database: Database, product_id: int, price_cents: int) -> None:
    """Write the database, then set what was written."""
    row = database.execute(UPDATE, [price_cents, product_id]).fetchone()
    if row:
        cache.set(_key(product_id), row[0])


def read_versioned(cache: redis.Redis, database: Database, product_id: int) -> int | None:
    """As `read_plain`, but an older version never replaces a newer one."""
    price = cache.hget(_key(product_id), "price")
    if price is not None:
        return int(price)
    row = database.execute(SELECT, [product_id]).fetchone()
    if row:
        cache.eval(SET_IF_NEWER, 1, _key(product_id), row[1], row[0])
    return row[0] if row else None


def set_versioned(cache: redis.Redis, database: Database, product_id: int, price_cents: int) -> None:
    """Write the database, then set what it returned, unless the cache holds a newer version."""
    row = database.execute(UPDATE, [price_cents, product_id]).fetchone()
    if row:
        cache.eval(SET_IF_NEWER, 1, _key(product_id), row[1], row[0])


def read_leased(cache: redis.Redis, database: Database, product_id: int) -> int | None:
    """A miss hands out a lease; only who still holds the last one may set."""
    price, lease = cache.eval(GET_OR_LEASE, 1, _key(product_id))
    if price is not None:
        return int(price)
    row = database.execute(SELECT, [product_id]).fetchone()
    if row:
        cache.eval(SET_WITH_LEASE, 1, _key(product_id), lease, row[0])
    return row[0] if row else None


STRATEGIES = {
    "delete before": (read_plain, delete_before),
    "delete after": (read_plain, delete_after),
    "delete, write, delete": (read_plain, delete_twice),
    "set after": (read_plain, set_after),
    "versioned read, delete": (read_versioned, delete_after),
    "versioned on both sides": (read_versioned, set_versioned),
    "lease": (read_leased, delete_after),
}
