"""What an experiment may ask: probes in Chaos Toolkit's sense, all as `module: chaos.probes`.

Annotations stay real types here: `chaos discover` reads them.
"""

from chaos.probes.queues import consumer_lag, queue_length, time_lag
from chaos.probes.servers import http_status, server_running, sql_value
from chaos.probes.wire import loads_at_once, statements, success_rate

__all__ = [
    "consumer_lag",
    "http_status",
    "loads_at_once",
    "queue_length",
    "server_running",
    "sql_value",
    "statements",
    "success_rate",
    "time_lag",
]
