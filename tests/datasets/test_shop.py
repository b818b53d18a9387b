"""The shop: the same bytes everywhere, skewed as promised, and consistent in itself."""

import numpy as np
import pytest

from datasets.orders import FULL_LINES, FULL_PAYMENTS, STATUSES
from datasets.shop import CHOSEN_SEED, SIZES, Shop, page_cost, shop

CHECKSUMS = {
    "customers": "aa423ade126f8141303f5c54fe14ea3675c564a4d5f10fa909441ac83ce29140",
    "products": "dd03aafea4c4311687efa7f733b2e381d0b8c4658588b5819951dab134ba4069",
    "inventory": "24f7517a131da8d5475a05baaffb27e5857232e0610e40da08a3e92ca36e2d40",
    "orders": "2824b478447c5860ffa837abbd5f58f5b64d0f714181c5de804926ea3818fcbd",
    "order_lines": "bfbc48d1880056c28ce8979e8cd9ebeae2d0f3772ca6e655b22583b56f32e324",
    "payments": "43e3fa5ec548bf3c7e3758beca431bbd9b0e16e2f57a885a6ab2844fc044117c",
    "events": "61bb2f95ba1e7fab23c15ec51329914b7710e7dd97618ac34b04c3479a0b0ecc",
}


@pytest.fixture(scope="module")
def s() -> Shop:
    """The shop of size S with the seed that the labs use."""
    return shop("S", CHOSEN_SEED)


def test_the_same_seed_gives_the_same_bytes_on_every_machine(s):
    """Every value of every column, against checksums that are committed."""
    assert {name: table.checksum() for name, table in s.tables.items()} == CHECKSUMS


def test_another_seed_gives_another_shop(s):
    """Only the ids stay."""
    other = shop("S", CHOSEN_SEED + 1)
    assert all(other.tables[name].checksum() != table.checksum() for name, table in s.tables.items())


def test_a_size_that_does_not_exist_is_refused_in_a_sentence():
    """The message names the sizes that do."""
    with pytest.raises(ValueError, match="no shop of size 'XL'; choose one of S, M"):
        shop("XL", 1)


def test_the_chosen_page_costs_1192_statements(s):
    """The number in the title of lab 4.2, and less than the naive formula says."""
    cost = page_cost(s, 200)
    assert cost.statements == 1192
    assert cost.statements < 1 + 200 * 3 + cost.lines


def test_the_cost_of_a_page_equals_a_count_by_hand(s):
    """page_cost() against a loop over the rows."""
    lines, payments = s.tables["order_lines"], s.tables["payments"]
    cost, wanted = page_cost(s, 30, before_id=1001), range(971, 1001)
    in_page = np.isin(lines["order_id"], wanted)
    joined = 0
    for order_id in wanted:
        of_order = int((lines["order_id"] == order_id).sum()), int((payments["order_id"] == order_id).sum())
        joined += max(of_order[0], 1) * max(of_order[1], 1)
    assert cost.joined_rows == joined
    assert cost.lines == int(in_page.sum())
    assert cost.products == len(set(lines["product_id"][in_page].tolist()))
    assert cost.customers == len(set(s.tables["orders"]["customer_id"][970:1000].tolist()))


def test_a_page_reaches_back_no_further_than_the_first_order(s):
    """A page that is larger than what there is holds what there is."""
    assert page_cost(s, 200, before_id=6).orders == 5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_page_of_two_hundred_shows_the_tail(seed):
    """One order with 60 lines and 12 payments and one without lines, whatever the seed."""
    tables = shop("S", seed).tables
    size = SIZES["S"].orders
    lines = np.bincount(tables["order_lines"]["order_id"], minlength=size + 1)[1:].reshape(-1, 200)
    payments = np.bincount(tables["payments"]["order_id"], minlength=size + 1)[1:].reshape(-1, 200)
    assert (((lines == FULL_LINES) & (payments == FULL_PAYMENTS)).sum(axis=1) >= 1).all()
    assert ((lines == 0).sum(axis=1) == 1).all()
    assert np.median(lines) == 3
    assert lines.max() == FULL_LINES


def test_no_order_holds_a_product_twice(s):
    """A pair of order and product is unique."""
    lines = s.tables["order_lines"]
    pair = lines["order_id"].astype(np.int64) * 100_000 + lines["product_id"]
    assert len(np.unique(pair)) == len(lines)


def test_few_products_sell_most(s):
    """Zipf: the best hundredth of the products makes more than 40 % of the lines."""
    sold = np.sort(np.bincount(s.tables["order_lines"]["product_id"]))[::-1]
    assert sold[:100].sum() > 0.4 * sold.sum()


def test_every_reference_finds_its_row(s):
    """Foreign keys point at ids that exist."""
    of = {name: len(table) for name, table in s.tables.items()}
    for table, column, target in [
        ("orders", "customer_id", "customers"),
        ("order_lines", "order_id", "orders"),
        ("order_lines", "product_id", "products"),
        ("payments", "order_id", "orders"),
        ("events", "order_id", "orders"),
        ("inventory", "product_id", "products"),
    ]:
        assert 1 <= s.tables[table][column].min() <= s.tables[table][column].max() <= of[target]


def test_an_order_has_the_place_of_its_customer(s):
    """Country, city, currency and language are copied, not drawn again."""
    orders, customers = s.tables["orders"], s.tables["customers"]
    for column in ("country", "city", "currency", "language"):
        assert (orders[column] == customers[column][orders["customer_id"] - 1]).all()


def test_money_adds_up(s):
    """Lines sum to the order's total; captured or refunded payments sum to it too."""
    orders, lines, payments = (s.tables[name] for name in ("orders", "order_lines", "payments"))
    total = np.zeros(len(orders), dtype=np.int64)
    np.add.at(total, lines["order_id"] - 1, lines["quantity"].astype(np.int64) * lines["price_cents"])
    assert (total == orders["total_cents"]).all()
    paid = np.zeros(len(orders), dtype=np.int64)
    counted = payments["status"] != b"declined"
    np.add.at(paid, payments["order_id"][counted] - 1, payments["amount_cents"][counted])
    has_paid = np.isin(orders["id"], payments["order_id"])
    assert (paid[has_paid] == total[has_paid]).all()


def test_time_runs_forward(s):
    """Orders by id and events by id are in the order of time; nobody orders before signing up."""
    orders, events = s.tables["orders"], s.tables["events"]
    assert (np.diff(orders["placed_at"]) > 0).all()
    assert (np.diff(events["at"]) >= 0).all()
    assert s.tables["customers"]["signed_up"].max() < orders["placed_at"].min()
    assert set(np.unique(orders["status"]).tolist()) == {status.encode() for status in STATUSES}


def test_mail_addresses_are_unique_and_reach_nobody(s):
    """All end in example.com, which RFC 2606 reserves, and are plain ASCII."""
    emails = s.tables["customers"].text("email")
    assert len(set(emails)) == len(emails)
    assert all(email.endswith("example.com") and email.isascii() and " " not in email for email in emails)
