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
from .command_line import BadLine, Prompt
from .interpolation import interpolated
from .material import attachment, cells_of, last_error
from .mentions import mentioned
from .screen import AtTheEnd, Display, Nowhere, Screen, Terminal
from .service import Record
from .showing import plain_of
from .thread import Thread

NO_WORDS = "Look at what goes along with this."
"""What is said where only things are sent."""

MOST_ITEMS = 50
LOOK_S = 0.1
STOP_S = 8.0
"""How long an interrupt waits for the run's last words; the engine gives up on one after 5 s."""


class Stopped(KeyboardInterrupt):
    """The person interrupted the kernel; the run has been stopped."""

    def _render_traceback_(self) -> list[str]:
        return ["The chat's answer was stopped."]


def worded_prompt(prompt: Prompt, names: Mapping[str, Any]) -> tuple[str, str | None]:
    """The words of the message and its instructions, with their values."""
    if prompt.is_raw:
        return prompt.text or NO_WORDS, prompt.system
    system = None if prompt.system is None else interpolated(prompt.system, names)
    return interpolated(prompt.text, names) if prompt.text.strip() else NO_WORDS, system


def going_along(prompt: Prompt, shell: Any, thread: Thread) -> list[Record]:
    """What goes along beside the words. Attached files are in the thread's folder then."""
    names: Mapping[str, Any] = shell.user_ns
    items = [] if prompt.is_raw else mentioned(prompt.text, names, getattr(shell, "user_ns_hidden", ()))
    if prompt.cells is not None:
        items += cells_of(shell, prompt.cells)
    if prompt.with_error:
        items.append(last_error(shell))
    attached = [attachment(given, names, Path.cwd()) for given in prompt.attach]
    for name, data in attached:
        thread.put_file(name, data)
    items += [{"type": "file", "path": name} for name, _ in attached]
    if len(items) > MOST_ITEMS:
        raise BadLine(f"At most {MOST_ITEMS} things go along with a prompt; these are {len(items)}.")
    return items


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
    """`--yes`: what the answer asks is allowed. A token that may not decide is left for the server's own.

    A question is not answered by a yes; its asker is told, as where nobody is there.
    """
    decisions = [
        {"interruptId": asked["id"], "status": "resolved", "payload": _NO_ANSWER if _is_question(asked) else _YES}
        for asked in answer.asked
    ]
    try:
        thread.answer(answer.run_id, decisions)
    except ChatError as refused:
        if refused.code != "forbidden":
            raise
        deciding_thread(thread.id).answer(answer.run_id, decisions)


_YES: Mapping[str, Any] = {"approve": True}
_NO_ANSWER: Mapping[str, Any] = {"approve": False, "note": "it was asked from a cell with --yes, and nobody read it"}


def _is_question(asked: Mapping[str, Any]) -> bool:
    return asked.get("reason") == "input_required"


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
