"""A guest: executes the exercise cells and answers calls from the judge; only JSON passes.

<- {"imports": [...], "exercises": [...], "module": "...", "shared": {...}}  -> {"ready": true}
<- {"call": "order_page", "with": {...}}                            -> {"value": ...} | {"error": "..."}
Nothing here is trusted: a learner's code may change all of it, and gains only the right to answer for itself.
"""

from __future__ import annotations

import importlib
import json
import linecache
import socket
import traceback
from typing import Any

CELL = "/tmp/ipykernel_1/{}.py"  # the kind of file name that IPython gives to cells


def main(line: socket.socket) -> None:
    """Answer until the judge hangs up."""
    lines = line.makefile("rwb")
    names: dict[str, Any] = {"__name__": "__main__"}
    calls: dict[str, Any] = {}
    for text in lines:
        request = json.loads(text)
        try:
            if "call" in request:
                answer = {"value": calls[request["call"]](names, **request["with"])}
            else:
                calls = _set_up(request, names)
                answer = {"ready": True}
            reply = json.dumps(answer)
        except BaseException as error:
            reply = json.dumps({"error": _said(error)})
        lines.write(reply.encode() + b"\n")
        lines.flush()


def _set_up(request: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Imports of the lab, names that its guest file gives, then the exercise cells in their order."""
    for source in request["imports"]:
        exec(compile(source, "<imports>", "exec"), names)
    module = importlib.import_module(request["module"])
    names.update(module.names(request["shared"]))
    for number, source in enumerate(request["exercises"], 1):
        file = CELL.format(number)
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        exec(compile(source, file, "exec"), names)
    return dict(module.CALLS)


def _said(error: BaseException) -> str:
    """An exception in one line, with the line of the exercise that it came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "ipykernel" in frame.filename]
    message = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {message[0]}" if message else type(error).__name__
    return said[:200] + (f"; look at line {frames[-1].lineno} of the exercise" if frames else "")
