"""What was said elsewhere, told as if it had been said here. A thread in which something was said knows better."""

from __future__ import annotations

from ..conversation import Conversation
from ..events import Earlier, Imported
from ..ids import MessageId, RunId
from ..transcript import ImportedLine, Message, MessageLine, Options, RunLine, StartLine, TitleLine
from .drafting import Drafting


def bring_in(drafting: Drafting, event: Imported) -> None:
    """Tells a chat of another program, in a thread in which nothing was said."""
    if drafting.after.accepted:
        return
    drafting.write(ImportedLine(*drafting.place(), event.source))
    if event.title is not None:
        drafting.write(TitleLine(*drafting.place(), event.title))
    for turn in event.turns:
        if turn.question is not None:
            recall(drafting, turn, turn.question, Options(place=drafting.after.place), drafting.after.head)
    drafting.is_synced = True


def takes_earlier(now: Conversation, options: Options) -> bool:
    """Whether what was said elsewhere has a place: before all else, or on a branch while nothing else goes on."""
    is_quiet = not now.is_busy and now.asked is None
    return (now.head is None and not now.accepted) or (options.is_branch and is_quiet)


def recall(drafting: Drafting, turn: Earlier, question: Message, options: Options, follows: RunId | None) -> None:
    """Tells a turn that follows that run here."""
    drafting.write(MessageLine(*drafting.place(), question, turn.run_id, options))
    note_answer(drafting, turn, question["id"], follows)


def note_answer(drafting: Drafting, turn: Earlier, message_id: MessageId, follows: RunId | None) -> None:
    """Tells an answer to a message. It begins and ends in one write, so it needs no lane."""
    drafting.write(StartLine(*drafting.place(), turn.run_id, message_id, follows))
    for message in turn.said:
        drafting.write(MessageLine(*drafting.place(), message, turn.run_id))
    drafting.write(RunLine(*drafting.place(), turn.run_id, "success"))
