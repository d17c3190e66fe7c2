"""What went wrong between the library and a provider, as a code of ours and a status: nothing a provider wrote."""

from __future__ import annotations

from typing import Any

_BY_NAME = {
    "ModelContextWindowExceededError": "context_overflow",
    "ModelQuotaExceededError": "quota",
    "ModelRateLimitError": "rate_limit",
    "ModelNotFoundError": "model_not_found",
    "ModelAuthenticationError": "auth",
    "ModelRequestRejectedError": "bad_request",
    "ModelTimeoutError": "stalled",
    "ModelConnectionError": "unreachable",
    "ModelUnavailableError": "server",
    "ModelServerError": "server",
    "ContentFilterError": "bad_request",
    "ImportError": "not_installed",
    "UserError": "bad_request",
}
"""The library's classes by name, the narrow ones before what they are kinds of: not every version has all."""
_BY_STATUS = {400: "bad_request", 401: "auth", 402: "quota", 404: "model_not_found", 413: "context_overflow"}


def failed_record(fault: BaseException) -> dict[str, Any]:
    """`{"code", "hint"}` of a failure. The hint is a status, or the name of a class."""
    status = getattr(fault, "status_code", None)
    names = [each.__name__ for each in type(fault).__mro__]
    code = next((code for name, code in _BY_NAME.items() if name in names), None)
    if status == 403:
        code = "forbidden"
    if code is None and isinstance(status, int):
        code = _BY_STATUS.get(status, "rate_limit" if status == 429 else "server" if status >= 500 else "bad_request")
    return {"code": code or "server", "hint": f"HTTP {status}" if isinstance(status, int) else names[0]}
