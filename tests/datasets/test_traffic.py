"""Request traces: the same on every machine, Zipf in the large, in four phases."""

from collections import Counter

import numpy as np
import pytest

from datasets.traffic import PHASES, four_phases, visits


def test_a_trace_has_four_phases_of_the_lengths_that_it_promises() -> None:
    """Two units, two (of which one is the crawler's), one, two."""
    trace = four_phases(42, products=500, unit=100)
    lengths = {phase: len(trace.of(phase)) for phase in PHASES}
    assert lengths == {"steady": 200, "crawl": 200, "after": 100, "flash sale": 200}
    assert len(trace) == 700


def test_the_crawler_takes_each_second_request_and_walks_in_order() -> None:
    """Also round and round where the catalogue is short."""
    crawl = four_phases(42, products=60, unit=100).of("crawl")
    assert crawl[1::2] == [at % 60 + 1 for at in range(100)]


def test_only_shoppers_in_the_second_half_of_a_phase_are_scored() -> None:
    """The first half warms."""
    trace = four_phases(42, products=500, unit=100)
    scored = [int(trace.scored[trace.phase == at].sum()) for at in range(4)]
    assert scored == [100, 50, 50, 100]


def test_a_run_never_crosses_into_another_phase_and_none_is_left_out() -> None:
    """Also where the size divides nothing."""
    trace = four_phases(42, products=500, unit=100)
    runs = list(trace.batches(37))
    assert sum(run.stop - run.start for run in runs) == len(trace)
    assert all(len(set(trace.phase[run].tolist())) == 1 for run in runs)


def test_few_products_are_wanted_by_everybody_until_taste_changes() -> None:
    """The first of 1,000 gets about a seventh of the requests, and another one after the change."""
    asked = [visits(7, "x", 1_000, 5_000, taste).tolist() for taste in (0, 1)]
    before, after = (Counter(each).most_common(1)[0] for each in asked)
    assert before[0] != after[0]
    assert 500 < before[1] < 900


@pytest.mark.parametrize("seed", [1, 42])
def test_a_seed_names_one_trace(seed: int) -> None:
    """And every product id is one."""
    one, other = four_phases(seed, 500, 100), four_phases(seed, 500, 100)
    assert np.array_equal(one.product, other.product)
    assert one.product.min() >= 1
    assert one.product.max() <= 500
