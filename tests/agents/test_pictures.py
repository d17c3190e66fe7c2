"""Images that tools made, on their way to a model that sees."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest

from jupyter_chat_sessions.agents.history import chat_messages
from jupyter_chat_sessions.agents.pictures import LONGEST_SIDE, MOST_BYTES, MOST_SHOWN, has_pictures, pictures_of

PNG = b"\x89PNG\r\n\x1a\n"


def made(number: int, *paths: str) -> dict[str, Any]:
    artifacts = [{"path": path, "size": 9, "media_type": "image/png"} for path in paths]
    return {"id": f"t{number}", "role": "tool", "metadata": {"jupyter": {"artifacts": artifacts}}}


ASKED = {"id": "q", "role": "user", "content": "go"}


def test_only_the_newest_few_are_shown_and_a_file_written_again_once() -> None:
    path = [ASKED, *(made(number, f"{number}.png", "same.png") for number in range(9))]
    shown = pictures_of(path, lambda name: PNG + name.encode())
    assert sum(len(parts) for parts in shown.values()) == MOST_SHOWN
    assert len(shown["t8"]) == 2
    assert len(shown["t7"]) == 1


def test_images_of_turns_long_past_are_not_looked_at() -> None:
    path = [ASKED, made(1, "a.png"), ASKED, ASKED, ASKED]
    assert not has_pictures(path)
    assert has_pictures(path[:3])


@pytest.mark.parametrize("data", [None, b"", b"no image", PNG + b"x" * MOST_BYTES])
def test_what_is_gone_or_no_image_or_too_large_to_send_is_left_out(data: bytes | None) -> None:
    assert pictures_of([ASKED, made(1, "a.png")], lambda name: data) == {}


def test_a_large_image_is_made_smaller_where_that_can_be_done() -> None:
    image = pytest.importorskip("PIL.Image")
    written = io.BytesIO()
    image.new("RGB", (4000, 1000)).save(written, "PNG")
    (part,) = pictures_of([ASKED, made(1, "a.png")], lambda name: written.getvalue())["t1"]
    data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
    assert image.open(io.BytesIO(data)).size == (LONGEST_SIDE, LONGEST_SIDE // 4)


def test_an_image_a_person_attached_is_shown_with_their_words() -> None:
    attached = [{"type": "file", "path": "uploads/1/Cat.PNG"}, {"type": "file", "path": "data.csv"}, {"type": "cell"}]
    asked = {"id": "q", "role": "user", "content": "what is it?", "metadata": {"jupyter": {"context": attached}}}
    shown = pictures_of([asked], lambda name: PNG + name.encode())
    assert list(shown) == ["q"]
    (sent,) = chat_messages([asked], system="", budget=9000, pictures=shown)[1:]
    assert [part["type"] for part in sent["content"]] == ["text", "image_url"]
    assert sent["content"][1] == shown["q"][0]
    assert "uploads/1/Cat.PNG" in sent["content"][0]["text"]
    blind = chat_messages([asked], system="", budget=9000, pictures=shown, has_images=False)[1]
    assert isinstance(blind["content"], str)
