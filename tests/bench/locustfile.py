"""An anchor of the generator: Locust's fastest user, who waits for nothing but the answer."""

from locust import FastHttpUser, task


class Impatient(FastHttpUser):
    """Asks again as soon as it is answered."""

    @task
    def ask(self) -> None:
        self.client.get("/")
