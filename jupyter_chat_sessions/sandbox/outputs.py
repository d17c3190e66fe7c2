"""What a call puts out, in its three forms: shown live, read by the agent, kept with the result.

Images become files in the thread's folder and nothing binary goes any further. Only kinds of output a page can show
without running code are let through.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .folder import save_numbered
from .policy import SandboxPolicy
from .record import Record
from .saying import Saying
from .text import clip, plain

Output = dict[str, Any]

_IMAGES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
}
_TEXTS = ("text/plain", "text/markdown", "text/latex", "text/html")
_RICH_CHARS = 256 * 1024
_LIBRARY = ("site-packages", "dist-packages", "/lib/python3", "\\Lib\\")
_FRAMES = 12


class Outputs:
    """Takes the messages of one call, in order."""

    def __init__(self, policy: SandboxPolicy, folder: Path, saying: Saying, image_number: int) -> None:
        self._policy, self._folder = policy, folder
        self.saying = saying
        self.record = Record()
        self.image_number = image_number
        """The number of the last image saved."""
        self.error: str | None = None
        self._images = 0
        self._live: list[Output] = []
        self._live_bytes = 0
        self._is_full = False
        self._gathered: Output | None = None
        self._gathered_since = 0.0

    # --- live --------------------------------------------------------------------------------------------------------

    def wait_s(self) -> float | None:
        """How long until something is due to be shown; `None` where nothing is."""
        if self._live:
            return 0.0
        if self._gathered is None:
            return None
        return max(self._gathered_since + self._policy.gather_s - time.monotonic(), 0.0)

    def due(self, *, is_last: bool = False) -> list[Output]:
        """What is to be shown now."""
        if self._gathered is not None and (is_last or self.wait_s() == 0.0):
            self._flush()
        shown, self._live = self._live, []
        return shown

    def _flush(self) -> None:
        if self._gathered is not None:
            self._live.append(self._gathered)
            self._gathered = None

    def _show(self, output: Output, weight: int) -> None:
        if self._is_full:
            return
        room = self._policy.output_bytes - self._live_bytes
        self._live_bytes += weight
        if weight > room:
            self._is_full = True
            self._flush()
            text = output["text"][:room] if output["output_type"] == "stream" else ""
            text = f"{text}\n[{self.saying.whereabouts()}]\n"
            self._live.append({"output_type": "stream", "name": output.get("name", "stdout"), "text": text})
        elif output["output_type"] != "stream":
            self._flush()
            self._live.append(output)
        elif self._gathered is not None and self._gathered["name"] == output["name"]:
            self._gathered["text"] += output["text"]
        else:
            self._flush()
            self._gathered, self._gathered_since = dict(output), time.monotonic()

    # --- messages ----------------------------------------------------------------------------------------------------

    async def add(self, message: Mapping[str, Any]) -> None:
        """Takes one iopub message. What is no output, or not as the protocol has it, is passed over."""
        content = message["content"]
        kind = message["msg_type"]
        if kind == "stream":
            await self._add_stream(content)
        elif kind == "error":
            await self._add_error(content)
        elif kind in ("display_data", "execute_result", "update_display_data"):
            await self._add_display(kind, content)
        elif kind == "clear_output":
            self.record.clear(waits=bool(content.get("wait")))

    async def _add_stream(self, content: Mapping[str, Any]) -> None:
        text, name = content.get("text"), content.get("name")
        if not isinstance(text, str) or name not in ("stdout", "stderr"):
            return
        await self.saying.add(text)
        self.record.add_stream(name, text)
        self._show({"output_type": "stream", "name": name, "text": text}, len(text))

    async def _add_error(self, content: Mapping[str, Any]) -> None:
        name, value = str(content.get("ename", "")), str(content.get("evalue", ""))
        given = content.get("traceback")
        traceback = [line for line in given if isinstance(line, str)] if isinstance(given, list) else []
        self.error = f"{name}: {plain(value)[:500]}" if value else name
        await self.saying.add(_user_frames(traceback) or self.error, is_block=True)
        output = {"output_type": "error", "ename": name, "evalue": value, "traceback": traceback}
        self.record.add(output)
        self._show(output, len(json.dumps(output)))

    async def _add_display(self, kind: str, content: Mapping[str, Any]) -> None:
        bundle = content.get("data")
        if not isinstance(bundle, dict):
            return
        data = {each: text for each in _TEXTS if (text := _text(bundle.get(each)))}
        words = _words(data)
        data = {each: text for each, text in data.items() if len(text) <= _RICH_CHARS}
        if len(words) > _RICH_CHARS:
            data["text/plain"] = clip(words, _RICH_CHARS, self._policy.head_share, "…")
        image = await self._save_image(bundle)
        if not data and image is None:
            return
        output: Output = {"output_type": "display_data", "data": data, "metadata": {}}
        if kind == "execute_result":
            output |= {"output_type": kind, "execution_count": content.get("execution_count")}
        if image is not None:
            output["metadata"] = {"artifact": image}
            data.pop("text/html", None)
        await self.saying.add(f"[image {image}]" if image else words, is_block=True)
        transient = content.get("transient")
        shown_as = transient.get("display_id") if isinstance(transient, dict) else None
        self.record.add(output, display_id=shown_as if isinstance(shown_as, str) else None)
        self._show(output, len(json.dumps(output)))

    async def _save_image(self, bundle: Mapping[str, Any]) -> str | None:
        """The name of the file the bundle's image was written to."""
        for media_type, suffix in _IMAGES.items():
            content = _image_bytes(media_type, bundle.get(media_type))
            if content is None:
                continue
            self._images += 1
            if self._images > self._policy.image_count:
                return None
            name, self.image_number = await asyncio.to_thread(
                save_numbered, self._folder, "plot", suffix, content, first=self.image_number + 1
            )
            return name
        return None

    @property
    def images_passed_over(self) -> int:
        return max(self._images - self._policy.image_count, 0)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _image_bytes(media_type: str, value: Any) -> bytes | None:
    text = _text(value)
    if not text:
        return None
    if media_type == "image/svg+xml":
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return None


def _words(data: Mapping[str, str]) -> str:
    """What of a bundle an agent reads best."""
    for each in ("text/plain", "text/markdown", "text/latex"):
        if each in data:
            return data[each]
    return "[HTML]"


def _user_frames(traceback: list[str]) -> str:
    """The traceback without colours and without the frames of libraries, which are counted."""
    kept: list[str] = []
    passed_over = 0
    parts = [plain(part).rstrip() for part in traceback]
    for at, part in enumerate(parts):
        first = part.split("\n", 1)[0]
        if 0 < at < len(parts) - 1 and any(sign in first for sign in _LIBRARY):
            passed_over += 1
            continue
        if part.strip("-"):
            kept.append(part)
    if len(kept) > _FRAMES:
        passed_over += len(kept) - _FRAMES
        kept = kept[:1] + kept[1 - _FRAMES :]
    if passed_over:
        kept.insert(-1, f"[{passed_over} frames of libraries not shown]")
    return "\n".join(kept)
