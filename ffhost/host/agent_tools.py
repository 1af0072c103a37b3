"""The tools of one host, and which of them a caller may use."""

from __future__ import annotations

from contextlib import suppress

from ffhost.agents.tools import AgentTool
from ffhost.auth.principals import Principal
from ffhost.auth.ways import Result
from ffhost.errors import RequestError, Unavailable
from ffhost.host.snapshot import Host
from ffhost.web.messages import Message


class ServedAgentTools:
    """The functions with ``tool: true`` of one host.

    They are described when somebody first asks: types are not needed before, and functions that
    are loaded at their first call are loaded for it.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._tools: dict[str, AgentTool] = {}

    def load(self) -> None:
        """Describe what has not been described; may take long, so call it on a thread."""
        for name, function in list(self._host.functions.items()):
            if not function.settings.tool or function.unavailable is not None:
                continue
            if function.late_load is not None:
                with suppress(Unavailable):  # it has its log entry, and is tried again
                    function = function.late_load.wait()
            if function.types is not None and name not in self._tools:
                self._tools[name] = AgentTool(name, function.path, function.types())

    @property
    def complete(self) -> bool:
        """Whether nothing is left to describe."""
        return all(
            name in self._tools or not function.settings.tool or function.unavailable is not None
            for name, function in self._host.functions.items()
        )

    def all(self) -> list[AgentTool]:
        """Return the tools in the order of the configuration."""
        return [self._tools[name] for name in self._host.functions if name in self._tools]

    def listed(self, message: Message, principal: Principal | None) -> list[AgentTool]:
        """Return the tools that the sender of *message* may call."""
        judged: dict[str, Result] = {}
        found = []
        for tool in self.all():
            gate = self._host.gate(tool.name)
            if gate is None or gate.admitted(message, principal, judged) is not None:
                found.append(tool)
        return found

    def find(
        self, name: object, message: Message, principal: Principal | None
    ) -> tuple[AgentTool, Principal | None] | None:
        """Return the tool *name* and who calls it; None if there is none, or not for the caller."""
        tool = self._tools.get(name) if isinstance(name, str) else None
        if tool is None:
            return None
        gate = self._host.gate(tool.name)
        if gate is None:
            return tool, principal
        caller = gate.admitted(message, principal, {})
        if caller is None:
            with suppress(RequestError):
                gate.judge(message)  # for the log
            return None
        return tool, caller
