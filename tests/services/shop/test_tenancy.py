"""Bucket, seller and region: the same in NumPy and in PostgreSQL, spread as the lab on sharding needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import numpy as np
import psycopg
import pytest

from datasets import tenants
from datasets.shop import shop as seeded
from services.shop import tenancy
from tests.services.shop.asking import order_of

COLUMNS = "bucket, seller_id, region"


@pytest.fixture(scope="module")
def database_url(fresh_database: Callable[[], str]) -> str:
    """A shop with the columns, asked for twice, as two labs on one database would."""
    url = fresh_database()
    for _ in range(2):
        tenancy.add_columns(url)
    return url


@pytest.fixture(scope="module")
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to it."""
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as made:
        yield made


@pytest.mark.parametrize(("table", "customer"), tenancy.CUSTOMER.items())
def test_postgres_computes_what_numpy_computes(connection, table, customer):
    """Every row of both tables, so a gateway can find the shard of a row that it has not read."""
    rows = seeded("S", 42).tables[table].columns
    expected = zip(
        tenants.buckets(rows[customer]).tolist(),
        tenants.sellers(rows[customer]).tolist(),
        tenants.regions(rows["country"]),
        strict=True,
    )
    assert connection.execute(f"SELECT {COLUMNS} FROM {table} ORDER BY id").fetchall() == list(expected)


def test_buckets_are_alike_and_sellers_are_not():
    """Of 100,000 customers every bucket has about 98; the biggest seller has 19 %."""
    ids = np.arange(1, 100_001)
    sizes = np.bincount(tenants.buckets(ids), minlength=tenants.BUCKETS)
    assert (len(sizes), sizes.min() >= 90, sizes.max() <= 106) == (tenants.BUCKETS, True, True)
    shares = np.bincount(tenants.sellers(ids), minlength=tenants.SELLERS + 1)[1:] / len(ids)
    assert len(shares) == tenants.SELLERS
    assert 0.18 < shares[0] < 0.20
    assert shares.argmax() == 0


def test_a_sellers_customers_lie_in_all_buckets():
    """The two hashes are independent: a whale can be divided."""
    ids = np.arange(1, 100_001)
    whales = ids[tenants.sellers(ids) == 1]
    assert len(np.unique(tenants.buckets(whales))) == tenants.BUCKETS


def test_the_hash_has_known_values():
    """A bucket never moves because of us: these stand in other people's directories."""
    assert tenants.buckets(np.array([1, 2, 7, 2**31 - 1])).tolist() == [632, 241, 334, 903]
    assert tenants.sellers(np.array([1, 2, 7, 2**31 - 1])).tolist() == [11, 1, 29, 401]


def test_an_order_that_the_shop_places_knows_where_it_belongs(start, database_url, connection):
    """The shop's code writes none of the three, and the customer's row says the same."""
    shop = start(database_url=database_url)
    with httpx.Client(base_url=shop.url, timeout=30) as client:
        order = order_of(client, 26).json()
    found = connection.execute(f"SELECT {COLUMNS} FROM orders WHERE id = %s", [order["id"]]).fetchone()
    assert found == connection.execute(f"SELECT {COLUMNS} FROM customers WHERE id = 7").fetchone()


def test_a_country_without_a_region_is_refused(connection):
    """Rather than stored where nobody looks."""
    with pytest.raises(psycopg.errors.NotNullViolation, match="region"):
        connection.execute("UPDATE customers SET country = 'XX' WHERE id = 1")
