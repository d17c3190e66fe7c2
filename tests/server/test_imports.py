"""Chats of other programs become threads, once each, and say where they came from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from played import Played
from served import Raw, Rest, lines_of, tree

LAB_CHAT: dict[str, Any] = {
    "messages": [
        {"id": "2", "body": "A plot.", "time": 2.5, "sender": "bot", "type": "msg"},
        {"id": "1", "body": "what is this?", "time": 1.5, "sender": "ann", "type": "msg"},
        {"id": "3", "body": "gone", "time": 3, "sender": "ann", "type": "msg", "deleted": True},
    ],
    "users": {"ann": {"username": "ann", "display_name": "Ann"}, "bot": {"username": "bot", "bot": True}},
    "attachments": {},
    "metadata": {"id": "abc"},
}
LIST = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": [{"type": "text", "text": "list"}]},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c1", "content": "a.txt"},
    {"role": "assistant", "content": "One file."},
]  # fmt: skip


def said(root: Path, thread_id: str) -> list[tuple[str, str]]:
    lines = [line["message"] for line in lines_of(root, thread_id) if line["type"] == "message"]
    return [(message["role"], message["content"]) for message in lines]


async def test_a_jupyterlab_chat_is_a_thread_once_that_says_where_it_came_from_and_goes_on(
    rest: Rest, jp_root_dir: Path, agent: Played
) -> None:
    made = await rest("POST", "/imports", LAB_CHAT, query={"name": "old talk.chat"})
    thread_id = made.json["thread_id"]
    assert (made.status, made.json["title"]) == (201, "old talk")
    assert said(jp_root_dir, thread_id) == [("user", "what is this?"), ("assistant", "A plot.")]
    note = next(line for line in lines_of(jp_root_dir, thread_id) if line["type"] == "imported")
    assert note["source"] == {"kind": "jupyterlab-chat", "name": "old talk.chat", "id": "abc"}
    again = await rest("POST", "/imports", {**LAB_CHAT, "attachments": {"more": {}}}, query={"name": "copy.chat"})
    assert (again.status, again.json["thread_id"]) == (200, thread_id)
    body = {"content": "and now?", "model": "played"}
    assert (await rest("POST", f"/threads/{thread_id}/messages", body, query={"wait": "true"})).status == 200
    assert [each["content"] for each in agent.requests[-1].messages] == ["what is this?", "A plot.", "and now?"]
    assert [row["thread_id"] for row in (await rest("GET", "/threads")).json["threads"]] == [thread_id]


async def test_a_list_of_messages_keeps_its_tool_calls_and_the_same_bytes_are_the_same_thread(
    rest: Rest, jp_root_dir: Path
) -> None:
    made = await rest("POST", "/imports", LIST)
    assert said(jp_root_dir, made.json["thread_id"]) == [
        ("user", "list"), ("assistant", ""), ("tool", "a.txt"), ("assistant", "One file."),
    ]  # fmt: skip
    assert (await rest("POST", "/imports", LIST)).json["thread_id"] == made.json["thread_id"]
    assert (await rest("POST", "/imports", LIST[:2])).json["thread_id"] != made.json["thread_id"]


async def test_a_transcript_of_the_older_layout_or_of_this_one_is_a_thread_of_its_own(
    raw: Raw, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    guid = new_id()
    header = {"type": "header", "schema_version": 1, "guid": guid, "created": "2026-01-01T00:00:00Z", "notebook": None}
    question = {"questions": [{"text": "2 + 2?"}]}
    turn = {"type": "turn", "seq": 1, "created": "2026-01-01T00:00:01Z", "question": question, "answer": "4"}
    older = "\n".join(json.dumps(each) for each in (header, turn)).encode()
    made = await raw("POST", "/imports?name=chat.jsonl", older)
    assert made.json["thread_id"] != guid
    assert said(jp_root_dir, made.json["thread_id"]) == [("user", "2 + 2?"), ("assistant", "4")]
    ours = (jp_root_dir / ".chats" / made.json["thread_id"] / "chat.jsonl").read_bytes()
    copied = await raw("POST", "/imports?name=chat.jsonl", ours)
    assert said(jp_root_dir, copied.json["thread_id"]) == said(jp_root_dir, made.json["thread_id"])


async def test_a_chat_that_was_deleted_is_brought_back_by_importing_it_again(rest: Rest) -> None:
    made = await rest("POST", "/imports", LAB_CHAT)
    await rest("DELETE", f"/threads/{made.json['thread_id']}")
    again = await rest("POST", "/imports", LAB_CHAT)
    assert (again.status, again.json["thread_id"], again.json["message_count"]) == (200, made.json["thread_id"], 2)


MESSAGE = {"role": "user", "content": "x"}
RUN = "8f14e45f-ceea-467f-9575-2d3c3c8a2d12"
PART = {"type": "text", "text": "x", "odd": float("nan")}
LINES = (
    {"type": "header", "schema_version": 1, "guid": RUN, "created": "2026"},
    {
        "type": "message",
        "seq": 1,
        "created": "2026",
        "run_id": RUN,
        "message": {**MESSAGE, "id": "m", "content": [PART]},
    },
    {"type": "start", "seq": 2, "created": "2026", "run_id": RUN, "message_id": "m"},
)
ODD: dict[str, tuple[Any, int]] = {
    "a role that is a list": ([{**MESSAGE, "role": []}], 400),
    "calls that are a number": ([MESSAGE, {"role": "assistant", "content": "", "tool_calls": 5}], 400),
    "a call id that is a list": ([MESSAGE, {"role": "tool", "content": "", "tool_call_id": []}], 400),
    "a time that never comes": ({**LAB_CHAT, "messages": [{**LAB_CHAT["messages"][0], "time": float("inf")}]}, 201),
    "a time too long for a float": (
        {**LAB_CHAT, "metadata": {"id": "long"}, "messages": [{**LAB_CHAT["messages"][0], "time": 10**400}]},
        201,
    ),
    "half a letter as its id": ({**LAB_CHAT, "metadata": {"id": "\ud800"}}, 201),
    "half a letter as its words": ([{**MESSAGE, "content": "\ud800"}], 201),
    "a title of a megabyte": ({"messages": [MESSAGE], "title": "t" * 1_000_000}, 201),
    "no number in a part": ("".join(f"{json.dumps(line)}\n" for line in LINES), 201),
    "more than can be": ([MESSAGE, *[{"role": "assistant", "content": ""}] * 10_000], 400),
}


def strict(text: bytes) -> Any:
    """JSON as browsers read it."""

    def refuse(name: str) -> Any:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


async def test_odd_files_are_refused_or_become_threads_that_every_browser_reads(rest: Rest) -> None:
    for name, (given, status) in ODD.items():
        made = await rest("POST", "/imports", given)
        assert made.status == status, (name, made.body[:300])
        if status == 400:
            assert made.refusal[1] == "malformed"
            continue
        told = strict(made.body)
        assert len(told["title"]) <= 500
        for path, query in (("messages", {}), ("export", {"format": "json"})):
            answer = await rest("GET", f"/threads/{told['thread_id']}/{path}", query=query)
            assert strict(answer.body)


@pytest.mark.parametrize(
    "given",
    [b"", b"\xff\xfe", b"# Notes", b"{}", b"[]", b"[1]", b'[{"role": "nobody"}]', b'{"messages": [], "users": {}}',
     b'[{"role": "tool", "content": "x", "tool_call_id": "none"}]', b'{"type": "header"}', b"[" * 100_000],
)  # fmt: skip
async def test_what_is_no_chat_is_refused_with_words_and_leaves_nothing(
    raw: Raw, jp_root_dir: Path, given: bytes
) -> None:
    answer = await raw("POST", "/imports", given)
    assert answer.refusal == (400, "malformed")
    assert tree(jp_root_dir) == set()


def test_what_is_not_known_of_a_message_is_refused_by_its_place() -> None:
    from jupyter_chat_sessions.chats.importing import found_in
    from jupyter_chat_sessions.core.errors import Malformed

    wrong: list[Any] = [LIST[1], {"role": "assistant", "content": 3}]
    with pytest.raises(Malformed, match="message 1"):
        found_in(json.dumps(wrong).encode())
