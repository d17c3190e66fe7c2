"""The sandbox's tools for any MCP client, below `{base}/chat-sessions/mcp` (docs/open-doors.md).

`doors` is loaded with the server, the rest at the first request. `speech` is the protocol, in both its eras; `calls`
makes the calls: in a thread they are runs of their own, under the thread's policy, seen by whoever watches it.
"""
