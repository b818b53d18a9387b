"""The six snippets as a module that nobody has seen: other names, other lines, another order, no marks."""

from __future__ import annotations

import inspect
import re

from backlab.grading.hidden import Draw
from labs.m4_performance.n_plus_one import snippets

Guilty = list[tuple[int, str]]  # line number, and what its count is


def renamed(draw: Draw) -> tuple[str, str, list[tuple[str, Guilty]]]:
    """The module's name, its source, and its functions with their guilty lines."""
    chance = draw.stream("snippets")
    module = f"shop_{draw.word('module')}"
    head = inspect.getsource(snippets).partition("SQLALCHEMY =")[0].partition('"""')[2].partition('"""')[2]
    lines, made = head.splitlines(), []
    for number, snippet in enumerate(chance.sample(snippets.SNIPPETS, len(snippets.SNIPPETS))):
        name = f"visit_{draw.word(f'snippet {number}')}"
        lines += [""] * chance.randint(2, 9)
        body = re.sub(r'^    """.*"""\n', "", inspect.getsource(snippet), flags=re.M)
        body = body.replace(snippet.__name__, name)
        guilty = []
        for line in body.splitlines():
            mark = re.search(r"\s*# guilty: (\w+)", line)
            lines.append(line if mark is None else line[: mark.start()])
            if mark is not None:
                guilty.append((len(lines), mark[1]))
        made.append((name, guilty))
    return module, "\n".join(lines) + "\n", made
