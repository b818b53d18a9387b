"""Archives of Maven Central that hold a whole program, unpacked once and kept.

zipkin-server-exec.jar ──▶ its jars beside each other, a class path that an ahead-of-time cache can hold
apicurio-registry-all.tar.gz ──▶ the directory that its quarkus-run.jar expects
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from services import cache, maven

NESTED, OWN = "BOOT-INF/lib/", "BOOT-INF/classes/"


def directory(product: str, progress: Callable[[str], None] = lambda _words: None) -> Path:
    """The product's main artifact, unpacked; readable by the user who runs servers."""
    archive = maven.files(product, progress)[0]

    def unpack(draft: Path) -> None:
        draft.chmod(0o755)
        if archive.suffix == ".jar":
            _spring(archive, draft)
        else:
            with tarfile.open(archive) as packed:
                packed.extractall(draft, filter="data")

    return cache.prepared(f"{product}-unpacked-{maven.identity(product)}", unpack, cache.OURS)


def jars(product: str, progress: Callable[[str], None] = lambda _words: None) -> list[Path]:
    """The unpacked class path, the program's own classes first."""
    return sorted(directory(product, progress).glob("*.jar"))


def _spring(archive: Path, draft: Path) -> None:
    """Spring Boot's own layout needs its own class loader, which takes longer and which no cache helps."""
    with zipfile.ZipFile(archive) as packed, zipfile.ZipFile(draft / "0-own.jar", "w") as own:
        for name in packed.namelist():
            if name.startswith(NESTED) and name.endswith(".jar"):
                (draft / name.removeprefix(NESTED)).write_bytes(packed.read(name))
            elif name.startswith(OWN) and not name.endswith("/"):
                own.writestr(name.removeprefix(OWN), packed.read(name))
