"""The recorder: plays a scene on a Kafka of its own and keeps it as a file of datasets/recordings.

python -m services.shop.lag.record six --seconds 18 --out datasets/recordings/lag_six.json
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

from services.kafka import Kafka
from services.kafka_topics import Topics
from services.shop.lag import peculiar
from services.shop.lag.age import Row
from services.shop.lag.cases import CASES, some
from services.shop.lag.logs import came_ms
from services.shop.lag.scene import Case, Scene

FIELDS = ("start", "position", "next", "end")


def by_sample(rows: list[Row], partitions: int) -> list[list[Any]]:
    """[t_s, [[start, position, next, end] per partition]] for each sample."""
    found = []
    for at in range(0, len(rows), partitions):
        places = [[row[name] for name in FIELDS] for row in rows[at : at + partitions]]
        found.append([rows[at]["t_s"], places])
    return found


def played(bootstrap: str, cases: list[Case], seconds: float) -> dict[str, dict[str, Any]]:
    """Play the cases and return a recording's groups."""
    with Scene(bootstrap, cases) as scene:
        scene.wait(seconds)
        rows = scene.rows()
        topics = Topics(bootstrap)
        return {
            case.name: {
                "case": asdict(case),
                "samples": by_sample(rows[case.name], case.partitions),
                "came_ms": came_ms(topics, scene.named(case.name), scene.began_unix_s),
            }
            for case in cases
        }


def main() -> None:
    """Record one scene."""
    parser = argparse.ArgumentParser(
        prog="python -m services.shop.lag.record", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("scene", choices=["six", "peculiar", "seeded"])
    parser.add_argument("--seconds", type=float, default=18)
    parser.add_argument("--seed", type=int, default=1, help="of the scene `seeded`: rates, partitions, times")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    with Kafka() as kafka:
        if asked.scene == "peculiar":
            groups = peculiar.played(kafka.bootstrap, asked.seconds)
        else:
            cases = CASES if asked.scene == "six" else some(random.Random(asked.seed))
            groups = played(kafka.bootstrap, list(cases), asked.seconds)
        made = {"with": f"Kafka {kafka.version}, {kafka.backend}", "scene": asked.scene, "seed": asked.seed}
    made |= {"seconds": asked.seconds}
    asked.out.write_text(json.dumps({"made": made, "groups": groups}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
