"""Build the images that a registry would have had: `build(names)` and `list_images()`.

debootstrap ──docker import──▶ backlab/base:trixie         (once, half a minute)
base + what a recipe names (recipes.py) ──docker build──▶ postgres:18, redis:8, rabbitmq:4-management, …
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services import cache
from services.cache import OURS
from services.engine import Engine
from services.errors import BacklabError, ServerError
from services.images import debian
from services.images.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    import docker  # type: ignore[import-untyped]  # docker ships no types

BASE = f"backlab/base:{debian.SUITE}"
BUILD_S = 600.0
LABEL = "org.backlab.recipe"
CLASSIC: dict[str, Any] = {"rm": True, "forcerm": True, "decode": True}


@dataclass(frozen=True)
class ImageState:
    """What `list_images` says of one image; `size_bytes` is 0 when the engine does not have it."""

    name: str
    tag: str
    present: bool
    ours: bool
    size_bytes: int


def list_images() -> list[ImageState]:
    """Every image that backlab can build, and whether the engine has it; `BacklabError` without an engine."""
    engine = Engine.connect()
    return [_state(engine, recipe) for recipe in RECIPES.values()]


def _state(engine: Engine, recipe: Recipe) -> ImageState:
    found = engine.image(recipe.tag)
    if found is None:
        return ImageState(recipe.folder, recipe.tag, False, False, 0)
    return ImageState(recipe.folder, recipe.tag, True, _built_from(found) is not None, int(found["Size"]))


def _built_from(image: dict[str, Any]) -> str | None:
    """The stamp of the recipe that an image of ours was built from; None for anybody else's image."""
    labels: dict[str, str] = image["Config"].get("Labels") or {}
    return labels.get(LABEL)


def build(names: Sequence[str] | None = None, progress: Callable[[str], None] = print) -> list[str]:
    """Build the named images (default: all), skipping those that are up to date; the answer is their tags.

    `progress` gets a line per step. Raises `BacklabError` for an unknown name, without an engine, or when a
    build fails or takes longer than 600 s.
    """
    unknown = sorted(set(names or ()) - set(RECIPES))
    if unknown:
        what = f"there is no image called {', '.join(unknown)}"
        raise BacklabError(what, f"choose from {', '.join(RECIPES)}")
    engine = Engine.connect()
    chosen = [RECIPES[name] for name in names or RECIPES]
    if engine.image(BASE) is None:
        _import_base(progress)
    return [_build(engine, recipe, progress) for recipe in chosen]


def _import_base(progress: Callable[[str], None]) -> None:
    started = time.monotonic()
    room = cache.scratch("base-image", OURS, need_bytes=1 << 30, on_disk=True)
    try:
        archive = debian.bootstrap(room, progress)
        progress(f"{BASE}: importing {archive.stat().st_size >> 20} MB")
        repository, _, tag = BASE.partition(":")
        _client().api.import_image_from_file(str(archive), repository=repository, tag=tag)
    finally:
        cache.remove(room)
    progress(f"{BASE}: ready after {time.monotonic() - started:.0f} s")


def _build(engine: Engine, recipe: Recipe, progress: Callable[[str], None]) -> str:
    stamp = recipe.stamp()
    found = engine.image(recipe.tag)
    if found is not None and _built_from(found) in (None, stamp):
        progress(f"{recipe.tag}: {'up to date' if _built_from(found) else 'not built here, left alone'}")
        return recipe.tag
    started = time.monotonic()
    room = cache.scratch(f"{Path(recipe.folder).name}-image", OURS, need_bytes=128 << 20)
    try:
        recipe.fill(room)
        progress(f"{recipe.tag}: building from {BASE} and {recipe.sources()}")
        _run_build(recipe, room, stamp, progress)
    finally:
        cache.remove(room)
    progress(f"{recipe.tag}: ready after {time.monotonic() - started:.0f} s")
    return recipe.tag


def _client() -> docker.DockerClient:
    import docker  # takes 0.2 s

    return docker.DockerClient(base_url=Engine.connect().address, timeout=int(BUILD_S))


def _run_build(recipe: Recipe, room: Path, stamp: str, progress: Callable[[str], None]) -> None:
    """The classic builder, networked for Debian packages only; raises `ServerError` with its last words."""
    from docker.errors import DockerException  # type: ignore[import-untyped]

    said: list[str] = []
    deadline = time.monotonic() + BUILD_S
    try:
        more = {"network_mode": "host" if recipe.suite else "none", "labels": {LABEL: stamp}, **CLASSIC}
        for line in _client().api.build(tag=recipe.tag, path=str(room), **more):
            text = str(line.get("error") or line.get("stream") or "").strip()
            said += [text] if text else []
            if text.startswith("Step "):
                progress(f"{recipe.tag}: {' '.join(text.split())[:70]}")
            if "error" in line or time.monotonic() > deadline:
                raise DockerException(text or f"not done after {BUILD_S:g} s")
    except DockerException as error:
        what = f"{recipe.tag} could not be built: {error}"
        raise ServerError(what, "the build's own words follow", "\n".join(said[-12:])) from error
