"""Files of a thread: served so that nothing in them runs, and never from elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from served import Raw, Rest, tree, until
from tornado.simple_httpclient import HTTPStreamClosedError

from jupyter_chat_sessions.files.safe_open import OpenFile

PNG = b"\x89PNG\r\n\x1a\n rest"


def tool_files(root: Path, thread_id: str) -> Path:
    """The folder a thread's tools work in, as they would have made it."""
    folder = root / ".chats" / thread_id / "files"
    folder.mkdir(exist_ok=True)
    return folder


async def test_only_what_a_browser_shows_and_never_runs_is_inline_and_nothing_is_cached(
    raw: Raw, rest: Rest, jp_root_dir: Path
) -> None:
    thread_id = (await rest("POST", "/threads", {})).json["thread_id"]
    folder = tool_files(jp_root_dir, thread_id)
    contents = {
        "plot.png": PNG, "data.csv": b"a,b\n", "x.svg": b"<svg onload='x()'/>", "x.html": b"<script>x()</script>",
        "note.txt": "ünï".encode(), "x.xml": b"<a/>", "x.pdf": b"%PDF", "none": b"", "deep/ä b#?.js": b"x()",
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    listed = (await rest("GET", f"/threads/{thread_id}/files")).json["files"]
    assert {each["path"]: each["size"] for each in listed} == {name: len(c) for name, c in contents.items()}
    inline = {"plot.png": "image/png", "note.txt": "text/plain; charset=UTF-8"}
    for each in listed:
        assert each["url"].startswith(f"/a%40b/chat-sessions/threads/{thread_id}/files/")
        for method in ("GET", "HEAD"):
            answer = await raw(method, each["url"], base="")
            assert answer.status == 200
            assert answer.headers["Content-Type"] == inline.get(each["path"], "application/octet-stream"), each["path"]
            expected = "inline" if each["path"] in inline else "attachment"
            assert answer.headers["Content-Disposition"].startswith(expected), each["path"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "no-store" in answer.headers["Cache-Control"]
            assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
            assert answer.headers["Content-Length"] == str(each["size"])
            assert answer.body == (contents[each["path"]] if method == "GET" else b"")


async def test_a_files_address_is_used_as_it_is_given(raw: Raw, rest: Rest) -> None:
    thread_id = (await rest("POST", "/threads", {})).json["thread_id"]
    for name in ("ä b#?&;%.txt", "a+b.txt", "x/y/z.txt", "'\"<>.txt"):
        put = await raw("PUT", f"/threads/{thread_id}/files/{quote(name)}", b"content of it")
        assert (put.status, put.json["path"], put.json["size"]) == (201, name, 13)
        served = await raw("GET", put.json["url"], base="")
        assert (served.status, served.body) == (200, b"content of it")
        assert (await raw("GET", put.json["url"], base="", is_known=False)).status == 403


async def test_ranges_and_tags_give_what_was_asked_and_never_a_mixture(rest: Rest, jp_root_dir: Path) -> None:
    thread_id = (await rest("POST", "/threads", {})).json["thread_id"]
    (tool_files(jp_root_dir, thread_id) / "a.bin").write_bytes(bytes(range(100)))
    address = f"/threads/{thread_id}/files/a.bin"
    whole = await rest("GET", address)
    tag = whole.headers["Etag"]
    for asked, status, body, told in (
        ("bytes=0-9", 206, bytes(range(10)), "bytes 0-9/100"),
        ("bytes=90-", 206, bytes(range(90, 100)), "bytes 90-99/100"),
        ("bytes=-5", 206, bytes(range(95, 100)), "bytes 95-99/100"),
        ("bytes=50-500", 206, bytes(range(50, 100)), "bytes 50-99/100"),
        ("bytes=0-1,5-6", 200, whole.body, None),
        ("lines=1-2", 200, whole.body, None),
        ("bytes=9-3", 416, None, "bytes */100"),
        ("bytes=100-", 416, None, "bytes */100"),
        ("bytes=-0", 416, None, "bytes */100"),
    ):
        answer = await rest("GET", address, headers={"Range": asked})
        assert (answer.status, answer.headers.get("Content-Range")) == (status, told), asked
        assert answer.body == body if body is not None else answer.refusal == (416, "range_not_satisfiable")
    assert (await rest("GET", address, headers={"Range": "bytes=0-9", "If-Range": tag})).status == 206
    assert (await rest("GET", address, headers={"Range": "bytes=0-9", "If-Range": '"other"'})).status == 200
    for method in ("GET", "HEAD"):
        unchanged = await rest(method, address, headers={"If-None-Match": tag})
        assert (unchanged.status, unchanged.body) == (304, b"")
    assert (await rest("HEAD", address, headers={"Range": "bytes=0-9"})).headers["Content-Length"] == "10"


async def test_no_link_and_no_odd_path_leads_out_of_the_folder(
    raw: Raw, rest: Rest, jp_root_dir: Path, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    before = tree(outside)
    thread_id = (await rest("POST", "/threads", {})).json["thread_id"]
    folder = tool_files(jp_root_dir, thread_id)
    (folder / "link.txt").symlink_to(outside / "secret.txt")
    (folder / "inner").symlink_to(outside)
    os.link(outside / "secret.txt", folder / "hard.txt")
    os.mkfifo(folder / "pipe")
    assert (await rest("GET", f"/threads/{thread_id}/files")).json == {"files": []}
    odd = (
        "link.txt", "inner/secret.txt", "hard.txt", "pipe", "%2e%2e/chat.jsonl", "..%2Fchat.jsonl",
        "%2e%2e%2fchat.jsonl", "%2Fetc%2Fpasswd", "a%00b", "x%0Ay", "a%5Cb", "./a", "inner", "a//b", "x" * 300,
        "%FF", "nothing",
    )  # fmt: skip
    for path in odd:
        for method in ("GET", "DELETE"):
            answer = await raw(method, f"/threads/{thread_id}/files/{path}")
            if method == "GET" or path not in ("link.txt", "hard.txt", "pipe", "inner"):  # these themselves may go
                assert answer.refusal[0] in (400, 404), f"{method} {path}"
    assert (await raw("PUT", f"/threads/{thread_id}/files/..%2Fchat.jsonl", b"x")).refusal == (400, "invalid_path")
    assert tree(outside) == before
    assert (outside / "secret.txt").read_text() == "secret"

    for victim in ("files", ""):
        other = (await rest("POST", "/threads", {})).json["thread_id"]
        place = jp_root_dir / ".chats" / other / victim
        if victim == "":
            (place / "chat.jsonl").unlink()
            place.rmdir()
        place.symlink_to(outside)
        doors = (("GET", ""), ("GET", "/secret.txt"), ("PUT", "/new.txt"), ("DELETE", "/secret.txt"))
        for method, door in ((method, f"/files{path}") for method, path in doors):
            answer = await rest(method, f"/threads/{other}{door}", b"x" if method == "PUT" else None)
            assert answer.refusal[0] in (404, 409, 422), f"{victim} {method} {door}"
        code = {"content": "open('owned.txt', 'w').write('x')"}
        sent = await rest("POST", f"/threads/{other}/messages", code, query={"wait": "true"})
        assert sent.status in (404, 422) or sent.json["messages"][1]["error"]
        assert tree(outside) == before


async def test_a_file_is_put_whole_once_and_removed(rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]) -> None:
    thread_id = new_id()
    address = f"/threads/{thread_id}/files/in/a.txt"
    content = os.urandom(3_000_000)
    put = await rest("PUT", address, content)
    assert (put.status, put.headers["X-Thread-Id"]) == (201, thread_id)
    assert (await rest("GET", address)).body == content
    assert (await rest("PUT", address, b"other")).refusal == (409, "file_exists")
    assert (await rest("GET", address)).body == content
    assert (await rest("PUT", address, b"other", query={"overwrite": "true"})).status == 201
    assert (await rest("GET", address)).body == b"other"
    assert (await rest("PUT", f"/threads/{thread_id}/files/in", b"x", query={"overwrite": "true"})).status == 409
    assert (await rest("DELETE", address)).status == 204
    assert (await rest("DELETE", address)).refusal == (404, "file_not_found")
    assert not [path for path in tree(jp_root_dir) if ".new-" in path]


async def test_files_of_a_run_without_a_thread_are_served_from_its_own_folder_only(
    raw: Raw, rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    run_id = new_id()
    folder = jp_root_dir / ".chats" / "_default" / run_id / "files"
    folder.mkdir(parents=True)
    (folder / "plot.png").write_bytes(PNG)
    served = await rest("GET", f"/runs/{run_id}/files/plot.png")
    assert (served.status, served.body, served.headers["Content-Type"]) == (200, PNG, "image/png")
    assert (await rest("HEAD", f"/runs/{run_id}/files/plot.png")).headers["Content-Length"] == str(len(PNG))
    assert (await rest("GET", f"/runs/{new_id()}/files/plot.png")).refusal[0] == 404
    assert (await raw("GET", f"/runs/%2e%2e/files/{run_id}/files/plot.png")).refusal == (400, "invalid_run_id")
    assert (await raw("GET", f"/runs/{run_id}/files/..%2f..%2fx")).refusal == (400, "invalid_path")


async def test_what_calls_without_a_thread_left_a_week_ago_is_swept_at_the_next_use_and_nothing_younger(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    default = jp_root_dir / ".chats" / "_default"
    old, young = new_id(), new_id()
    for run_id, days in ((old, 8), (young, 6)):
        (default / run_id / "files").mkdir(parents=True)
        (default / run_id / "files" / "plot.png").write_bytes(PNG)
        then = time.time() - days * 24 * 3600
        os.utime(default / run_id, (then, then))
    assert (await rest("GET", f"/runs/{young}/files/plot.png")).status == 200
    await until(lambda: not (default / old).exists())
    assert (await rest("GET", f"/runs/{young}/files/plot.png")).status == 200


async def test_a_file_that_shrinks_while_it_is_sent_ends_the_connection_and_not_the_server(
    rest: Rest, jp_root_dir: Path, monkeypatch: Any
) -> None:
    thread_id = (await rest("POST", "/threads", {})).json["thread_id"]
    path = tool_files(jp_root_dir, thread_id) / "big.bin"
    path.write_bytes(b"x" * 2_000_000)
    read = OpenFile.read

    def shrinking(self: OpenFile, start: int, count: int) -> bytes:
        if start:
            os.truncate(path, 10)
        return read(self, start, count)

    monkeypatch.setattr(OpenFile, "read", shrinking)
    with pytest.raises(HTTPStreamClosedError):
        await rest("GET", f"/threads/{thread_id}/files/big.bin")
    assert (await rest("GET", "/health")).status == 200
