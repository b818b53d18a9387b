"""What operates a service instead of using it: `/live`, `/ready`, `/metrics`, `/freeze` and the documents.

They are not counted, not bounded and have no deadline: one must be able to ask an overloaded process
how it is.
"""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Body, Request
from starlette.types import Scope

from services.shop.problems import Problem

OPERATIONAL = {"/live", "/ready", "/metrics", "/freeze", "/docs", "/openapi.json"}
LOOPBACK = {"127.0.0.1", "::1"}
LONGEST_FREEZE_S = 60


def is_operational(scope: Scope) -> bool:
    """Is this a request to operate the service? Its path counts from where the service is mounted."""
    path: str = scope.get("path", "")
    return path.removeprefix(scope.get("root_path", "")) in OPERATIONAL


freezer = APIRouter(tags=["operations"])


@freezer.post("/freeze", status_code=202)
async def freeze(
    request: Request,
    seconds: Annotated[float, Body(embed=True, gt=0, le=LONGEST_FREEZE_S)],
    afterwards: BackgroundTasks,
) -> dict[str, float]:
    """Answer, then answer nobody for so many seconds, as in a long pause of a garbage collector."""
    if request.client is None or request.client.host not in LOOPBACK:
        raise Problem(403, "not-from-here", "Not from here", "only this machine may freeze the process")
    afterwards.add_task(_hold_the_event_loop, seconds)
    return {"seconds": seconds}


async def _hold_the_event_loop(seconds: float) -> None:
    time.sleep(seconds)  # on purpose: a coroutine that blocks is what a freeze is
