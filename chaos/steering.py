"""Speak to a proxy's HTTP API: ours, or the original toxiproxy-server.

Api("127.0.0.1:8474").ask("GET", "/proxies")        one request, one JSON answer
Api(...).hold() ──▶ Holder: an open connection; faults created for it end when it closes (ours only)
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
from typing import Any

from services.errors import BacklabError

ANSWER_WITHIN_S = 10.0


class Api:
    """Toxiproxy's HTTP API at an address "host:port"."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer, or None; raises BacklabError with the API's own words."""
        connection = http.client.HTTPConnection(self.address, timeout=ANSWER_WITHIN_S)
        with contextlib.closing(connection):
            try:
                connection.request(method, path, None if body is None else json.dumps(body))
                answer = connection.getresponse()
                text = answer.read()
            except OSError as lost:
                what = f"the proxy's API on {self.address} does not answer ({lost})"
                raise BacklabError(what, "start it again with ProxyServer().start()") from lost
        value = json.loads(text) if text else None
        if answer.status >= 400:
            reason = value["error"] if value else answer.reason
            what = f"the proxy on {self.address} refused {method} {path}: {reason}"
            raise BacklabError(what, "correct the name or the value and repeat")
        return value

    def hold(self) -> Holder:
        """Open the connection on which faults hang."""
        connection = http.client.HTTPConnection(self.address, timeout=ANSWER_WITHIN_S)
        connection.request("GET", "/holder")
        answer = connection.getresponse()
        return Holder(json.loads(answer.readline())["holder"], connection, answer)


class Holder:
    """An open connection: when it closes, for whatever reason, the faults that hang on it end."""

    def __init__(
        self, name: str, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse
    ) -> None:
        self.name, self._connection, self._answer = name, connection, answer
        os.register_at_fork(after_in_child=self.close)  # a forked child must not keep our faults alive

    def close(self) -> None:
        """End all faults that hang on it; safe to repeat."""
        self._answer.close()
        self._connection.close()
