"""One seed, one random stream per purpose, and draws that are the same bits on every machine.

    seed 42 --+-- "orders.kind"      -> PCG64 stream -> raw 64-bit integers -> below(), pick(), shuffled()
              +-- "orders.customer"  -> another stream: a draw added here moves nothing there

Draws are integer arithmetic on raw bits. NumPy promises the bits of a PCG64 stream, but neither the last bit
of its exp() and pow() nor the draws of Generator's distributions across versions: neither is used.
"""

import hashlib
import math
from collections.abc import Sequence
from decimal import Context, Decimal
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def stream(seed: int, purpose: str) -> np.random.Generator:
    """The random stream of one purpose: independent of every other purpose under the same seed.

    Raises ValueError for a negative seed.
    """
    if seed < 0:
        raise ValueError(f"seed {seed} is negative; choose 0 or a positive integer")
    digest = hashlib.sha256(purpose.encode()).digest()
    key = tuple(int.from_bytes(digest[at : at + 4], "big") for at in range(0, 16, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def raw(rng: np.random.Generator, size: int) -> NDArray[np.uint64]:
    """`size` raw 64-bit integers of the stream."""
    return rng.bit_generator.random_raw(size)


def below(rng: np.random.Generator, bound: int, size: int) -> Ints:
    """`size` integers in [0, bound), by multiply and shift (bias < bound / 2**32); bound is at most 2**32."""
    high = raw(rng, size) >> np.uint64(32)
    return ((high * np.uint64(bound)) >> np.uint64(32)).astype(np.int64)


def pick(rng: np.random.Generator, weights: Sequence[int] | Ints, size: int) -> Ints:
    """`size` indexes into `weights`, each as often as its integer weight says; they sum to at most 2**32."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.int64))
    return np.searchsorted(cumulative, below(rng, int(cumulative[-1]), size), side="right").astype(np.int64)


def shuffled(rng: np.random.Generator, size: int) -> Ints:
    """A random order of 0 .. size-1."""
    return np.argsort(raw(rng, size), kind="stable").astype(np.int64)


def zipf_weights(size: int, s: str = "0.99", total: int = 2**32 - 1) -> Ints:
    """Integer weights of ranks 1 .. size, proportional to rank**-s, that sum to at most `total`.

    Decimal arithmetic is software and correctly rounded, so that no processor's pow() has a say.
    """
    context = Context(prec=18)
    exponent = -Decimal(s)
    shares = [context.exp(exponent * context.ln(Decimal(rank))) for rank in range(1, size + 1)]
    unit = Decimal(total - size) / sum(shares)
    return np.array([int(share * unit) + 1 for share in shares], dtype=np.int64)


def lognormal_weights(median: float, sigma: float, low: int, high: int, total: int = 1_000_000) -> Ints:
    """Integer weights of the numbers low .. high under a log-normal law; both ends take what lies beyond.

    The weights are rounded to a millionth of the probability, ten orders of magnitude above the last bit of a
    double, so that a processor whose erf() differs in that bit rounds to the same integers.
    """
    law = NormalDist(math.log(median), sigma)
    edges = [0.0, *(law.cdf(math.log(number + 0.5)) for number in range(low, high)), 1.0]
    return np.array([round(total * (b - a)) for a, b in pairwise(edges)], dtype=np.int64)
