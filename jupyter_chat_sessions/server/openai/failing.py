"""A run's failure in the words and statuses of these doors: what a provider refused is told, its internals are not."""

from __future__ import annotations

from collections.abc import Mapping

from .envelope import Failed
from .telling import Ended

_STATUS = {
    "auth": 401,
    "forbidden": 403,
    "quota": 429,
    "rate_limit": 429,
    "context_overflow": 400,
    "bad_request": 400,
    "model_not_found": 404,
    "not_found": 404,
    "stalled": 504,
    "timeout": 504,
    "unreachable": 502,
    "connection": 502,
    "truncated": 502,
    "server": 502,
    "thread_deleted": 404,
    "thread_gone": 404,
}
_CODES = {
    "rate_limit": "rate_limit_exceeded",
    "quota": "insufficient_quota",
    "context_overflow": "context_length_exceeded",
}


def failure_of(end: Ended) -> Failed | None:
    """Why a run gave no answer; `None` where it gave one, or was stopped."""
    if end.outcome not in ("error", "interrupted"):
        return None
    error: Mapping[str, str] = end.error or {}
    code = error.get("code", "server_error")
    return Failed(_STATUS.get(code, 500), _CODES.get(code, code), error.get("message", "The run failed."))
