"""Products with invented names, the stock of each, and how popular each is (Zipf, s = 0.99)."""

import numpy as np

from datasets.names import invented
from datasets.seed import Ints, below, pick, shuffled, stream, zipf_weights
from datasets.table import Table, ids, words

# category: (what its products are called, price of a typical one in cents)
CATEGORIES = {
    "books": ("Novel Atlas Notebook", 1_800),
    "coffee": ("Beans Grinder Kettle", 3_200),
    "cycling": ("Helmet Pump Pannier", 5_900),
    "garden": ("Trowel Planter Hose", 2_700),
    "kitchen": ("Pan Knife Bowl", 3_900),
    "lighting": ("Lamp Lantern Spot", 6_400),
    "music": ("Ukulele Stand Metronome", 7_800),
    "office": ("Chair Desk Shelf", 14_900),
    "outdoor": ("Tent Backpack Stove", 11_900),
    "toys": ("Puzzle Kite Robot", 2_400),
}
# The price of a product in percent of the typical one, and how many of 1,000 products have it.
PRICE_PERCENT = (25, 40, 60, 80, 100, 130, 170, 250, 400, 900)
PRICE_WEIGHTS = (30, 80, 140, 180, 190, 150, 110, 75, 35, 10)


def products(size: int, seed: int) -> Table:
    """The table of products: id, name, category, price_cents."""
    names = list(CATEGORIES)
    category = below(stream(seed, "products.category"), len(names), size)
    percent = np.array(PRICE_PERCENT)[pick(stream(seed, "products.price"), PRICE_WEIGHTS, size)]
    typical = np.array([price for _, price in CATEGORIES.values()])[category]
    cents = below(stream(seed, "products.cents"), 10, size) * 10 - 1
    return Table(
        "products",
        {
            "id": ids(size),
            "name": words(_names(size, seed, [names[at] for at in category.tolist()])),
            "category": words(names)[category],
            "price_cents": (typical * percent // 10_000 * 100 + 100 + cents).astype(np.int32),
        },
    )


def _names(size: int, seed: int, categories: list[str]) -> list[str]:
    """Invented names such as "Tavori Lamp 12": the number keeps two inventions of the same name apart."""
    brands = invented(stream(seed, "products.brand"), size)
    nouns = below(stream(seed, "products.noun"), 3, size).tolist()
    return [
        f"{brand} {CATEGORIES[category][0].split()[noun]} {at}"
        for at, (brand, category, noun) in enumerate(zip(brands, categories, nouns, strict=True), start=1)
    ]


def inventory(size: int, seed: int) -> Table:
    """The table of stock: product_id, on_hand, reserved (never more than on hand)."""
    on_hand = below(stream(seed, "inventory.on_hand"), 500, size)
    reserved = below(stream(seed, "inventory.reserved"), 20, size)
    return Table(
        "inventory",
        {
            "product_id": ids(size),
            "on_hand": on_hand.astype(np.int32),
            "reserved": np.minimum(reserved, on_hand).astype(np.int32),
        },
    )


def popularity(size: int, seed: int) -> Ints:
    """Integer weight of each product id in `id - 1` order: Zipf by rank, ranks dealt to ids at random."""
    weights = np.empty(size, dtype=np.int64)
    weights[shuffled(stream(seed, "products.rank"), size)] = zipf_weights(size)
    return weights
