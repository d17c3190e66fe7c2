"""One prompt of a magic: sent, shown while it is answered, stopped by an interrupt, and handed over as a result."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.errors import ChatError
from .answer import Answer
from .chats_of_kernel import deciding_thread
from .command_line import Prompt
from .interpolation import interpolated
from .material import attachment, cells_of, last_error
from .screen import AtTheEnd, Display, Nowhere, Screen, Terminal
from .service import Record
from .showing import plain_of
from .thread import Thread

LOOK_S = 0.1
STOP_S = 8.0
"""How long an interrupt waits for the run's last words; the engine gives up on one after 5 s."""


class Stopped(KeyboardInterrupt):
    """The person interrupted the kernel; the run has been stopped."""

    def _render_traceback_(self) -> list[str]:
        return ["The chat's answer was stopped."]


def content_of(prompt: Prompt, shell: Any, thread: Thread) -> str:
    """The message: the words with their values, then what goes with them. Attached files are in the thread's folder."""
    names: Mapping[str, Any] = shell.user_ns
    parts = [prompt.text if prompt.is_raw else interpolated(prompt.text, names)]
    if prompt.cells is not None:
        parts.append(cells_of(shell, prompt.cells))
    if prompt.with_error:
        parts.append(last_error(shell))
    attached = [attachment(given, names, Path.cwd()) for given in prompt.attach]
    for name, data in attached:
        thread.put_file(name, data)
    if attached:
        parts.append("Attached, in this chat's folder: " + ", ".join(f"`{name}`" for name, _ in attached))
    return "\n\n".join(part for part in parts if part.strip())


def ask(thread: Thread, prompt: Prompt, content: str | list[Record], options: Mapping[str, Any], shell: Any) -> Answer:
    """Sends, and returns when the answer has ended. `Stopped` where the kernel was interrupted meanwhile."""
    screen = _screen(prompt, shell)
    with thread.deciding() if prompt.says_yes else contextlib.nullcontext():
        answer = thread.send(content, **options)
        shell.user_ns["_chat"] = answer
        if prompt.out is not None:
            shell.user_ns[prompt.out] = answer
        try:
            _see_through(thread, prompt, answer, screen)
        except KeyboardInterrupt:
            with contextlib.suppress(ChatError, TimeoutError, KeyboardInterrupt):
                answer.cancel()
                answer.wait(STOP_S)
            screen.finish(answer)
            raise Stopped from None
    screen.finish(answer)
    _hand_over(prompt, answer, shell)
    return answer


def _see_through(thread: Thread, prompt: Prompt, answer: Answer, screen: Screen) -> None:
    deadline = None if prompt.timeout is None else time.monotonic() + prompt.timeout
    seen, approved = -1, ""
    while answer.is_running:
        seen = answer.wait_for_news(seen, LOOK_S)
        if prompt.says_yes and answer.outcome == "waiting" and answer.asked and approved != answer.run_id:
            approved = answer.run_id
            _approve(thread, answer)
        screen.show(answer)
        if deadline is not None and time.monotonic() > deadline:
            answer.cancel()
            answer.wait(STOP_S)
            answer.error = f"It took longer than {prompt.timeout:g} s and was stopped."


def _approve(thread: Thread, answer: Answer) -> None:
    """`--yes`: what the answer asks is allowed. A token that may not decide is left for the server's own."""
    decisions = [
        {"interruptId": asked["id"], "status": "resolved", "payload": {"approve": True}} for asked in answer.asked
    ]
    try:
        thread.answer(answer.run_id, decisions)
    except ChatError as refused:
        if refused.code != "forbidden":
            raise
        deciding_thread(thread.id).answer(answer.run_id, decisions)


def _screen(prompt: Prompt, shell: Any) -> Screen:
    if prompt.format in ("text", "json"):
        return Nowhere()
    if not hasattr(shell, "kernel"):
        return Terminal()
    return Display() if prompt.streams else AtTheEnd()


def _hand_over(prompt: Prompt, answer: Answer, shell: Any) -> None:
    """What a format asks for beside the display."""
    if prompt.format == "text":
        print(answer.text if answer.outcome == "success" else plain_of(answer))
    elif prompt.format == "json":
        from IPython.display import display

        record = record_of(answer)
        display({"application/json": record, "text/plain": json.dumps(record, indent=2)}, raw=True)  # type: ignore[no-untyped-call]
    elif prompt.format == "code" and answer.code:
        shell.set_next_input(answer.code)
    elif prompt.format == "code":
        print("There is no Python in this answer.")


def record_of(answer: Answer) -> Record:
    """The answer for programs."""
    return {
        "thread_id": answer.thread_id,
        "run_id": answer.run_id,
        "model": answer.model,
        "outcome": answer.outcome,
        "error": answer.error,
        "text": answer.text,
        "code_blocks": [{"language": block.language, "code": block.code} for block in answer.code_blocks],
        "artifacts": [
            {"path": each.path, "media_type": each.media_type, "size": each.size} for each in answer.artifacts
        ],
    }
