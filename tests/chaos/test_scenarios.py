"""The scenarios against the whole shop, through the bench: what the database knows afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backlab.measure import COLUMNS
from backlab.stress.load import Load, load, names


def test_every_scenario_is_found_by_name() -> None:
    """Those that issues name and those of labs; what they share is none of them."""
    wanted = {"back_office", "browse", "checkout", "double_clicker", "flash_sale", "order_burst"}
    wanted |= {"product_cache", "tenants"}
    assert wanted == set(names())


@pytest.fixture(scope="module")
def checkout() -> Load:
    """Five customers for six seconds."""
    return load("checkout", users=5, seconds=6)


def test_a_checkout_is_charged_once_for_each_order_that_was_paid(checkout: Load) -> None:
    """Orders, charges and the customers' own count agree."""
    assert set(checkout.rows.outcome) == {"ok"}
    paid = (checkout.rows.op == "pay").sum()
    assert checkout.evidence["charges"] == paid > 0
    assert checkout.evidence["orders placed"] >= paid
    assert checkout.evidence["orders charged twice"] == 0


def test_rows_of_a_scenario_are_those_of_measure_and_can_be_drawn(checkout: Load) -> None:
    """One per request, users as level; percentiles, requests/s and users in one figure with a finding."""
    assert list(checkout.rows.columns) == COLUMNS
    assert set(checkout.rows.level) == {5}
    assert checkout.users.users.max() == 5
    card = checkout.plot()
    assert card.title.startswith("5 users: 95 of 100 requests are answered within ")
    assert "5 users" in [text.get_text() for text in card.axes[1].texts]
    assert card.png().startswith(b"\x89PNG")


def test_a_flash_sale_sells_what_is_on_the_shelf_and_no_piece_more() -> None:
    """A hundred pieces, a crowd for a quarter of the time, the shop in seven processes."""
    seen = load("flash_sale", users=12, seconds=8, shop="each")
    assert set(seen.rows.outcome) == {"ok"}
    assert 0 < seen.evidence["orders placed"] <= 100
    assert seen.evidence["products sold beyond their shelf"] == 0
    assert seen.users.users.max() == 12
    assert seen.users.users.iloc[-1] == 1


def test_a_double_click_without_a_key_buys_twice_and_with_a_key_once() -> None:
    """Each second order that nobody wanted is a failure of its arm; the database counts the same orders."""
    seen = load("double_clicker", users=4, seconds=5)
    failed = seen.summary()["failed"]
    assert failed["with a key"] == 0
    assert failed["without a key"] > 0
    clicks = seen.rows.groupby("arm").size()
    assert seen.evidence["orders placed"] <= clicks["with a key"] / 2 + clicks["without a key"]


def test_each_small_cache_says_what_a_page_costs_with_and_without_a_crawler() -> None:
    """All are answered, and each catalog's statements are counted."""
    seen = load("product_cache", users=10, seconds=8)
    assert set(seen.rows.outcome) == {"ok"}
    arms = {"lru", "lfu", "lru with crawler", "lfu with crawler"}
    assert set(seen.statements) == arms == set(seen.rows.arm)
    crawled = seen.rows[seen.rows.op == "crawled"].groupby("arm").size()
    assert set(crawled.index) == {"lru with crawler", "lfu with crawler"}
    assert seen.statements["lru with crawler"] >= crawled["lru with crawler"]


def test_a_burst_of_orders_makes_a_hill_and_rings_no_pager() -> None:
    """Six times as many orders for three seconds: the projector falls behind, and is soon there again."""
    seen = load("order_burst", users=12, seconds=12)
    assert set(seen.rows.outcome) == {"ok"}
    assert seen.evidence["highest lag of the projector"] > 0
    assert seen.evidence["times a pager rang"] == 0


def test_users_come_in_steps_where_a_shape_is_asked_for() -> None:
    """They only ever grow, through at least three levels, up to the number that was asked for."""
    counted = load("browse", users=10, seconds=6, shape="steps").users.users
    assert counted.is_monotonic_increasing
    assert counted.max() == 10
    assert counted.nunique() >= 3


def test_the_command_prints_evidence_and_leaves_a_picture(tmp_path: Path) -> None:
    """`backlab load tenants` in a folder of its own; exit code 0 since all were answered."""
    argv = [sys.executable, "-m", "backlab.cli", "load", "tenants", "--users", "4", "--seconds", "5"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=90, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "small tenant" in done.stdout
    assert "orders placed: 0" in done.stdout
    assert (tmp_path / "out/load/tenants.png").read_bytes().startswith(b"\x89PNG")
