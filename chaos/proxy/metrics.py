"""Bytes received and sent by each proxy, in Prometheus' text format under Toxiproxy's names.

    client ── received{upstream} ──▶ proxy ── sent{upstream} ──▶ server
    client ◀── sent{downstream} ── proxy ◀── received{downstream} ── server

The difference of the two is what faults have dropped or hold back. Both grow with each chunk, where Toxiproxy
adds a connection's bytes when it closes; /proxies/{proxy}/counts can be reset, these cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos.proxy.proxies import Proxy

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def text(proxies: Iterable[Proxy]) -> str:
    """All counters."""
    proxies = list(proxies)
    received = [(proxy, proxy.tally.bytes_ever()) for proxy in proxies]
    sent = [(proxy, proxy.sent()) for proxy in proxies]
    return "".join(
        [
            *_counter("toxiproxy_proxy_received_bytes_total", "Bytes read from a socket.", received),
            *_counter("toxiproxy_proxy_sent_bytes_total", "Bytes handed to a socket.", sent),
        ]
    )


def _counter(name: str, meaning: str, values: Iterable[tuple[Proxy, Mapping[str, int]]]) -> Iterable[str]:
    yield f"# HELP {name} {meaning}\n# TYPE {name} counter\n"
    for proxy, by_stream in values:
        for stream, value in by_stream.items():
            labels = {
                "direction": stream,
                "proxy": proxy.name,
                "listener": proxy.listen,
                "upstream": proxy.upstream,
            }
            inside = ",".join(f'{key}="{label.translate(ESCAPED)}"' for key, label in labels.items())
            yield f"{name}{{{inside}}} {value}\n"
