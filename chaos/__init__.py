"""Everything that puts a system under stress; `chaos discover --no-install backlab` lists its activities."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaoslib.types import Discovery


def discover(discover_system: bool = True) -> Discovery:
    """Tell Chaos Toolkit which actions and probes there are; a system of ours is never there to discover."""
    from importlib.metadata import version

    from chaoslib.discovery.discover import discover_actions, discover_probes, initialize_discovery_result

    found = initialize_discovery_result("backlab", version("backlab"), "backlab")
    found["activities"] += discover_actions("chaos.actions") + discover_probes("chaos.probes")
    return found
