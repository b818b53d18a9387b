"""A flash sale: a hundred pieces of one product, and everybody comes in the same quarter of the run.

locust -f chaos/load/flash_sale.py -u 100 -t 60s     the crowd is -u, and how it comes is --shape
backlab load flash_sale --users 50 --seconds 20      headless; says how many pieces were sold beyond the shelf
"""

from locust import between, task

from chaos.load import scenario
from chaos.load.shopper import Shopper

BARGAIN, PIECES = 1, 100


class Hunter(Shopper):
    """Reloads the bargain's page and orders one, again and again; "sold out" is a proper answer."""

    wait_time = between(0.1, 0.5)

    @task
    def hunt(self) -> None:
        self.ask("GET", f"/products/{BARGAIN}", "product")
        self.buy(BARGAIN, key=self.a_key())


scenario.stage("chaos.shopping", [Hunter], words=["--shelf", f"{BARGAIN}={PIECES}"], shape="spike")
