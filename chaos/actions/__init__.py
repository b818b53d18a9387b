"""What an experiment may do: actions in Chaos Toolkit's sense, all as `module: chaos.actions`.

    stage.py     lift_faults, watch
    wire.py      add_fault, add_latency, limit_bandwidth, cut, reset_connections, swallow_answer
    servers.py   kill_server, pause_server, start_server, resume_server, restart_server, empty_cache,
                 crash_worker_at, pause_worker_at, poison_worker
    postgres.py  hold_lock, terminate_backends
    machine.py   fill_disk, limit_files, skew_clock

Whatever they break is mended by `lift_faults`, at the end of the experiment, or when its process dies.
"""

from chaos.actions.machine import fill_disk, limit_files, skew_clock
from chaos.actions.postgres import hold_lock, terminate_backends
from chaos.actions.servers import (
    crash_worker_at,
    empty_cache,
    kill_server,
    pause_server,
    pause_worker_at,
    poison_worker,
    restart_server,
    resume_server,
    start_server,
)
from chaos.actions.stage import lift_faults, watch
from chaos.actions.wire import (
    add_fault,
    add_latency,
    cut,
    limit_bandwidth,
    reset_connections,
    swallow_answer,
)

__all__ = [
    "add_fault",
    "add_latency",
    "crash_worker_at",
    "cut",
    "empty_cache",
    "fill_disk",
    "hold_lock",
    "kill_server",
    "lift_faults",
    "limit_bandwidth",
    "limit_files",
    "pause_server",
    "pause_worker_at",
    "poison_worker",
    "reset_connections",
    "restart_server",
    "resume_server",
    "skew_clock",
    "start_server",
    "swallow_answer",
    "terminate_backends",
    "watch",
]
