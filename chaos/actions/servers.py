"""Actions on servers and workers: kill, freeze, start again, arm a worker to crash or freeze at a step.

Annotations stay real types here: `chaos discover` reads them.
"""

from chaos import theatre
from chaos.outages.downtime import Killed, Paused
from chaos.outages.restarts import CrashAt, PauseAt
from services.errors import BacklabError
from services.shop.worker_server import Worker


def kill_server(server: str) -> None:
    """End every process of a server at once, as a power cut does, until `start_server`; its disk is kept."""
    stage = theatre.current().stage
    outage = Killed(stage.server(server), stage.wires_to(server))
    theatre.current().open_fault(f"{server} killed", {server: outage})


def pause_server(server: str) -> None:
    """Freeze a server: it keeps its connections and answers nobody until `resume_server`."""
    stage = theatre.current().stage
    outage = Paused(stage.server(server), stage.wires_to(server))
    theatre.current().open_fault(f"{server} paused", {server: outage})


def start_server(server: str) -> None:
    """Bring a killed server or a crashed worker back, with its data, on its port; safe to repeat."""
    theatre.lift(lambda where, fault: where == server and isinstance(fault, Killed | CrashAt))


def resume_server(server: str) -> None:
    """Let a paused server or worker go on; safe to repeat."""
    theatre.lift(lambda where, fault: where == server and isinstance(fault, Paused | PauseAt))


def empty_cache(server: str = "redis") -> None:
    """Throw away every key of a Redis at once, as somebody does who wants to be sure (FLUSHALL)."""
    import redis  # loaded with the stage's Redis; experiments without one never need it

    performance = theatre.current()
    with redis.Redis.from_url(performance.stage.server(server).url, socket_timeout=5, retry=None) as client:
        keys = int(client.dbsize())
        client.flushall()
    performance.note(f"{server} emptied", server, keys, "keys")


def restart_server(server: str) -> None:
    """Stop a server politely and start it again: its connections end, its data stays."""
    performance = theatre.current()
    performance.stage.server(server).restart()
    performance.note(f"{server} restarted", server, 1, "server restarted")


def poison_worker(worker: str, topic: str = "orders") -> None:
    """Send a worker an order that no database can hold: it dies of it until `lift_faults` steps over it."""
    from chaos.outages.poison import Poisoned  # and Kafka's client, which other experiments do not need
    from chaos.projection import placed

    server = theatre.current().stage.server(worker)
    outage = Poisoned(server, topic, placed(1, total_cents=10**30))
    theatre.current().open_fault(f"{worker} poisoned", {worker: outage})


def crash_worker_at(worker: str, step: str, nth: int = 1, wait_s: float = 0) -> None:
    """Restart a worker so that it dies, as by SIGKILL, when it comes to `step` for the `nth` time.

    The worker reads `CRASH_AT=<step>:<nth>`. With `wait_s`, wait until it has crashed; not crashing fails.
    """
    outage = CrashAt(_worker(worker), step, int(nth))
    theatre.current().open_fault(f"{worker} crashes at {step}", {worker: outage})
    _must_come(outage, worker, float(wait_s))


def pause_worker_at(worker: str, step: str, nth: int = 1, wait_s: float = 0) -> None:
    """Restart a worker so that it freezes, as by SIGSTOP, when it comes to `step` for the `nth` time.

    The worker reads `PAUSE_AT=<step>:<nth>`; `resume_server` lets it go on. With `wait_s`, wait until it has
    frozen; not freezing fails.
    """
    outage = PauseAt(_worker(worker), step, int(nth))
    theatre.current().open_fault(f"{worker} freezes at {step}", {worker: outage})
    _must_come(outage, worker, float(wait_s))


def _worker(name: str) -> Worker:
    worker = theatre.current().stage.server(name)
    if not isinstance(worker, Worker):
        raise BacklabError(f"{name} is a server and has no steps", "name one of the experiment's `workers`")
    return worker


def _must_come(outage: CrashAt | PauseAt, worker: str, wait_s: float) -> None:
    if wait_s and not outage.wait(wait_s):
        raise BacklabError(
            f"{worker} has not come to step {outage.step!r} for the {outage.nth}. time within {wait_s:g} s",
            "give it work to do, or another step",
        )
