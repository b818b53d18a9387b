"""Which labs there are: everything is derived from the names of the source files.

labs/source/m4_performance/02_n_plus_one.md          the one source of lab 4.2
  -> labs/m4_performance/02_n_plus_one.ipynb         what a learner opens
  -> labs/solved/m4_performance/02_n_plus_one.ipynb  what our CI runs
labs/fresh/m4_performance/02_n_plus_one.ipynb        in a learner's repository, instead of source and solved
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.errors import BacklabError
from services.kinds import KINDS

SOURCE_NAME = re.compile(r"^m(?P<module>\d)_\w+/(?P<number>\d\d)_\w+\.md$")
CHECK_CALL = re.compile(r"""check\(\s*["'](?P<id>[^"']+)["']\s*,\s*["'](?P<text>[^"']+)["']""")
MINUTES = re.compile(r"^ +minutes: (?P<front>\d+)$|\babout (?P<prose>\d+) minutes\b", re.M)


@dataclass(frozen=True)
class Place:
    """Where one lab lives. `id` is "4.2"; all paths are absolute."""

    id: str
    source: Path
    learner: Path
    solved: Path

    @property
    def title(self) -> str:
        """The first heading: the lab's question."""
        lines = self.text.splitlines()
        return next((line[2:].strip() for line in lines if line.startswith("# ")), self.source.stem)

    @property
    def text(self) -> str:
        """The source; in a learner's repository, which has none, the cells of the fresh notebook."""
        if self.source.exists():
            return self.source.read_text(encoding="utf-8")
        cells = json.loads(self.fresh.read_text(encoding="utf-8"))["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells)

    @property
    def fresh(self) -> Path:
        """The notebook as the course gives it out, which no learner works in (learner's repository only)."""
        return root() / "fresh" / self.learner.relative_to(root())

    @property
    def remedy(self) -> str:
        """The command that brings the notebook back; one that was never built has to be built first."""
        given = self.fresh.exists() or self.solved.exists()
        return f"backlab {'update' if given else 'build'} {self.id}"

    @property
    def minutes(self) -> int | None:
        """How long a learner needs, as the lab's first lines say."""
        found = MINUTES.search(self.text)
        return int(found["front"] or found["prose"]) if found else None

    @property
    def checks(self) -> dict[str, str]:
        """The ids of its checks in order, each with what it promises."""
        return dict(CHECK_CALL.findall(self.text))

    @property
    def servers(self) -> list[str]:
        """The kinds of server that the lab brings up, as its source names them."""
        calls = re.findall(r"\b(?:up|bench)\(([^)]*)\)", self.text)
        named = {name for call in calls for name in re.findall(r"[\"'](\w+)[\"']", call)}
        return [kind for kind in KINDS if kind in named]

    @property
    def relative(self) -> str:
        """The learner's notebook as people type it, from the root of the repository."""
        return self.learner.relative_to(root().parent).as_posix()


def root() -> Path:
    """The folder `labs/`; BACKLAB_LABS names another one (tests do)."""
    named = os.environ.get("BACKLAB_LABS")
    return Path(named).resolve() if named else Path(__file__).resolve().parent.parent / "labs"


def out(lab: str) -> Path:
    """Where `backlab run` writes a lab's pictures: out/4.2 beside labs/."""
    return root().parent / "out" / lab


def labs() -> list[Place]:
    """Every lab with a source, in order."""
    found = []
    sources = (
        sorted((root() / "source").glob("*/*.md")) if (root() / "source").exists() else sorted(_released())
    )
    for source in sources:
        inside = source.relative_to(root() / "source")
        match = SOURCE_NAME.match(inside.as_posix())
        if match:
            notebook = inside.with_suffix(".ipynb")
            lab = f"{match['module']}.{int(match['number'])}"
            found.append(Place(lab, source, root() / notebook, root() / "solved" / notebook))
    return found


def _released() -> list[Path]:
    """Where the sources would be in a learner's repository, which has notebooks only."""
    fresh = root() / "fresh"
    return [
        root() / "source" / path.relative_to(fresh).with_suffix(".md") for path in fresh.glob("m*/*.ipynb")
    ]


def chosen(wanted: Sequence[str] = (), module: int | None = None, every: bool = False) -> list[Place]:
    """The labs that somebody named, those of a module, or all; raises `BacklabError` where that is none."""
    if wanted:
        return [lab(name) for name in wanted]
    found = [place for place in labs() if every or place.id.startswith(f"{module}.")]
    if not found:
        what = f"module {module} has no lab yet" if module else "no lab is named"
        raise BacklabError(what, f"name one of {', '.join(place.id for place in labs())}, or say --all")
    return found


def lab(wanted: str) -> Place:
    """The lab with this id; `4.2`, `4_2`, a notebook's path and `n_plus_one` all name lab 4.2."""
    every = labs()
    stem = Path(wanted).stem
    for place in every:
        names = {place.id, place.id.replace(".", "_"), place.source.stem, place.source.stem[3:]}
        if wanted in names or (stem in names and wanted.endswith((".ipynb", ".md"))):
            return place
    near = [p.id for p in every if p.id[0] == wanted[:1]] or [p.id for p in every]
    known = f"near it are {', '.join(near)}" if near else "no lab has a source yet"
    raise BacklabError(f"there is no lab {wanted!r}", f"{known}; `backlab labs` lists all")
