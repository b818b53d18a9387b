"""Request traces for caches: Zipf-popular products, a crawler that walks the catalogue, a change of taste.

steady ........ crawl (every second request is the crawler's) ........ after ........ flash sale
one taste -------------------------------------------------------------> another taste
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from datasets.seed import Ints, pick, shuffled, stream, zipf_weights

PHASES = ("steady", "crawl", "after", "flash sale")


@dataclass(frozen=True)
class Trace:
    """Requests in order: `product` ids from 1, the `phase` of each (an index), and whether it is `scored`."""

    product: Ints
    phase: Ints
    scored: np.ndarray

    def __len__(self) -> int:
        return len(self.product)

    def of(self, phase: str) -> list[int]:
        """The products asked for in one phase, in order."""
        return self.product[self.phase == PHASES.index(phase)].tolist()

    def batches(self, size: int) -> Iterator[slice]:
        """The trace in runs of at most `size` requests; a run never crosses into another phase."""
        ends = [0, *(np.flatnonzero(np.diff(self.phase)) + 1).tolist(), len(self)]
        for begin, end in pairwise(ends):
            for start in range(begin, end, size):
                yield slice(start, min(start + size, end))


@cache
def _ranks(products: int) -> Ints:
    return zipf_weights(products)


def visits(seed: int, purpose: str, products: int, count: int, taste: int = 0) -> Ints:
    """`count` product ids in 1 .. products, Zipf (s = 0.99); each `taste` deals the ranks anew."""
    ranked = shuffled(stream(seed, f"traffic.taste.{taste}"), products) + 1
    return ranked[pick(stream(seed, f"traffic.{purpose}"), _ranks(products), count)]


def four_phases(seed: int, products: int = 20_000, unit: int = 8_000) -> Trace:
    """Steady (2 units), a crawl (1 of shoppers, 1 of the crawler in turn), after (1), flash sale (2).

    Scored are the shoppers' requests in the second half of each phase: the first warms the cache.
    """
    crawl = np.empty(2 * unit, dtype=np.int64)
    crawl[0::2] = visits(seed, "crawl", products, unit)
    crawl[1::2] = np.arange(unit) % products + 1
    parts = [
        visits(seed, "steady", products, 2 * unit),
        crawl,
        visits(seed, "after", products, unit),
        visits(seed, "sale", products, 2 * unit, taste=1),
    ]
    scored = [np.arange(len(part)) >= len(part) // 2 for part in parts]
    scored[1][1::2] = False
    phase = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return Trace(np.concatenate(parts), phase, np.concatenate(scored))
