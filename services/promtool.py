"""promtool, of the same programs as Prometheus: `promtool("test", "rules", "tests.yml", files={...})`.

files ──▶ a directory of their own ──▶ promtool as a process, or in a container of the image ──▶ Result
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from services import backends, binaries, warden
from services.prometheus import PROGRAMS, Prometheus

WITHIN_S = 60
INSIDE = "/tmp"  # of its container


@dataclass(frozen=True)
class Result:
    """`ok` when promtool ends with 0; `said` is all that it wrote, such as why a test of a rule fails."""

    ok: bool
    said: str


def promtool(
    *arguments: str | Path, files: Mapping[str, str] | None = None, backend: str | None = None
) -> Result:
    """Run it where `files` lie, text by name; a `Path` is such a file too, with the YAML files beside it."""
    known = dict(files or {})
    for path in (argument for argument in arguments if isinstance(argument, Path)):
        known |= {near.name: near.read_text() for near in (*path.parent.glob("*.y*ml"), path)}
    words = [argument.name if isinstance(argument, Path) else argument for argument in arguments]
    native = backends.choose(backend, Prometheus.image) == "native"
    return _process(words, known) if native else _container(words, known)


def _process(words: list[str], files: Mapping[str, str]) -> Result:
    program = binaries.directory(PROGRAMS) / "promtool"
    with TemporaryDirectory(prefix="backlab-promtool-") as place:
        for name, text in files.items():
            (Path(place) / name).write_text(text)
        done = subprocess.run(
            [str(program), *words], cwd=place, capture_output=True, text=True, timeout=WITHIN_S
        )
    return Result(done.returncode == 0, done.stdout + done.stderr)


def _container(words: list[str], files: Mapping[str, str]) -> Result:
    from testcontainers.core.container import DockerContainer  # takes 0.3 s

    from services.container import told
    from services.engine import Engine

    engine = Engine.connect()
    engine.ensure(Prometheus.image, lambda _words: None)
    registered = [engine.address, f"backlab-promtool-{secrets.token_hex(4)}"]
    made = DockerContainer(
        Prometheus.image,
        name=registered[1],
        entrypoint="/bin/promtool",
        working_dir=INSIDE,
        network_mode="none",
    ).with_command(words)
    for name, text in files.items():
        made.with_copy_into_container(text.encode(), f"{INSIDE}/{name}")
    warden.register("container", registered)
    try:
        with told(registered[1]):
            made.start()
            handle = made.get_wrapped_container()
            code = handle.wait(timeout=WITHIN_S)["StatusCode"]
            return Result(code == 0, handle.logs().decode(errors="replace"))
    finally:
        made.stop()
        warden.release("container", registered)
