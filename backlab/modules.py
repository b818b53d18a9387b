"""The eight modules of the course: what each is about, its folder, how many labs it is to have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Module:
    """One module; its labs are `number`.1 to `number`.`planned`."""

    number: str
    folder: str
    title: str
    planned: int = 6


MODULES = (
    Module("1", "m1_architecture", "System architecture and design principles"),
    Module("2", "m2_data", "Data modeling and persistence"),
    Module("3", "m3_security", "Authentication, authorization and security"),
    Module("4", "m4_performance", "Back-end performance and scalability"),
    Module("5", "m5_events", "Event-driven systems and messaging"),
    Module("6", "m6_delivery", "Deployment, CI/CD and infrastructure as code"),
    Module("7", "m7_observability", "Observability and operational resilience"),
    Module("8", "m8_api", "API design and developer experience"),
)
FOLDERS = {module.number: module.folder for module in MODULES}
