"""Run a worker: `python -m services.shop.workers relay`, settings by environment.

It takes CRASH_AT=<step>:<n> and PAUSE_AT too (steps.py), and with --ready-file says when it is ready.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from services.errors import BacklabError
from services.shop.settings import Settings
from services.shop.workers import steps, worker
from services.shop.workers.invoicer import Invoicer
from services.shop.workers.projector import Projector
from services.shop.workers.relay import Relay

WORKERS: dict[str, type[worker.Worker]] = {"relay": Relay, "invoicer": Invoicer, "projector": Projector}


def main() -> None:
    """Work until told to stop; exit code 2 where the settings cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m services.shop.workers", description="Run a worker of the shop."
    )
    parser.add_argument("worker", choices=WORKERS)
    parser.add_argument("--ready-file", type=Path, help="made when it is ready, removed when it ends")
    asked = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    kind = WORKERS[asked.worker]
    if asked.ready_file:
        asked.ready_file.unlink(missing_ok=True)  # a killed predecessor could not remove its own
    try:
        settings = Settings.from_environment()
        if not settings.kafka_bootstrap:
            raise BacklabError("SHOP_KAFKA_BOOTSTRAP is not set", "name the broker that the worker talks to")
        steps.must_be_one_of(kind.STEPS)
        work = kind(settings)
    except BacklabError as why:
        print(why, file=sys.stderr)
        sys.exit(2)
    worker.run(work, asked.ready_file)


if __name__ == "__main__":
    main()
