"""The notebook through nbval, in a sandbox with servers of its own, under hidden parameters.

set-up + hidden parameters + exercises + checks, outputs as promised -> nbval -> which checks are green
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from backlab.authoring import notebook
from backlab.authoring.source import SET_UP, Lab
from backlab.sandbox.limits import Limits, Watch
from backlab.sandbox.nursery import Nursery
from backlab.sandbox.sandbox import Sandbox

ERROR = re.compile(r"\b\w*(Error|Exception)\b")
SLACK_S = 3.0  # for nbval's own interrupt before we end all of it
SET_UP_TIMES = 3  # how many times longer the lab's own cells may take: a busy machine starts servers slowly
LINE_BYTES = 1 << 20
WITH_SERVERS = {
    "memory_bytes": 0,
    "together_bytes": 3 << 30,
    "processes": 256,
    "file_bytes": 1 << 30,
    "files": 4096,
}


def assemble(lab: Lab, exercises: Mapping[int, str], hidden: Mapping[str, Any]) -> Any:
    """The pristine notebook with the learner's exercises, hidden parameters and the promised lines."""
    import nbformat

    made = notebook.minimal(lab, exercises)
    promises = {check.source: f"PASS {check.check_id} {check.check_text}\n" for check in lab.checks}
    for cell in made.cells:
        if notebook.role_of(cell) == "check":
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=promises[cell.source])]
            cell.execution_count = 1  # nbval passes over what was never run
    values = "".join(f"{name} = {value!r}\n" for name, value in hidden.items())
    injected = nbformat.v4.new_code_cell(values, id="hidden-parameters")
    after = [i for i, cell in enumerate(made.cells) if notebook.role_of(cell) == "parameters"]
    made.cells.insert(after[-1] + 1 if after else 0, injected)
    return made


def nbval_verdicts(
    lab: Lab, exercises: Mapping[int, str], hidden: Mapping[str, Any], nursery: Nursery, limits: Limits
) -> tuple[dict[str, tuple[str, str]], float]:
    """PASS, FAIL or INCONCLUSIVE and the reason by check; and the seconds that the cells themselves took."""
    made = assemble(lab, exercises, hidden)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    seen = Seen(code)
    with Sandbox(nursery, replace(limits, **WITH_SERVERS), [], servers=True) as sandbox:
        watch, line = Watch(sandbox), sandbox.start("nbval")
        try:
            patience_s = [limits.seconds * (SET_UP_TIMES if _set_up(cell) else 1) for cell in code]
            _send(line, lab, made, patience_s)
            for row in _rows(line, lambda: seen.of_now(patience_s) + SLACK_S):
                seen.note(row)
        except TimeoutError:
            longest = f"{seen.of_now(patience_s):g} s"
            seen.ended = f"a cell ran longer than {longest} and was ended; it begins {seen.begin()}"
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            seen.ended = f"it ended early ({type(error).__name__})"
        finally:
            watch.stop()
            line.close()
    seen.ended = watch.said or seen.ended
    ids = {cell.source: cell.check_id for cell in lab.checks}
    place = {ids[cell.source]: n for n, cell in enumerate(code) if notebook.role_of(cell) == "check"}
    return {id: seen.verdict(n, id) for id, n in place.items()}, seen.cells_s


class Seen:
    """What nbval has told so far about the code cells."""

    def __init__(self, code: list[Any]) -> None:
        self.code, self.now, self.ended = code, -1, ""
        self.cells_s = 0.0  # as the sandbox says; for information only
        self.passed: set[int] = set()
        self.said: dict[int, str] = {}
        self.reasons: dict[str, str] = {}

    def note(self, row: Mapping[str, Any]) -> None:
        """Take a row; what is not as it should be raises."""
        if "cell" in row:
            number = int(row["cell"])
            self.cells_s += float(row["took_s"])
            if row["outcome"] == "passed":
                self.passed.add(number)
            else:
                self.said[number] = str(row["said"])
        elif "begin" in row:
            self.now = int(row["begin"])
        elif "died" in row:
            self.now = int(row["died"])
            self.ended = f"the kernel died in the cell that begins {self.begin()}"
        elif "rows" in row:
            self.reasons = {str(each["id"]): str(each["reason"])[:300] for each in row["rows"]}

    def verdict(self, number: int, id: str) -> tuple[str, str]:
        """Of one check: the cell's number and the check's id."""
        if number in self.passed and number not in self.said:
            return "PASS", ""
        if self.ended and self._before_the_learner():
            return "INCONCLUSIVE", f"the lab's own set-up did not get through here: {self.ended}"
        if self.ended:
            return "FAIL", self.ended
        for each, cell in enumerate(self.code):
            if _set_up(cell) and each in self.said and each < number:
                return "INCONCLUSIVE", f"a set-up cell of the lab did not run here: {_why(self.said[each])}"
        reason = self.reasons.get(id) or "the check's cell printed no PASS line"
        return "FAIL", reason + self._exercise_before(number)

    def of_now(self, by_cell: list[float]) -> float:
        """What belongs to the running cell, whose number the guest has told and may have made up."""
        return by_cell[min(max(self.now, 0), len(by_cell) - 1)]

    def _before_the_learner(self) -> bool:
        """Whether it all ended in the lab's own cells, before anything of the learner's ran."""
        return all(_set_up(cell) for cell in self.code[: self.now + 1])

    def _exercise_before(self, number: int) -> str:
        """An exercise cell that did not end well, quoted; that may be why."""
        for each in range(number):
            if each in self.said and notebook.role_of(self.code[each]) == "exercise":
                how = "ran too long" if "imeout" in self.said[each] else "raised"
                self.now = each
                return f"; the exercise cell that begins {self.begin()} {how}"
        return ""

    def begin(self) -> str:
        """The first line of the running cell, for whoever has to find it."""
        inside = 0 <= self.now < len(self.code)
        lines = self.code[self.now].source.strip().splitlines() if inside else []
        return repr(lines[0][:60]) if lines else "empty"


def _set_up(cell: Any) -> bool:
    return notebook.role_of(cell) in SET_UP


def _send(line: socket.socket, lab: Lab, made: Any, patience_s: list[float]) -> None:
    request = {
        "notebook": notebook.to_text(made), "patience_s": patience_s,
        "environment": {"BACKLAB_LAB": lab.place.id},
    }  # fmt: skip
    line.sendall(json.dumps(request).encode() + b"\n")


def _rows(line: socket.socket, patience_s: Callable[[], float]) -> Iterator[dict[str, Any]]:
    """What nbval tells, row by row, until it has said all; a silence of `patience_s` raises TimeoutError."""
    rest = b""
    until = time.monotonic() + patience_s()
    while True:
        line.settimeout(max(0.01, until - time.monotonic()))
        piece = line.recv(1 << 16)
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LINE_BYTES:
            raise ValueError("a line without an end")
        for text in lines:
            yield json.loads(text)
            until = time.monotonic() + patience_s()  # of the cell that this row may have begun


def _why(said: str) -> str:
    """The line of a failed cell's output that names the error; a server's log may follow it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["nothing was said"]
    errors = [line for line in lines if ERROR.search(line)]
    return (errors or lines)[-1][:300]
