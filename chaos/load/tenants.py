"""Two tenants share one shop: a small one that looks at single orders, a big one that exports long pages.

locust -f chaos/load/tenants.py                      opens the web UI against a shop of its own
backlab load tenants --users 12 --seconds 20         headless; does the small one wait for the big one?
"""

from locust import constant_pacing, task

from chaos.load import scenario
from chaos.load.shopper import Shopper


class SmallTenant(Shopper):
    """Three of four users; opens one order, twice a second."""

    arm = "small tenant"
    weight = 3
    wait_time = constant_pacing(0.5)

    @task
    def look_at_an_order(self) -> None:
        number = self.dice.randint(1, 50_000)
        self.ask("GET", f"/orders/{number}", "one order", headers={"X-Tenant": "small"})


class BigTenant(Shopper):
    """One of four users; exports without a pause."""

    arm = "big tenant"
    weight = 1
    wait_time = constant_pacing(0)

    @task
    def export(self) -> None:
        self.ask("GET", "/orders?limit=50", "50 orders", headers={"X-Tenant": "big"})


scenario.stage("chaos.shopping", [SmallTenant, BigTenant])
