"""An answer as a display shows it: Markdown where there is a front end, plain text everywhere."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from .answer import Answer, Artifact, Call, Words

MIME = "application/vnd.jupyter-chat-sessions.answer+json"
"""Beside the text: which thread and run it is from."""

MOST_OUTPUT = 4_000
MOST_IMAGE_BYTES = 3_000_000
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")

_TITLES = {"run_python": "Python", "run_shell": "Shell"}
_ENDINGS = {
    "cancelled": "Stopped.",
    "interrupted": "Interrupted: the process that made this answer has ended.",
    "waiting": "Waiting for your decision in the chat, in the sidebar or a panel.",
}


def bundle_of(answer: Answer) -> dict[str, Any]:
    """The display's data."""
    about = {"thread_id": answer.thread_id, "run_id": answer.run_id, "outcome": answer.outcome, "model": answer.model}
    return {"text/markdown": markdown_of(answer), "text/plain": plain_of(answer), MIME: about}


def markdown_of(answer: Answer) -> str:
    """Words as they are, tool calls as code with what came of it, images in their place."""
    images = {each.path: each for each in answer.artifacts if each.media_type in IMAGES}
    parts = [
        block.text.strip() if isinstance(block, Words) else _markdown_call(block, images) for block in answer.blocks
    ]
    ending = _ending(answer)
    parts += [f"*{ending}*"] if ending else []
    return "\n\n".join(part for part in parts if part) or "*…*"


def plain_of(answer: Answer) -> str:
    """The same for a terminal."""
    parts = [plain_block(block) for block in answer.blocks] + [_ending(answer)]
    return "\n\n".join(part for part in parts if part)


def plain_block(block: Words | Call) -> str:
    """One block in plain text."""
    if isinstance(block, Words):
        return block.text.strip()
    code, _ = code_of(block)
    asked = "\n".join(f"> {line}" for line in code.splitlines())
    files = "\n".join(f"[{each['path']}]" for each in block.artifacts)
    return "\n".join(part for part in (asked, _given(block), files) if part)


def _ending(answer: Answer) -> str:
    if answer.outcome == "error":
        return f"The answer failed: {answer.error or 'no reason was given.'}"
    return _ENDINGS.get(answer.outcome or "", "")


def _markdown_call(call: Call, images: dict[str, Artifact]) -> str:
    code, language = code_of(call)
    parts = [f"**{_TITLES.get(call.name, call.name)}**{_status(call)}", fenced(code, language)]
    given = _given(call)
    parts += [fenced(given, "text")] if given else []
    for record in call.artifacts:
        image = images.get(record["path"])
        parts.append(_image(image) if image is not None else f"*{record['path']}*, {record.get('size', 0):,} bytes")
    return "\n\n".join(parts)


def _status(call: Call) -> str:
    if call.status in ("done", "", "running"):
        return "" if call.status == "done" else " …"
    return {"writing": " …", "asked": " · waiting"}.get(call.status, f" · {call.status}")


def _image(image: Artifact) -> str:
    """In the text itself, so that a saved notebook has it; one that is too large is named."""
    if image.size > MOST_IMAGE_BYTES:
        return f"*{image.path}*, {image.size:,} bytes"
    return f"![{image.path}](data:{image.media_type};base64,{base64.b64encode(image.read()).decode()})"


def code_of(call: Call) -> tuple[str, str]:
    """What a call runs, and in which language; for other tools its arguments."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:  # still being written
        return call.arguments, "text"
    if isinstance(arguments, dict):
        for name, language in (("code", "python"), ("command", "bash")):
            if isinstance(arguments.get(name), str):
                return arguments[name], language
    return json.dumps(arguments, indent=1, ensure_ascii=False), "json"


def _given(call: Call) -> str:
    """What came of a call, as text: its outputs; where it shows none, what it told."""
    shown = [_text(output) for output in call.outputs]
    if not any(shown):
        shown = [call.content or ""]
    text = _ANSI.sub("", "".join(shown)).strip("\n")
    if len(text) > MOST_OUTPUT:
        text = f"{text[:MOST_OUTPUT]}\n[… {len(text) - MOST_OUTPUT:,} characters more in the chat]"
    return text


def _text(output: dict[str, Any]) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return _joined(output.get("text"))
    if kind == "error":
        return "\n".join(output.get("traceback") or [f"{output.get('ename')}: {output.get('evalue')}"]) + "\n"
    if (output.get("metadata") or {}).get("artifact"):
        return ""
    text = _joined((output.get("data") or {}).get("text/plain"))
    return f"{text}\n" if text else ""


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else text if isinstance(text, str) else ""


def fenced(text: str, language: str) -> str:
    """A fenced block, its fence longer than any inside."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
