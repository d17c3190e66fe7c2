"""What a message line does: a person's is accepted, once, and waits for its answer; any is counted for lists."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from ..ids import MessageId, RunId
from ..transcript import MessageLine, Options, text_of
from ..words import first_said, gist
from .value import Accepted, Conversation, Waiting

TITLE_LENGTH = 60
PREVIEW_LENGTH = 80
NO_WISHES = Options()


def with_message(before: Conversation, line: MessageLine) -> Conversation:
    """The conversation with one message more."""
    message_id = MessageId(line.message["id"])
    changes = _words(before, line)
    if line.message["role"] == "user" and line.run_id is not None and message_id not in before.accepted:
        changes |= _acceptance(before, line, message_id, line.run_id)
    return replace(before, **changes)


def _acceptance(before: Conversation, line: MessageLine, message_id: MessageId, run_id: RunId) -> dict[str, Any]:
    """What a person's message changes beside what lists show."""
    wishes = _lasting(line.options, is_here=line.options.place == before.place)
    accepted = Accepted(run_id, line.seq, fingerprint(line.message.get("content")), wishes)
    changes = {
        "accepted": before.accepted.insert(message_id, accepted),
        "origin": before.origin if before.accepted else line.options.door,
        "is_listed": before.is_listed or line.options.is_listed,
        "first_words": first_said(before.first_words, text_of(line.message), TITLE_LENGTH),
    }
    if line.options.place != before.place:
        return {**changes, "wanted": {}}
    is_kept = line.options.permissions is None or line.options.visitor is not None  # theirs are for their own message
    return {
        **changes,
        "queue": (*before.queue, Waiting(message_id, run_id, line.seq, line.options)),
        "wanted": before.wanted if is_kept else line.options.permissions,
    }


def _words(before: Conversation, line: MessageLine) -> dict[str, Any]:
    """What a message changes in lists of threads: how many there are, the last words, when."""
    when = max(before.updated, line.created)  # a clock that is set back takes no thread down the list
    changes: dict[str, Any] = {"updated": when, "seq": max(before.seq, line.seq)}
    if line.message["role"] == "tool":
        return changes
    words = gist(text_of(line.message), PREVIEW_LENGTH)
    return {**changes, "message_count": before.message_count + 1, "last_words": words or before.last_words}


def _lasting(options: Options, *, is_here: bool) -> Options:
    """What holds when the message is answered again. What was asked for in another place is not heeded in this one."""
    lasting = Options(
        instructions=options.instructions if is_here else None,
        tool_names=options.tool_names,
        asks_first=options.asks_first,
        visitor=options.visitor,
    )
    return NO_WISHES if lasting == NO_WISHES else lasting


def fingerprint(content: Any) -> bytes:
    """16 bytes that tell one message body from another."""
    body = json.dumps(content, sort_keys=True, ensure_ascii=True).encode()
    return hashlib.blake2b(body, digest_size=16).digest()
