"""An empty lab that builds, and that `prove` refuses until its check can tell naive code from repaired.

layout("7.3", "slow-traces") -> source/m7_observability/03_slow_traces.md, m7_observability/slow_traces.py
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from backlab import course
from backlab.modules import FOLDERS
from services.errors import BacklabError

ID = re.compile(r"^(?P<module>[1-8])\.(?P<number>[1-9]\d?)$")
MODULE_FILE = '"""Lab $id: its arms, witnesses and judges, where they are too long for a cell."""\n'
SOURCE = '''---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
backlab:
  lab: "$id"
  title: What is the question?
  minutes: 40
  servers: []
---

# What is the question?

*Lab $id. Say here which real servers it starts.*

```{code-cell}
:tags: [parameters]
data_seed = 42
```

```{code-cell}
:tags: [setup]
from backlab import check, plot, predict  # not found? choose the course's Python, .venv, as kernel
```

## Your guess

```{code-cell}
:tags: [predict]
prediction = predict(questions=None)
prediction
```

## Exercise

<details><summary>Hint 1: where to look</summary>Where?</details>

<details><summary>Hint 2: which idea</summary>Which?</details>

<details><summary>Hint 3: almost the line</summary>What?</details>

```{code-cell}
:tags: [exercise]
def answer():
    """Naive code that works and is measurably bad."""
    return 42
```

```{code-cell}
:tags: [solution]
def answer():
    """The reference repair."""
    return 42
```

```{code-cell}
:tags: [check]
with check("$id.a", "the answer is right") as verdict:
    verdict.equals(answer(), 42, "the answer", look="at the question")
```
'''


def layout(lab: str, slug: str) -> list[Path]:
    """Write the lab's source and module file; `BacklabError` where a name cannot be or is taken."""
    match, name = ID.match(lab), re.sub(r"[^a-z0-9]+", "_", slug.lower()).strip("_")
    if match is None:
        raise BacklabError(f"{lab!r} is no lab", "write module and number, such as 7.3")
    if not name.isidentifier():
        raise BacklabError(f"{slug!r} makes no file name", "use a few words, such as slow-traces")
    taken = [place for place in course.labs() if place.id == lab]
    if taken:
        raise BacklabError(f"lab {lab} is there already: {taken[0].title}", "choose another number")
    folder = FOLDERS[match["module"]]
    files = {
        course.root() / "source" / folder / f"{int(match['number']):02}_{name}.md": SOURCE,
        course.root() / folder / "__init__.py": "",
        course.root() / folder / f"{name}.py": MODULE_FILE,
    }
    made = []
    for path, text in files.items():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(id=lab), encoding="utf-8")
            made.append(path)
    return made
