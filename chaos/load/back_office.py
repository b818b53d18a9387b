"""The back office under load: pages of 10, 50 and 200 orders, six to three to one.

locust -f chaos/load/back_office.py --headless -u 8 -t 20s       starts a shop of its own, lazy and repaired
locust -f chaos/load/back_office.py --host http://127.0.0.1:8002 aims at yours
"""

from locust import HttpUser, constant_pacing, task

from chaos.load import scenario


class BackOfficeUser(HttpUser):
    """Somebody who looks at orders all day: one page every two seconds."""

    abstract = True
    wait_time = constant_pacing(2)
    arm = ""

    @task(6)
    def short_page(self) -> None:
        self.page(10)

    @task(3)
    def page_of_50(self) -> None:
        self.page(50)

    @task(1)
    def long_page(self) -> None:
        self.page(200)

    def page(self, size: int) -> None:
        self.client.get("/orders", params={"limit": size}, name=f"{self.arm}: page of {size}")


class NaiveBackOffice(BackOfficeUser):
    """Uses the copy of the orders service that loads lazily."""

    arm = "naive"


class RepairedBackOffice(BackOfficeUser):
    """Uses the repaired copy."""

    arm = "repaired"


scenario.stage("chaos.back_office", [NaiveBackOffice, RepairedBackOffice], latency_ms=2.0)
