"""Calling a function as its schedule does, because somebody asks for it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from ffhost.errors import NotFound
from ffhost.host.schedules import Schedules
from ffhost.invocation.ids import choose_execution_id


def run_schedule_for_admin(schedules: Schedules, function: str, query: str) -> dict[str, Any]:
    """Call *function* as its schedule does; the query may have the ``index`` of that.

    Raises:
        NotFound: it has no such schedule
    """
    index, identity = parse_qs(query).get("index", ["0"])[-1], choose_execution_id(None)
    try:
        status = schedules.run_now(function, int(index), identity)
    except (LookupError, ValueError) as error:
        raise NotFound(f"there is no schedule {index} of a function {function!r}") from error
    return {"function": function, "id": identity, "status": status}
