"""Probes on servers: does it run, what does it answer.

Annotations stay real types here: `chaos discover` reads them.
"""

import httpx
import psycopg

from chaos import theatre
from services.errors import BacklabError


def server_running(server: str) -> bool:
    """Whether a server's process or container runs (a paused one does)."""
    return bool(theatre.current().stage.server(server).running)


def http_status(url: str, timeout_s: float = 5) -> int:
    """The status code of GET `url`: an address, or "orders/ready" for a path of a service of the stage."""
    name, _, path = url.partition("/")
    if "://" not in url:
        url = f"{theatre.current().stage.server(name).url}/{path}"
    try:
        return httpx.get(url, timeout=float(timeout_s)).status_code
    except httpx.HTTPError as failure:
        what = f"{url} gave no answer ({type(failure).__name__})"
        raise BacklabError(what, "is the server up? ask `server_running` too") from failure


def sql_value(query: str, database: str = "shop", server: str = "postgres") -> float:
    """The number that a query of PostgreSQL returns, from a connection of its own."""
    try:
        with theatre.current().stage.server(server).connect(database) as connection:
            row = connection.execute(query).fetchone()
    except psycopg.Error as refusal:
        raise BacklabError(f"{server} refused the query ({refusal})", "correct it") from refusal
    if not row or row[0] is None:
        raise BacklabError(f"the query returned nothing: {query}", "let it return one number")
    return float(row[0])
