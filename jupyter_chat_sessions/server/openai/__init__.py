"""The OpenAI-compatible doors, below `{base}/chat-sessions/v1` (docs/openai.md).

`doors` are loaded with the server; everything else waits for the first request. A request is read (`bodies`, `given`),
its thread is found (`resolving`), its message accepted (`asking`), its run followed (`record`, `telling`) and told in
the words of chat completions (`completions`) or of responses (`responses`, `items`). No rule of order is made here.
"""
