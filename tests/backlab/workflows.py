"""Runs the steps of the workflows that `backlab release` writes, as GitHub's and GitLab's runners do.

What only their machines can do is done by hand here: checking out, uploading, and the secrets' values.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{\s*secrets\.(\w+)\s*\}\}")
STEP_WITHIN_S = 300
# `sudo sysctl` is for Ubuntu's AppArmor on GitHub's machines; a test leaves the machine's settings alone
LEFT_OUT = ("sudo ",)


@dataclass(frozen=True)
class Step:
    """One `run:`, with its environment; `forgiven` steps may fail."""

    script: str
    env: Mapping[str, str]
    forgiven: bool = False


def github(path: Path, job: str, secrets: Mapping[str, str]) -> Iterator[Step]:
    """The steps of a job with a `run:`; `secrets` take the place of their expressions."""
    for step in yaml.safe_load(path.read_text())["jobs"][job]["steps"]:
        if "run" in step and not step["run"].startswith(LEFT_OUT):
            env = {name: EXPRESSION.sub(lambda found: secrets[found[1]], str(value))
                   for name, value in step.get("env", {}).items()}  # fmt: skip
            yield Step(step["run"], env, step.get("continue-on-error", False))


def gitlab(path: Path, job: str) -> Step:
    """A job's script: one shell for all of its lines, which ends at the first that fails."""
    described: dict[str, Any] = yaml.safe_load(path.read_text())[job]
    return Step("\n".join(described["script"]), {})


def run(step: Step, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """As both runners do: bash, errors end it, so do those inside of a pipe."""
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.script]
    return subprocess.run(shell, cwd=folder, env={**os.environ, **env, **step.env}, capture_output=True,
                          text=True, timeout=STEP_WITHIN_S, check=False)  # fmt: skip
