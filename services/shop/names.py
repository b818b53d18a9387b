"""The names and places of the shop's services, for whoever starts them and need not import one."""

from __future__ import annotations

from services.errors import BacklabError

# a service calls only those before it
SERVICES = ("provider", "catalog", "inventory", "cart", "payments", "orders", "gateway")


def chosen(text: str) -> list[str]:
    """The services that a comma-separated text names; `all` means every one."""
    names = list(SERVICES) if text == "all" else text.split(",")
    unknown = [name for name in names if name not in SERVICES]
    if unknown:
        what = f"no service of the shop is called {', '.join(map(repr, unknown))}"
        raise BacklabError(what, f"choose from {', '.join(SERVICES)}, or all")
    return names


def place(service: str) -> str:
    """Where a service answers in a process that it shares with others."""
    return f"/services/{service}"
