"""Files that come in pieces: nothing is seen before it is whole, an upload goes on where it broke off."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from served import Rest, tree, until

from jupyter_chat_sessions.core.errors import Busy
from jupyter_chat_sessions.files.uploads import add_piece

PIECE = 1_000_000


def asked(start: int, piece: bytes, size: int) -> dict[str, str]:
    return {"Content-Range": f"bytes {start}-{start + len(piece) - 1}/{size}"}


async def test_a_5_mb_image_comes_in_pieces_is_listed_served_and_deleted_with_its_thread(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id, image = new_id(), b"\x89PNG\r\n\x1a\n" + os.urandom(5_000_000)
    address = f"/threads/{thread_id}/files/uploads/{new_id()}/plot.png"
    for start in range(0, len(image), PIECE):
        assert (await rest("GET", f"/threads/{thread_id}/files")).json.get("files", []) == []
        piece = image[start : start + PIECE]
        put = await rest("PUT", address, piece, headers=asked(start, piece, len(image)))
        assert put.json["received"] == start + len(piece)
    assert (put.status, put.json["size"]) == (201, len(image))
    (listed,) = (await rest("GET", f"/threads/{thread_id}/files")).json["files"]
    assert (listed["path"], listed["size"], listed["media_type"]) == (put.json["path"], len(image), "image/png")
    assert listed["url"] == put.json["url"]
    served = await rest("GET", address)
    assert (served.body, served.headers["Content-Type"]) == (image, "image/png")
    await rest("DELETE", f"/threads/{thread_id}")
    assert (await rest("GET", address)).refusal == (404, "thread_deleted")
    await until(lambda: not any(name.endswith(".png") for name in tree(jp_root_dir / ".chats" / thread_id)))


async def test_an_upload_goes_on_where_it_broke_off_and_nothing_is_ever_overwritten(
    rest: Rest, new_id: Callable[[], str]
) -> None:
    address, content = f"/threads/{new_id()}/files/uploads/a.bin", os.urandom(30)

    async def put(start: int, end: int, of: bytes = content) -> tuple[int, object]:
        answer = await rest("PUT", address, of[start:end], headers=asked(start, of[start:end], len(of)))
        return answer.status, answer.json.get("received", answer.json.get("code"))

    async def come() -> tuple[int, int, bool]:
        answer = await rest("PUT", address, headers={"Content-Range": f"bytes */{len(content)}"})
        return answer.status, answer.json["received"], "url" in answer.json

    assert await come() == (200, 0, False)
    assert await put(0, 10) == (200, 10)
    assert await come() == (200, 10, False)
    assert await put(20, 30) == (409, "piece_missing")
    assert await put(0, 10) == (200, 10)  # it came twice
    assert await put(10, 20) == (200, 20)
    assert await put(5, 20) == (200, 20)  # and late
    assert await put(20, 30) == (201, 30)
    assert (await rest("GET", address)).body == content
    assert await come() == (200, 30, True)
    assert await put(20, 30) == (409, "file_exists")
    assert await put(0, 40, bytes(40)) == (409, "file_exists")
    assert (await rest("PUT", address, headers={"Content-Range": "bytes */40"})).refusal == (409, "file_exists")
    assert (await rest("GET", address)).body == content


async def test_what_does_not_fit_is_refused_with_the_limit_before_anything_is_written(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    address = f"/threads/{thread_id}/files/big.bin"
    large = await rest("PUT", address, b"x", headers={"Content-Range": "bytes 0-0/536870913"})
    assert large.refusal == (413, "too_large")
    assert "536,870,912" in large.json["message"]
    odd = ("bytes 0-1/5", "bytes 5-5/5", "bytes 0-0/0", "bytes 0-0/*", "lines 0-0/5", "bytes */5", "bytes -1/5", "")
    for given in odd:
        assert (await rest("PUT", address, b"x", headers={"Content-Range": given})).refusal == (400, "malformed"), given
    path = f"/threads/{thread_id}/files/{'x' * 300}"
    assert (await rest("PUT", path, b"x", headers={"Content-Range": "bytes 0-0/1"})).refusal == (400, "invalid_path")
    assert "files" not in tree(jp_root_dir / ".chats" / thread_id)


async def test_an_upload_given_up_is_reaped_when_its_thread_is_opened_a_day_later(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = (await rest("POST", "/threads", {})).json["thread_id"]
    folder = jp_root_dir / ".chats" / thread_id / "files"
    await rest("PUT", f"/threads/{thread_id}/files/a.bin", b"x", headers={"Content-Range": "bytes 0-0/9"})
    (left,) = folder.iterdir()
    os.utime(left, (0, 0))
    await rest("PUT", f"/threads/{thread_id}/files/b.bin", b"y", headers={"Content-Range": "bytes 0-0/9"})
    (other,) = folder.iterdir()
    assert other != left
    os.utime(other, (0, 0))
    await rest("DELETE", f"/threads/{thread_id}")
    await rest("POST", f"/threads/{thread_id}/restore", {})
    await rest("GET", f"/threads/{thread_id}")
    await until(lambda: not list(folder.iterdir()))


async def test_a_link_in_the_place_of_what_has_come_is_not_written_through(
    rest: Rest, jp_root_dir: Path, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    thread_id, victim = new_id(), tmp_path / "victim"
    victim.write_text("precious")
    address = f"/threads/{thread_id}/files/a.bin"
    await rest("PUT", address, b"x", headers={"Content-Range": "bytes 0-0/2"})
    (come,) = (jp_root_dir / ".chats" / thread_id / "files").iterdir()
    for replace in (come.symlink_to, come.hardlink_to):
        come.unlink()
        replace(victim)
        assert (await rest("PUT", address, b"y", headers={"Content-Range": "bytes 1-1/2"})).status in (409, 422, 503)
        assert (await rest("PUT", address, b"y", headers={"Content-Range": "bytes 0-0/2"})).status in (409, 422, 503)
    assert victim.read_text() == "precious"


async def test_what_can_be_typed_after_a_slash_is_told(rest: Rest) -> None:
    told = {each["name"]: each for each in (await rest("GET", "/commands")).json["commands"]}
    assert {"help", "run", "files", "read", "sh", "vars", "reset", "export"} < set(told)
    assert told["run"]["usage"] == "/run <python>"
    assert {name for name, each in told.items() if each["heard_by"] == "all"} == {"model"}
    assert all(each["help"] and "\n" not in each["help"] for each in told.values())


def test_what_holds_the_lock_of_an_upload_for_ever_keeps_nobody_waiting_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tools work in that folder, and may lock what they find there."""
    monkeypatch.setattr("jupyter_chat_sessions.files.uploads.LOCK_S", 0.1)
    (folder := tmp_path / "files").mkdir()
    add_piece(folder, "a.bin", 20, 0, b"x" * 10)
    (unfinished,) = folder.iterdir()
    with unfinished.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Busy):
            add_piece(folder, "a.bin", 20, 10, b"y" * 10)
    monkeypatch.undo()
    assert add_piece(folder, "a.bin", 20, 10, b"y" * 10) == 20
    assert (folder / "a.bin").read_bytes() == b"x" * 10 + b"y" * 10
