"""The lock file, as far as it can be judged without a network; `make lock-check` asks the index as well."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "requirements.lock").read_text()
PINS = re.findall(
    r"^([a-z0-9._-]+)(?:\[[a-z,-]+\])?==(\S+)(?: ; (.*?))? \\\n((?: +--hash=.*\n)+)", TEXT, re.M
)
MACHINES = [
    {"python_version": p, "python_full_version": f"{p}.1", "sys_platform": s, "platform_machine": m}
    for p in ("3.11", "3.12", "3.13")
    for s, m in (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "x86_64"), ("darwin", "arm64"))
]


def environment(machine: dict[str, str]) -> dict[str, str]:
    """What a marker may ask about that machine."""
    system = {"linux": "Linux", "darwin": "Darwin"}[machine["sys_platform"]]
    return {"platform_system": system, "os_name": "posix", "implementation_name": "cpython", **machine}


def installed_on(machine: dict[str, str]) -> list[tuple[str, str]]:
    """Name and version of everything that the lock installs there."""
    env = environment(machine)
    return [
        (name, version) for name, version, marker, _ in PINS if not marker or Marker(marker).evaluate(env)
    ]


def requirements() -> list[Requirement]:
    """What pyproject.toml asks for, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [
        Requirement(text) for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    ]


def test_every_pin_carries_hashes_and_nothing_in_the_lock_is_unpinned() -> None:
    """pip and uv refuse a package that is not the one that was locked."""
    starts = re.findall(r"^[a-z0-9].*$", TEXT, re.M)
    assert len(starts) == len(PINS) > 100
    assert all(
        re.fullmatch(r"sha256:[0-9a-f]{64}", h) for *_, hashes in PINS for h in re.findall(r"=(\S+)", hashes)
    )


def test_the_lock_names_no_registry() -> None:
    """A mirror's address would be wrong on every other machine."""
    assert not re.search(r"https?:|index-url|find-links", TEXT)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: "-".join(m.values()))
def test_each_package_has_one_version_on(machine: dict[str, str]) -> None:
    """A universal lock may hold two versions of a package, but never two for one machine."""
    names = [name for name, _ in installed_on(machine)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: "-".join(m.values()))
def test_the_lock_satisfies_pyproject_on(machine: dict[str, str]) -> None:
    """Whoever edits pyproject.toml and forgets `make lock` hears of it here."""
    pins = dict(installed_on(machine))
    for wish in requirements():
        if wish.marker is None or wish.marker.evaluate(environment(machine)):
            assert wish.specifier.contains(pins[canonicalize_name(wish.name)]), wish


def test_jsonschema_stays_below_the_version_that_makes_kernels_slow() -> None:
    """4.25 and later spend 2.5 s at import, in every kernel."""
    version = {name: version for name, version, *_ in PINS}["jsonschema"]
    assert tuple(map(int, version.split(".")[:2])) < (4, 25)


def test_no_package_takes_the_name_of_one_of_ours() -> None:
    """`datasets` is also a package on the index; installed beside ours it would win or lose by chance."""
    assert not {"datasets", "services", "chaos", "backlab", "labs"} & {name for name, *_ in PINS}
