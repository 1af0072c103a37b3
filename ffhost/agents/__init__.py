"""The Model Context Protocol (MCP) as values: messages, versions, tools, results.

Nothing here waits, calls a function or knows a server: `ffhost.host.agent_address` does.
"""
