"""Anthropic's messages wire on loopback, in a thread of its own. What it does is chosen by the model's name.

It refuses a thought that comes back without the signature it was given, as the real one does, and notes each request
and when its client left.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-ant-test-0123456789abcdef"
SIGNATURE = "c2lnbmF0dXJlLW9mLWEtdGhvdWdodA=="


@dataclass
class Asked:
    """One request, and when its client went away before it was answered whole (monotonic time)."""

    headers: dict[str, str]
    body: dict[str, Any]
    gone_at: float | None = None

    @property
    def key(self) -> str:
        """The key it came with: its client writes it in one header or the other, by its version."""
        return self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass
class AnthropicUpstream:
    """The provider, as seen by a test."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def blocks(self, kind: str, at: int = -1) -> list[dict[str, Any]]:
        """The blocks of that type in the messages of a request."""
        contents = [message["content"] for message in self.asked[at].body["messages"]]
        return [
            block for content in contents if isinstance(content, list) for block in content if block["type"] == kind
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: AnthropicUpstream

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = Asked({name.lower(): value for name, value in self.headers.items()}, body)
        self.upstream.asked.append(asked)
        if asked.key != KEY:
            return self.refuse(401, "authentication_error", f"invalid x-api-key: {asked.key}")
        if any(block.get("signature") != SIGNATURE for block in self.upstream.blocks("thinking")):
            return self.refuse(400, "invalid_request_error", "thinking: Invalid signature")
        try:
            getattr(self, body["model"].removeprefix("claude-"))(asked)
        except OSError:
            asked.gone_at = time.monotonic()
            self.close_connection = True
        return None

    # --- the wire -----------------------------------------------------------------------------------------------------

    def refuse(self, status: int, kind: str, message: str) -> None:
        data = json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
        self.send_response(status)
        for name, value in (("content-type", "application/json"), ("content-length", str(len(data)))):
            self.send_header(name, value)
        self.send_header("x-should-retry", "false")
        self.end_headers()
        self.wfile.write(data)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        usage = {"input_tokens": 11, "output_tokens": 1}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
        self.tell("message_start", message={**message, "stop_reason": None, "stop_sequence": None, "usage": usage})

    def tell(self, kind: str, **fields: Any) -> None:
        self.wfile.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode())
        self.wfile.flush()

    def block(self, index: int, block: dict[str, Any], *deltas: dict[str, Any]) -> None:
        self.tell("content_block_start", index=index, content_block=block)
        for delta in deltas:
            self.tell("content_block_delta", index=index, delta=delta)
        self.tell("content_block_stop", index=index)

    def text(self, index: int, *words: str) -> None:
        self.block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": word} for word in words))

    def thinks(self, index: int) -> None:
        self.block(
            index,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Let me "},
            {"type": "thinking_delta", "thinking": "think."},
            {"type": "signature_delta", "signature": SIGNATURE},
        )

    def calls(self, index: int, call_id: str, *pieces: str) -> None:
        block = {"type": "tool_use", "id": call_id, "name": "count", "input": {}}
        self.block(index, block, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))

    def end(self, reason: str = "end_turn") -> None:
        self.tell("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage={"output_tokens": 7})
        self.tell("message_stop")

    # --- what the models do -------------------------------------------------------------------------------------------

    def echo(self, _: Asked) -> None:
        self.begin()
        self.text(0, "Hello", ", ", "you.")
        self.end()

    def thoughtful(self, asked: Asked) -> None:
        """Thinks and calls; with a result, says what came back."""
        self.begin()
        if self.upstream.blocks("tool_result"):
            self.text(0, "42")
            return self.end()
        self.thinks(0)
        self.text(1, "I will count.")
        self.calls(2, "toolu_1", '{"n"', ": 1}")
        self.calls(3, "toolu_2", '{"n": 2}')
        return self.end("tool_use")

    def wordy(self, _: Asked) -> None:
        self.begin()
        self.text(0, "much")
        self.end("max_tokens")

    def slow(self, _: Asked) -> None:
        self.begin()
        self.tell("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for number in range(2000):
            self.tell("content_block_delta", index=0, delta={"type": "text_delta", "text": f"{number} "})
            time.sleep(0.005)

    def midway(self, _: Asked) -> None:
        """An error in the middle, which repeats the key."""
        self.begin()
        self.tell("content_block_start", index=0, content_block={"type": "text", "text": ""})
        self.tell("content_block_delta", index=0, delta={"type": "text_delta", "text": "half "})
        self.tell("error", error={"type": "overloaded_error", "message": f"Overloaded, said {KEY}"})

    def long(self, _: Asked) -> None:
        self.refuse(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")

    def nowhere(self, _: Asked) -> None:
        self.refuse(404, "not_found_error", "model: claude-nowhere")

    def broke(self, _: Asked) -> None:
        self.refuse(400, "invalid_request_error", f"Your credit balance is too low, {KEY}")


@contextlib.contextmanager
def running_anthropic() -> Iterator[AnthropicUpstream]:
    """The provider on a free port, until the block ends."""
    upstream = AnthropicUpstream()
    handler = type("Handler", (_Handler,), {"upstream": upstream})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    upstream.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
