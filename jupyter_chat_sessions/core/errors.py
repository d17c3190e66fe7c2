"""Everything that can be refused, as one small tree. Each error has a stable `code`; doors map classes to statuses.

ChatError
├── Malformed            InvalidThreadId  InvalidMessageId  InvalidRunId  InvalidSessionKey  InvalidPath
├── Unauthorized         ShareExpired  ShareRevoked
├── Forbidden
├── NotFound             ThreadNotFound  ThreadDeleted (ThreadGone)  MessageNotFound  RunNotFound  FileNotFound
├── Conflict             RunInProgress  IdempotencyMismatch  NotWaiting  FileExists  PieceMissing
├── Stale
├── TooLarge
├── Unreadable           Replaced
├── Busy
└── StorageFailed        DiskFull  ReadOnly
"""

from __future__ import annotations


class ChatError(Exception):
    """Something was refused: `code` for programs, `message` for people (what was given, expected, to do)."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Malformed(ChatError):
    """The request cannot be understood as it stands."""

    code = "malformed"


class InvalidThreadId(Malformed):
    code = "invalid_thread_id"


class InvalidMessageId(Malformed):
    code = "invalid_message_id"


class InvalidRunId(Malformed):
    code = "invalid_run_id"


class InvalidSessionKey(Malformed):
    code = "invalid_session_key"


class InvalidPath(Malformed):
    code = "invalid_path"


class Unauthorized(ChatError):
    """Who asks has shown no token that is good, or one that no longer is."""

    code = "unauthorized"


class ShareExpired(Unauthorized):
    code = "share_expired"


class ShareRevoked(Unauthorized):
    code = "share_revoked"


class Forbidden(ChatError):
    """It is known who asks, and this is not theirs to do."""

    code = "forbidden"


class NotFound(ChatError):
    """There is no such thing, or it is another's: the two are not told apart."""

    code = "not_found"


class ThreadNotFound(NotFound):
    code = "thread_not_found"


class ThreadDeleted(NotFound):
    code = "thread_deleted"


class ThreadGone(ThreadDeleted):
    """Its folder is not where it was, and nobody deleted it: moved by another program, perhaps for a moment."""

    code = "thread_gone"


class MessageNotFound(NotFound):
    code = "message_not_found"


class RunNotFound(NotFound):
    code = "run_not_found"


class FileNotFound(NotFound):
    code = "file_not_found"


class Conflict(ChatError):
    """It was understood, but does not fit the state things are in."""

    code = "conflict"


class RunInProgress(Conflict):
    code = "run_in_progress"


class IdempotencyMismatch(Conflict):
    code = "idempotency_mismatch"


class NotWaiting(Conflict):
    code = "not_waiting"


class FileExists(Conflict):
    code = "file_exists"


class PieceMissing(Conflict):
    code = "piece_missing"


class Stale(ChatError):
    """The caller changed a version that is no longer the newest."""

    code = "stale"


class TooLarge(ChatError):
    """More than the limit, which the message names."""

    code = "too_large"


class Unreadable(ChatError):
    """The transcript is there and cannot be read as one; it is left untouched."""

    code = "unreadable"


class Replaced(Unreadable):
    """The transcript does not begin any more with what was read of it: another stands in its place."""


class Busy(ChatError):
    """Too much is waiting already; the same request may do later."""

    code = "busy"


class StorageFailed(ChatError):
    """The disk refused. Nothing has changed."""

    code = "storage_failed"


class DiskFull(StorageFailed):
    code = "disk_full"


class ReadOnly(StorageFailed):
    code = "read_only"


class AgentFailed(ChatError):
    """Whoever answers could not. The code says why: `auth`, `rate_limit`, `unreachable`, `too_many_rounds`, …"""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
