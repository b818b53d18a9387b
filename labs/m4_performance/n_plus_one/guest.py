"""Lab 4.2 inside the sandbox: how the judge's calls reach the learner's code; only plain JSON goes back."""

from __future__ import annotations

import importlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.orm import Session


def names(shared: dict[str, Any]) -> dict[str, Any]:
    """What the exercise cells find besides the lab's imports: the engine, connected once already."""
    engine = create_engine(shared["page_url"], isolation_level="AUTOCOMMIT")
    engine.connect().close()  # the first connection asks questions of its own
    return {"engine": engine, "repair_url": shared["repair_url"]}


def order_page(names: dict[str, Any], size: int, before_id: int | None) -> list[dict[str, Any]]:
    """The page in a new session."""
    with Session(names["engine"]) as session:
        return [asdict(order) for order in names["order_page"](session, size, before_id)]


def detect(names: dict[str, Any], module: str, source: str, snippet: str, n: int) -> list[list[Any]]:
    """What the detector says about a snippet that the judge has just written."""
    if module not in sys.modules:
        Path(f"{module}.py").write_text(source, encoding="utf-8")
        sys.path.insert(0, str(Path.cwd()))
    visited = getattr(importlib.import_module(module), snippet)
    engine = names["engine"]
    with Session(engine) as session, names["NPlusOneDetector"](engine) as watch:
        visited(session, n)
    return [[finding.line, finding.count] for finding in watch.findings]


def repair(names: dict[str, Any]) -> None:
    """The learner's repair in a transaction of its own."""
    engine = create_engine(names["repair_url"])
    with engine.begin() as connection:
        names["repair_statistics"](connection)
    engine.dispose()


CALLS = {"order_page": order_page, "detect": detect, "repair": repair}
