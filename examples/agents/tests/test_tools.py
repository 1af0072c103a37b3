"""The tools as an agent sees them, without a server and without the SDK."""


def ask(host, method, **params):
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return host.post("/mcp", json=message).json()["result"]


def test_agents_see_the_tools_alone(ffhost_client):
    assert [tool["name"] for tool in ask(ffhost_client, "tools/list")["tools"]] == ["find", "read"]


def test_a_tool_returns_what_the_function_returns(ffhost_client):
    result = ask(ffhost_client, "tools/call", name="find", arguments={"author": "Butler"})
    assert result["structuredContent"] == {
        "books": [{"title": "Kindred", "author": "Butler", "year": 1979}]
    }
