"""Shoppers at catalogs with a small cache, LRU or LFU, alone or with a crawler that reads every page once.

locust -f chaos/load/product_cache.py --headless -u 10 -t 20s     starts four catalogs of its own
backlab load product_cache --users 10 --seconds 20                the same, with a picture

Afterwards it prints how many statements a page has cost the database, for each catalog.
"""

import itertools

from locust import constant_throughput, task

from chaos.load import scenario
from chaos.load.shopper import PRODUCTS, Shopper


class ShopperUser(Shopper):
    """Twenty product pages for three lists and one new price."""

    abstract = True
    wait_time = constant_throughput(20)

    @task(20)
    def look_at_a_product(self) -> None:
        self.ask("GET", f"/products/{self.a_product()}", "product")

    @task(3)
    def look_through_the_list(self) -> None:
        after = self.dice.randrange(0, PRODUCTS, 20)
        self.ask("GET", f"/products?after_id={after}&limit=20", "list")

    @task(1)
    def change_a_price(self) -> None:
        price = {"price_cents": self.dice.randint(100, 10_000)}
        self.ask("PUT", f"/products/{self.a_product()}/price", "price", json=price)


class CrawlerUser(Shopper):
    """One robot that walks through the catalogue, each page once, as fast as three shoppers."""

    abstract = True
    fixed_count = 1
    wait_time = constant_throughput(60)

    def on_start(self) -> None:
        super().on_start()
        self.pages = itertools.cycle(range(1, PRODUCTS + 1))

    @task
    def next_page(self) -> None:
        self.ask("GET", f"/products/{next(self.pages)}", "crawled")


class LruShopper(ShopperUser):
    """At the cache with LRU, without a crawler."""

    arm = "lru"


class LfuShopper(ShopperUser):
    """At the cache with LFU, without a crawler."""

    arm = "lfu"


class CrawledLruShopper(ShopperUser):
    """At the cache with LRU that a crawler reads, too."""

    arm = "lru with crawler"


class CrawledLfuShopper(ShopperUser):
    """At the cache with LFU that a crawler reads, too."""

    arm = "lfu with crawler"


class LruCrawler(CrawlerUser):
    """The crawler at the cache with LRU."""

    arm = "lru with crawler"


class LfuCrawler(CrawlerUser):
    """The crawler at the cache with LFU."""

    arm = "lfu with crawler"


scenario.stage(
    "chaos.product_cache",
    [LruShopper, LfuShopper, CrawledLruShopper, CrawledLfuShopper, LruCrawler, LfuCrawler],
)
