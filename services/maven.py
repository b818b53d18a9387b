"""Artifacts from Maven Central, pinned by coordinates and SHA-256 and kept per user.

services/jars/kafka.txt ──fetched by jgo──▶ draft ──each file verified──▶ the cache, whole or not at all
                 root's cache, if it has them ──▶
python -m services.maven kafka org.apache.kafka:kafka_2.13:4.4.0 …      writes such a list (for maintainers)

A coordinate is group:artifact:version, then a classifier and a packaging where there are any:
"io.zipkin:zipkin-server:3.6.1:exec", "io.apicurio:apicurio-registry-app:3.3.3:all:tar.gz".
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services import cache
from services.errors import BacklabError
from services.user import server_user

if TYPE_CHECKING:
    from jgo.maven import MavenContext

LISTS = Path(__file__).parent / "jars"
SHELF = "jars"  # of a cache
AT_ONCE = 8  # downloads; each is a connection of its own
ANSWER_S = 20
# A file that was verified carries this time, so a start need not read 43 MB again; a touched one is read.
VERIFIED_S = 1_000_000_000


@dataclass(frozen=True)
class Pinned:
    """One file of a product: what it is called at Maven Central and what it must contain."""

    coordinate: str
    sha256: str

    @property
    def version(self) -> str:
        return self.coordinate.split(":")[2]

    @property
    def file(self) -> str:
        """Its name in the product's directory, as Maven would call it."""
        _, artifact, version, classifier, packaging = _parts(self.coordinate)
        return f"{artifact}-{version}{f'-{classifier}' if classifier else ''}.{packaging}"


def _parts(coordinate: str) -> tuple[str, str, str, str, str]:
    """Group, artifact, version, classifier ("" for none) and packaging."""
    group, artifact, version, *more = coordinate.split(":")
    classifier, packaging = [*more, "", "jar"][:2] if len(more) != 1 else (more[0], "jar")
    return group, artifact, version, classifier, packaging


def pinned(product: str) -> list[Pinned]:
    """The product's list, its main artifact first."""
    lines = (LISTS / f"{product}.txt").read_text().splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    return [Pinned(coordinate, sha256) for sha256, coordinate in pairs]


def version(product: str) -> str:
    """The version of the product's main artifact."""
    return pinned(product)[0].version


def identity(product: str) -> str:
    """Changes whenever any file of the product does."""
    return hashlib.sha256((LISTS / f"{product}.txt").read_bytes()).hexdigest()[:12]


def files(product: str, progress: Callable[[str], None] = lambda _words: None) -> list[Path]:
    """The product's files, the main one first: verified, readable by the user who runs servers.

    Raises `BacklabError` when one is not what the list says, or has to be fetched and cannot be.
    """
    wanted = pinned(product)
    key = f"{product}-{identity(product)}"

    def make(draft: Path) -> None:
        if not _copied(cache.OF_ROOT / SHELF / key, wanted, draft):
            progress(f"downloading {product}, once")
            _fetch_all(wanted, draft)
        draft.chmod(0o755)

    home = cache.prepared(key, make, cache.OURS, shelf=SHELF)
    for one in wanted:
        _verify(one, home)
    if not server_user().can_read(home / wanted[0].file):
        raise BacklabError(
            f"the user who runs servers cannot read {home}",
            "set BACKLAB_CACHE to a directory that every user may enter, such as /var/tmp/backlab",
        )
    return [home / one.file for one in wanted]


def _verify(one: Pinned, home: Path) -> None:
    """Refuse a file that is not the one of the list; the verified one is marked by its time."""
    path = home / one.file
    try:
        if path.stat().st_mtime == VERIFIED_S:
            return
        seen = _sha256(path)
    except OSError as error:
        seen = f"unreadable: {error.strerror}"
    if seen != one.sha256:
        raise BacklabError(
            f"{path} is not the {one.coordinate} that services/jars pins "
            f"(SHA-256 {one.sha256[:12]}…, this one {seen[:40]}…)",
            f"delete {home}, and it is fetched again; if it happens again, do not trust what sends it",
        )
    os.utime(path, (VERIFIED_S, VERIFIED_S))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copied(source: Path, wanted: Sequence[Pinned], draft: Path) -> bool:
    """Copy what is pinned from a cache that everybody may read; False when it is not there as pinned."""
    try:
        for one in wanted:
            shutil.copyfile(source / one.file, draft / one.file)
            _seal(one, draft)
    except (OSError, BacklabError):
        return False
    return True


def _seal(one: Pinned, home: Path) -> None:
    """Verify a file that has just come, and let nobody write into it."""
    (home / one.file).chmod(0o444)
    _verify(one, home)


def _fetch_all(wanted: Iterable[Pinned], draft: Path) -> None:
    context = _central(draft / "repository")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for one, path in zip(wanted, pool.map(partial(_fetch, context), wanted), strict=True):
            path.replace(draft / one.file)
            _seal(one, draft)
    cache.remove(draft / "repository")


def _central(keep: Path) -> MavenContext:
    """Maven Central as jgo knows it, with what it fetches kept in `keep`."""
    from jgo.maven import MavenContext  # takes 0.2 s

    return MavenContext(repo_cache=keep, timeout=ANSWER_S)


def _fetch(context: MavenContext, one: Pinned) -> Path:
    group, artifact, version, classifier, packaging = _parts(one.coordinate)
    wanted = context.project(group, artifact).at_version(version).artifact(classifier, packaging)
    return _told(one.coordinate, wanted.resolve)


def _told(what: str, fetch: Callable[[], Any]) -> Any:
    """Turn what jgo raises into one sentence."""
    from requests import RequestException

    try:
        return fetch()
    except (RequestException, RuntimeError) as error:
        unreachable = isinstance(error, RequestException)
        how = f"Maven Central could not be reached ({type(error).__name__})" if unreachable else str(error)
        raise BacklabError(
            f"{what} could not be fetched: {how.split(' in remote')[0]}",
            "connect this machine to the network for this first start; what was fetched once is kept",
        ) from error


def pin(product: str, coordinates: Iterable[str]) -> Path:
    """Write the product's list: the named artifacts, and what those without a classifier need to run."""
    room = cache.scratch("maven", cache.OURS, need_bytes=256 << 20)
    try:
        context = _central(room)
        found = [name for coordinate in coordinates for name in _with_needs(context, coordinate)]
        lines = [f"{_sha256(_fetch(context, Pinned(name, '')))}  {name}" for name in dict.fromkeys(found)]
    finally:
        cache.remove(room)
    command = f"python -m services.maven {product} {' '.join(coordinates)}"
    target = LISTS / f"{product}.txt"
    target.write_text("\n".join([f"# made by: {command}", *lines]) + "\n")
    return target


def _with_needs(context: MavenContext, coordinate: str) -> list[str]:
    """The artifact and its run-time dependencies; a file with a classifier brings its own along."""
    if _parts(coordinate)[3]:
        return [coordinate]
    main = context.create_dependency(coordinate)
    _, needs = _told(coordinate, lambda: context.resolver.resolve([main]))
    run_time = [each for each in needs if each.scope in ("compile", "runtime") and not each.optional]
    return [coordinate, *(f"{each.groupId}:{each.artifactId}:{each.version}" for each in run_time)]


if __name__ == "__main__":
    print(pin(sys.argv[1], sys.argv[2:]))
