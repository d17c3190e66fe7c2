"""A thread as its lines tell it: the value a session decides with.

`adopt(conversation, line)` is the only way it changes, for our own lines and for those of others alike, so two servers
that read one transcript hold the same conversation. It never refuses: what stands on disk has happened.

A transcript may come with a copied or cloned folder. What it says was said; but what it permits, and what it has
waiting, it does not bring along: grants, settings, questions and messages count only in the place they were given in,
by its mark.

`value` is the value; `adopting` says what each line does to it: those of `messages`, those of `runs`, and the others;
`asking` is what a person is asked, and what their answer allows.
"""

from .adopting import adopt, begin, moved
from .asking import CLIENT_TOOL, Asked, Decided, is_approved
from .messages import fingerprint
from .value import UNTITLED, Accepted, Conversation, Receipt, Run, Waiting, is_beside

__all__ = [
    "CLIENT_TOOL",
    "UNTITLED",
    "Accepted",
    "Asked",
    "Conversation",
    "Decided",
    "Receipt",
    "Run",
    "Waiting",
    "adopt",
    "begin",
    "fingerprint",
    "is_approved",
    "is_beside",
    "moved",
]
