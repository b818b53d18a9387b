"""Random streams: one per purpose, the same bits everywhere."""

import numpy as np
import pytest

from datasets.seed import below, lognormal_weights, pick, raw, shuffled, stream, zipf_weights

FIRST_BITS = [3257597223042393947, 4359546569610606745, 17999924894146367823]


def test_the_same_purpose_draws_the_same_bits():
    """A seed and a purpose name one stream, on every machine and in every year."""
    first = raw(stream(42, "orders.kind"), 3).tolist()
    assert first == raw(stream(42, "orders.kind"), 3).tolist()
    assert first == FIRST_BITS


def test_another_purpose_or_seed_draws_other_bits():
    """A draw that is added to one purpose moves nothing in another."""
    firsts = {int(raw(stream(seed, purpose), 1)[0]) for seed in (1, 2) for purpose in ("a", "b", "ab")}
    assert len(firsts) == 6


def test_a_negative_seed_is_refused_in_a_sentence():
    """The message says which seed, and what to choose."""
    with pytest.raises(ValueError, match="seed -1 is negative; choose 0"):
        stream(-1, "orders")


def test_draws_stay_below_their_bound_and_reach_it():
    """below() yields every number of a small range and none outside, also for the largest bound."""
    drawn = below(stream(1, "below"), 7, 10_000)
    assert set(drawn.tolist()) == set(range(7))
    assert (
        0
        <= below(stream(1, "below"), 2**32, 1000).min()
        <= below(stream(1, "below"), 2**32, 1000).max()
        < 2**32
    )


def test_pick_never_picks_what_weighs_nothing():
    """Frequencies follow the weights; a weight of zero is never picked."""
    counts = np.bincount(pick(stream(1, "pick"), (0, 1, 0, 3, 0), 40_000), minlength=5)
    assert counts[[0, 2, 4]].sum() == 0
    assert 2.8 < counts[3] / counts[1] < 3.2


def test_shuffled_is_a_permutation():
    """Every index once."""
    assert sorted(shuffled(stream(1, "shuffled"), 100).tolist()) == list(range(100))


def test_zipf_weights_follow_their_law():
    """Rank 1 weighs 10**0.99 times rank 10, and all weights fit into 32 bits together."""
    weights = zipf_weights(1000)
    assert weights[0] / weights[9] == pytest.approx(10**0.99, rel=1e-6)
    assert weights.sum() < 2**32
    assert weights.min() > 0


def test_lognormal_weights_have_their_median():
    """Half of the weight lies on each side of the median."""
    weights = lognormal_weights(median=3, sigma=0.8, low=1, high=40)
    assert weights[:2].sum() < weights.sum() / 2 < weights[:3].sum()
    assert weights.sum() == pytest.approx(1_000_000, abs=40)
