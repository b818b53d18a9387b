"""Orders with a step of six times as many for three seconds: the lag shows a hill, and no pager may ring.

locust -f chaos/load/order_burst.py -u 12 -t 20s     the step is --shape burst, -u its height
backlab load order_burst --users 12 --seconds 20     headless; says how high the hill was, and if a pager rang
"""

from locust import between, task

from chaos.load import scenario
from chaos.load.shopper import Shopper


class OrderBurst(Shopper):
    """Orders one thing at a time and carries a key, so that a repeated click buys once."""

    wait_time = between(0.2, 0.4)

    @task
    def order(self) -> None:
        self.buy(self.a_product(), key=self.a_key())


scenario.stage("chaos.order_pipeline", [OrderBurst], shape="burst")
