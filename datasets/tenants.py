"""Where a customer belongs when the shop is divided: bucket, seller and region, each computed from its row.

customer id ──times an odd number, mod 2**32──▶ top ten bits         bucket 0 .. 1,023, all alike
customer id ──times another one,   mod 2**32──▶ the Zipf law's table  seller 1 .. 500, the first has 19 %
country     ──table──▶ region

Multiplying by a constant spreads ids that count upwards evenly (Knuth, The Art of Computer Programming,
volume 3, section 6.4). Unlike Python's own hash() it is the same in every process, in NumPy and in SQL.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from datasets.seed import Ints, zipf_weights

BUCKETS, BUCKET_BITS = 1024, 10
SELLERS, SELLER_SKEW = 500, "1.1"
FOR_BUCKETS, FOR_SELLERS = (
    2_654_435_761,
    2_246_822_519,
)  # odd, below 2**32; two, or a seller's buckets were few
REGIONS = {
    "americas": ("AR", "BR", "CO", "MX", "US"),
    "europe": ("DE", "ES", "FR", "GB", "TR"),
    "africa": ("EG", "NG"),
    "asia": ("CN", "ID", "IN", "JP", "KR"),
}


def buckets(customer_ids: Ints) -> Ints:
    """The logical bucket of each customer and of all that is its; ids are at most 2**31 - 1."""
    return _spread(customer_ids, FOR_BUCKETS) >> (32 - BUCKET_BITS)


def sellers(customer_ids: Ints) -> Ints:
    """The marketplace seller, or tenant, whose customer each is."""
    return np.searchsorted(seller_bounds(), _spread(customer_ids, FOR_SELLERS), side="right") + 1


def regions(countries: NDArray[np.bytes_]) -> list[str]:
    """The region of each country code; KeyError for a country without one."""
    of = {country.encode(): region for region, members in REGIONS.items() for country in members}
    return [of[country] for country in countries.tolist()]


@cache
def seller_bounds() -> Ints:
    """Where in 0 .. 2**32 - 1 the second seller begins, the third, and so on."""
    return np.cumsum(zipf_weights(SELLERS, SELLER_SKEW))[:-1]


def _spread(ids: Ints, factor: int) -> Ints:
    return (np.asarray(ids, dtype=np.int64) * factor) & (2**32 - 1)
