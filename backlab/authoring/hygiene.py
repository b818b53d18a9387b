"""What may be stored in a notebook: small outputs, no path of any machine, no error, no leftover bar.

outputs -> drop progress bars, merge streams, mask addresses -> refuse what breaks a limit
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backlab.progress import MIME
from services.errors import BacklabError

TEXT_LINES, FIGURE_BYTES, NOTEBOOK_BYTES = 20, 40_000, 200_000
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
NOTHING = re.compile(r"^INCONCLUSIVE\b", re.MULTILINE)
HOMES = re.compile(r"(?<![\w.])/(?:home|Users)/[\w.-]+|(?<![\w.])/root/|[A-Z]:\\Users\\")


def clean(notebook: Any) -> Any:
    """Tidy the outputs of an executed notebook in place, then refuse what may not be stored."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [_tidy(output) for output in cell.outputs if not _is_bar(output)]
            for output in cell.outputs:
                _refuse(output, f"the output of cell {cell.id}")
    return notebook


def refuse_size(text: str, name: str) -> None:
    """A notebook is at most 200 kB, so that it opens at once and its diff can be read."""
    size = len(text.encode())
    if size > NOTEBOOK_BYTES:
        raise BacklabError(
            f"{name} is {size / 1e3:,.0f} kB, at most 200 allowed", "draw fewer or smaller figures"
        )


def _is_bar(output: Any) -> bool:
    """A progress bar that has done its work."""
    return MIME in output.get("metadata", {})


def _tidy(output: Any) -> Any:
    """No memory addresses and no execution count, which differ at each run."""
    if output.output_type == "execute_result":
        output.execution_count = None
    for texts in (output, output.get("data", {})):
        for key in ("text", "text/plain", "text/html"):
            if isinstance(texts.get(key), str):
                texts[key] = ADDRESS.sub("at 0x...", texts[key])
    return output


def _refuse(output: Any, where: str) -> None:
    """Raise with one sentence when an output breaks a limit of the house."""
    if output.output_type == "error":
        raise BacklabError(f"{where} is the error {output.ename}: {output.evalue}", "repair the cell")
    if output.output_type == "stream" and output.name == "stderr":
        raise BacklabError(
            f"{where} is on stderr: {output.text.strip()[:80]!r}", "silence or repair its cause"
        )
    if output.output_type == "stream" and NOTHING.search(output.text):
        raise BacklabError(
            f"{where} says INCONCLUSIVE, and the prose beside it speaks of a finding",
            "build again when this machine is less busy",
        )
    data = output.get("data", {})
    picture = data.get("image/png")
    if picture and (size := len(base64.b64decode(picture))) > FIGURE_BYTES:
        raise BacklabError(
            f"{where} is a figure of {size / 1e3:.0f} kB, at most 40 allowed", "draw fewer points"
        )
    for text in _texts(output):
        if (lines := len(text.splitlines())) > TEXT_LINES:
            raise BacklabError(
                f"{where} has {lines} lines, at most {TEXT_LINES} allowed", "print less, or a table"
            )
        found = path_in(text)
        if found:
            raise BacklabError(
                f"{where} holds a path of this machine, {found!r}", "print only the file's name"
            )


def path_in(text: str) -> str:
    """The first path of this machine that a text holds, or an empty text."""
    for path in machine_paths():
        if path in text:
            return path
    match = HOMES.search(text)
    return match.group(0) if match else ""


def machine_paths() -> list[str]:
    """Paths that only this machine has: the repository, its environment, the home directory."""
    known = {Path(__file__).resolve().parents[2], Path(sys.prefix), Path.home()}
    return sorted((str(path) for path in known if len(path.parts) > 2), key=len, reverse=True)


def _texts(output: Any) -> Iterable[str]:
    """Every text that a reader sees of an output; a picture's alternative text is one line by nature."""
    if output.output_type == "stream":
        yield output.text
    data = output.get("data", {})
    if "text/plain" in data and "image/png" not in data and "text/html" not in data:
        yield data["text/plain"]
    elif "text/plain" in data:
        yield data["text/plain"].replace("\n", " ")
