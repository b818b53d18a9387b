"""Look at an experiment's file before anything starts, and say what is wrong with it on which line.

file --yaml, with lines--> known fields? providers there? functions and arguments right? --> or BacklabError

Chaos Toolkit validates too, but tells no line and lets an unknown field pass.
"""

from __future__ import annotations

import importlib
import inspect as reflection
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # ships no types

from services.errors import BacklabError

EXPERIMENT = (
    "version", "title", "description", "tags", "configuration", "secrets", "runtime", "controls",
    "steady-state-hypothesis", "method", "rollbacks", "contributions", "extensions",
)  # fmt: skip
NEEDED = ("title", "description", "method")
HYPOTHESIS = ("title", "probes", "controls")
ACTIVITY = (
    "name", "type", "provider", "tolerance", "pauses", "background", "controls", "configuration", "secrets",
    "ref", "dry",
)  # fmt: skip
PROVIDERS = {
    "python": ("type", "module", "func", "arguments", "secrets"),
    "process": ("type", "path", "arguments", "timeout", "env"),
    "http": ("type", "url", "method", "headers", "expected_status", "arguments", "timeout", "max_retries",
             "verify_tls", "auth"),
}  # fmt: skip


class Node:
    """A value of the file and the line on which it stands; a mapping knows the lines of its keys."""

    def __init__(self, node: yaml.Node, file: str) -> None:
        self.file, self.line = file, node.start_mark.line + 1
        self.value: Any = None
        self.lines: dict[str, int] = {}
        if isinstance(node, yaml.MappingNode):
            self.value = {key.value: Node(value, file) for key, value in node.value}
            self.lines = {key.value: key.start_mark.line + 1 for key, _ in node.value}
        elif isinstance(node, yaml.SequenceNode):
            self.value = [Node(value, file) for value in node.value]
        else:
            self.value = node.value

    def plain(self) -> Any:
        """The value without its lines."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.value] if isinstance(self.value, list) else self.value

    def refuse(self, what: str, next_step: str, line: int = 0) -> BacklabError:
        """The error that names file and line."""
        return BacklabError(f"{self.file}, line {line or self.line}: {what}", next_step)

    def mapping(self, what: str, known: Collection[str] | None = None) -> dict[str, Node]:
        """Its keys; raises where it is no mapping, or has a key that is not `known`."""
        if not isinstance(self.value, dict):
            raise self.refuse(f"{what} is no mapping", "write `name: value` lines below it")
        for key in self.value:
            if known is not None and key not in known and not key.startswith("x-"):
                raise self.refuse(f"{what} has no field {key!r}", _near(key, known), self.lines[key])
        return self.value

    def items(self, what: str) -> list[Node]:
        """Its entries; raises where it is no list."""
        if not isinstance(self.value, list):
            raise self.refuse(f"{what} is no list", "begin each entry with a dash")
        return self.value


def inspect(path: Path, variables: Mapping[str, object] | None = None) -> None:
    """Raise `BacklabError` with file and line where the experiment cannot be right; else do nothing."""
    top = _read(path)
    found = top.mapping("an experiment", EXPERIMENT)
    for name in NEEDED:
        if name not in found:
            raise top.refuse(f"the experiment has no {name}", f"add `{name}:`")
    controls = found["controls"].items("controls") if "controls" in found else []
    modules = [_module(_provider(control, "a control")) for control in controls]
    if "configuration" in found and any(module.__name__ == "chaos.controls" for module in modules):
        _stage(found["configuration"])
    for activity in _activities(found):
        _activity(activity)
    known = found["configuration"].mapping("configuration") if "configuration" in found else {}
    for name in variables or {}:
        if name not in known:
            raise top.refuse(f"the configuration has no {name!r}", _near(name, known))


def _read(path: Path) -> Node:
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as why:
        raise BacklabError(f"{path.name} cannot be read ({why})", "give a YAML or JSON file") from why
    except yaml.MarkedYAMLError as wrong:
        line = wrong.problem_mark.line + 1 if wrong.problem_mark else 1
        what = f"{path.name}, line {line}: {wrong.problem or 'this is not YAML'}"
        raise BacklabError(what, "look at the indentation and the quotes there") from wrong
    if node is None:
        raise BacklabError(f"{path.name} is empty", "an experiment has a title, a description and a method")
    return Node(node, path.name)


def _activities(found: Mapping[str, Node]) -> Iterator[Node]:
    if "steady-state-hypothesis" in found:
        hypothesis = found["steady-state-hypothesis"].mapping("the hypothesis", HYPOTHESIS)
        for probe in hypothesis["probes"].items("probes") if "probes" in hypothesis else []:
            if "tolerance" not in probe.mapping("a probe", ACTIVITY):
                raise probe.refuse("a probe of the hypothesis has no tolerance", "add what it may answer")
            yield probe
    for part in ("method", "rollbacks"):
        if part in found:
            yield from found[part].items(part)


def _activity(activity: Node) -> None:
    fields = activity.mapping("an activity", ACTIVITY)
    if "ref" in fields:
        return
    name = fields["name"].value if "name" in fields else "an activity without a name"
    provider = _provider(activity, f"the activity {name!r}")
    kind = provider.value["type"].value if "type" in provider.value else ""
    if kind not in PROVIDERS:
        raise provider.refuse(f"there is no provider of type {kind!r}", f"use {', '.join(PROVIDERS)}")
    provider.mapping("a provider", PROVIDERS[kind])
    if kind == "python":
        _arguments(provider)


def _provider(node: Node, what: str) -> Node:
    fields = node.mapping(what)
    if "provider" not in fields:
        raise node.refuse(f"{what} has no provider", "add `provider:` with type, module and func")
    fields["provider"].mapping("a provider")
    provider: Node = fields["provider"]
    return provider


def _stage(configuration: Node) -> None:
    """What our control is asked for can be had."""
    from chaos.stage import Plan

    configuration.mapping("configuration")
    try:
        Plan.of(configuration.plain())
    except BacklabError as why:
        raise configuration.refuse(why.what, why.next_step) from why


def _module(provider: Node) -> Any:
    if "module" not in provider.value:
        raise provider.refuse("the provider has no module", "name one, such as `module: chaos.actions`")
    module = provider.value["module"]
    try:
        return importlib.import_module(module.value)
    except ImportError as missing:
        raise module.refuse(
            f"the module {module.value} cannot be imported ({missing})",
            "correct its name, or install the extension that brings it",
        ) from missing


def _arguments(provider: Node) -> None:
    """The function is there, and takes what it is given."""
    module = _module(provider)
    if "func" not in provider.value:
        raise provider.refuse("the provider has no func", "name a function of its module")
    func = provider.value["func"]
    called = getattr(module, func.value, None)
    if not callable(called):
        known = getattr(module, "__all__", dir(module))
        raise func.refuse(f"{module.__name__} has no function {func.value!r}", _near(func.value, known))
    takes = reflection.signature(called).parameters
    given = provider.value["arguments"].mapping("arguments") if "arguments" in provider.value else {}
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes.values()):
        for name in set(given) - set(takes):
            line = provider.value["arguments"].lines[name]
            raise provider.refuse(f"{func.value} takes no argument {name!r}", _near(name, takes), line)
    for name, parameter in takes.items():
        if parameter.default is parameter.empty and name not in (*given, "configuration", "secrets"):
            raise func.refuse(f"{func.value} wants the argument {name!r}", "add it to `arguments`")


def _near(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known) or 'none'}"
