"""A cohort on several machines: Dask hands submissions to its workers, each of which has desks of its own.

works --Client.submit--> scheduler --> worker: cluster_end.grade --> desk --> report as JSON
A worker that dies loses what it was grading to another one. The cluster must be trusted: docs/instructors.md.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from backlab.cohort import cluster_end
from backlab.cohort.work import Tell, Work
from services.errors import BacklabError

REACH_S = 5.0
DEATHS = 3  # of workers under one submission, before it is left alone
TRY_AGAIN = "see that it runs and is reached from here: `dask scheduler`, then `dask worker tcp://...`"


def connect(address: str) -> Any:
    """A client of the scheduler at tcp://host:8786; `BacklabError` where there is none, or no worker."""
    try:
        import distributed
        from distributed.comm.registry import get_backend
    except ImportError:
        raise BacklabError(
            "grading on several machines needs Dask, which is not installed",
            "install it here and on the workers: pip install 'distributed>=2025.7'",
        ) from None
    for name in ("distributed", "distributed.client", "distributed.comm"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what it would say there, we say in a sentence
    try:
        get_backend(address.partition("://")[0])  # a client would try for ever
        client = distributed.Client(address, timeout=REACH_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise BacklabError(
            f"no Dask scheduler answers at {address} ({type(error).__name__})", TRY_AGAIN
        ) from None
    try:
        client.wait_for_workers(1, timeout=REACH_S)
    except TimeoutError:
        client.close()
        raise BacklabError(f"the Dask scheduler at {address} has no worker", TRY_AGAIN) from None
    return client


def on_a_cluster(client: Any, works: Mapping[int, Work], tell: Tell) -> Iterator[tuple[int, str]]:
    """Grade works on the workers of `client`, and yield each number with its report as it comes."""
    from distributed import as_completed

    run = secrets.token_hex(8)
    # names of tasks are seen by whoever looks at the scheduler: they say nothing
    futures = {client.submit(cluster_end.grade, work, run, key=f"backlab-{run}-{number}", pure=False): number
               for number, work in works.items()}  # fmt: skip
    try:
        for future in as_completed(list(futures), loop=client.loop):
            number = futures.pop(future)
            yield number, _report(future, works[number])
            future.release()
            tell(f"{_workers(client)} workers")
    finally:
        with contextlib.suppress(
            Exception
        ):  # whatever has become of the scheduler, desks go home by themselves
            client.cancel(list(futures))
            client.run(cluster_end.close, run)


def _workers(client: Any) -> int:
    """How many there are, which only the scheduler knows."""
    try:
        return len(client.nthreads())
    except OSError:
        raise _gone() from None


def _gone() -> BacklabError:
    return BacklabError("the Dask scheduler has gone", "start it and run the same command again: it goes on")


def _report(future: Any, work: Work) -> str:
    """What a future holds, or the sentence for what became of it."""
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    try:  # its status may change while we look: a finished one is graded again when its worker dies
        return str(future.result())
    except FutureCancelledError:
        raise _gone() from None
    except KilledWorker:
        return work.unclear(f"{DEATHS} workers died under it")
    except Exception as error:
        return work.unclear(f"the worker was stopped by {type(error).__name__}: {str(error)[:100]}")
