"""A server extension for the peer's environment: answers in a jupyterlab_chat chat as jupyter-ai's personas do.

A message's text is the model to ask; each piece of the provider's answer is appended to one message by
`update_message(…, append=True)`. Needs jupyterlab_chat 0.25 and httpx, and the provider's address in `PACER_URL`.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

_TASKS: set[asyncio.Task[None]] = set()


async def _answer(chat: Any, model: str) -> None:
    import httpx
    from jupyterlab_chat.models import Message, NewMessage  # type: ignore[import-not-found]

    message_id = chat.add_message(NewMessage(body="", sender="persona"))
    body = {"model": model, "messages": [{"role": "user", "content": "go"}], "stream": True}
    url = os.environ["PACER_URL"] + "/chat/completions"
    async with (
        httpx.AsyncClient(trust_env=False, timeout=None) as client,
        client.stream("POST", url, json=body) as response,
    ):
        async for line in response.aiter_lines():
            if line.startswith("data: {") and (piece := json.loads(line[6:])["choices"][0]["delta"].get("content")):
                update = Message(id=message_id, body=piece, time=0, sender="persona")
                chat.update_message(update, append=True)


def _load_jupyter_server_extension(app: Any) -> None:
    def watch(chat: Any) -> None:
        def note(event: Any) -> None:
            if event.action.value == "client_msg_received":
                task = asyncio.ensure_future(_answer(chat, event.message.body))
                _TASKS.add(task)
                task.add_done_callback(_TASKS.discard)

        chat.observe_messages(note)

    manager = app.web_app.settings["chat_manager"]
    opened = manager.ws_open

    def ws_open(path: str) -> Any:
        chat = opened(path)
        if not getattr(chat, "_has_a_persona", False):
            chat._has_a_persona = True
            watch(chat)
        return chat

    manager.ws_open = ws_open


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "peer_persona"}]
