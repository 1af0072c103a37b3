"""The answer of the readiness probe."""

from __future__ import annotations

from typing import Any

from ffhost.host.service import Service


def readiness_answer(current: Service) -> tuple[int, dict[str, Any]]:
    """Return status and body of the readiness probe."""
    if current.phase != "ready":
        return 503, {"status": current.phase}
    broken = [
        each.name
        for each in current.host.functions.values()
        if each.load_error is not None and each.required
    ]
    if broken:
        return 503, {"status": "unavailable", "functions": broken}
    degraded = list(current.host.degraded)
    locked = [] if current.host.front_door is None else current.waiting_for_keys()
    if any(current.host.functions[name].required for name in locked) and not current.served:
        return 503, {"status": "unavailable", "functions": locked}
    current.served = True
    degraded += [name for name in locked if name not in degraded]
    return 200, {"status": "degraded", "functions": degraded} if degraded else {"status": "ready"}
