"""Where a kernel listens: at names in Linux's abstract namespace, not on five TCP ports.

A manager chooses ports before its kernel binds them; whatever connects meanwhile may get one of them. Where
that is the port of the outputs, ipykernel neither answers nor ends, and one waits for a minute in vain.
"""

from __future__ import annotations

import secrets
import sys
from typing import Any


def names() -> dict[str, Any]:
    """Traits of a jupyter_client manager; none, which means ports, where there is no abstract namespace.

    Such names have no owner, as ports have none: the key in the connection file protects the kernel.
    """
    if sys.platform != "linux":
        return {}
    return {"transport": "ipc", "ip": f"@backlab-{secrets.token_hex(8)}"}
