"""What can go wrong with a provider, in our own words.

The rule kept here: nothing a provider wrote is passed on. Its texts repeat keys, prompts and addresses. They are only
looked through for what kind of failure it is; a code of small letters, such as `unsupported_value`, may be named.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from ...core.errors import AgentFailed

Feature = Literal["stream_options", "tools", "images"]
"""What a request can do without where a server refuses it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked for what: the words that failures are told in."""

    title: str
    host: str
    model: str
    key_variable: str


class ProviderFailed(AgentFailed):
    """A failure, and what may help: to wait where it `is_passing`, `retry_after` seconds; to leave out a `feature`."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        is_passing: bool = False,
        retry_after: float | None = None,
        feature: Feature | None = None,
    ) -> None:
        super().__init__(code, message)
        self.is_passing = is_passing
        self.retry_after = retry_after
        self.feature = feature


_WORDS = {
    "auth": "{title} did not accept the API key{where}.",
    "forbidden": "{title} does not let this key use {model}.",
    "quota": "The account at {title} has no credit left, or has reached its limit.",
    "rate_limit": "{title} is asked too often just now; try again in a moment.",
    "context_overflow": "The conversation is longer than {model} can read, even shortened. Start a new chat.",
    "model_not_found": "{title} ({host}) has no model {model}, or this key cannot use it.",
    "bad_request": "{title} refused the request{hint}.",
    "unreachable": "{title} cannot be reached at {host}. Is it running, and is the network there?",
    "stalled": "{title} has sent nothing for too long.",
    "truncated": "The connection to {title} ended before the answer did.",
    "server": "{title} failed{hint}.",
}
_PASSING = frozenset({"rate_limit", "unreachable", "server"})
_BY_STATUS = {
    401: "auth",
    402: "quota",
    403: "forbidden",
    404: "model_not_found",
    408: "server",
    409: "server",
    429: "rate_limit",
}

_PLAIN_CODE = re.compile(r"[a-z]{2,30}(_[a-z]{2,30}){0,4}")
_NO_CREDIT = frozenset(
    {"insufficient_quota", "insufficient_balance", "billing_not_active", "billing_hard_limit_reached"}
)
_TOO_LONG = re.compile(
    r"context[ _]length|maximum context|context[ _]window|context[ _]size|prompt is too long|too many tokens"
    r"|input token count|max_prompt_tokens|reduce the length of the (messages|prompt)"
)
_NO_MODEL = re.compile(
    r"model_not_found|model_not_supported|(unknown|invalid|no such) model|not a valid model"
    r"|model\b.{0,120}\b(not found|does not exist|is not available)"
)
_BAD_KEY = re.compile(r"api[ _]key not valid|invalid[ _]api[ _]key|incorrect api key")
_REFUSED: tuple[tuple[Feature, re.Pattern[str]], ...] = (
    ("stream_options", re.compile(r"stream_options|include_usage")),
    (
        "tools",
        re.compile(
            r"not support (tools|tool use|tool calling|function)|enable-auto-tool-choice|tools are not supported"
        ),
    ),
    ("images", re.compile(r"not support (image|vision|multimodal)|not a multimodal|image_url|image input|mmproj")),
)


def failure(code: str, asked: Asked, hint: str = "", **more: Any) -> ProviderFailed:
    """A failure of that code, said about who was asked."""
    words = _WORDS[code].format(
        title=asked.title,
        host=asked.host,
        model=asked.model,
        hint=f" ({hint})" if hint else "",
        where=f"; look at {asked.key_variable}" if asked.key_variable else "",
    )
    return ProviderFailed(code, words[0].upper() + words[1:], **{"is_passing": code in _PASSING, **more})


def failure_of_status(status: int, headers: Mapping[str, str], body: bytes, asked: Asked) -> ProviderFailed:
    """What an answer other than 200 means."""
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return _failure(status, found, text.lower(), asked, retry_after_of(headers))


def failure_of_error(error: Any, asked: Asked) -> ProviderFailed:
    """What an `error` in the middle of a stream means."""
    status = error.get("code") if isinstance(error, dict) else None
    status = int(status) if isinstance(status, int) or (isinstance(status, str) and status.isdecimal()) else 500
    return _failure(status, error, json.dumps(error).lower(), asked, None)


def _failure(status: int, found: Any, text: str, asked: Asked, retry_after: float | None) -> ProviderFailed:
    names = _names_in(found)
    code = _code(status, names, text)
    feature = None
    if code == "bad_request" or (code == "server" and status == 500):
        feature = next((each for each, pattern in _REFUSED if pattern.search(text)), None)
    more: dict[str, Any] = {"is_passing": code in _PASSING and status not in (404, 501, 505)}
    return failure(code, asked, _hint(status, names), retry_after=retry_after, feature=feature, **more)


def _code(status: int, names: list[str], text: str) -> str:
    if _NO_CREDIT.intersection(names):
        return "quota"
    if status in (400, 413, 422, 500) and _TOO_LONG.search(text):
        return "context_overflow"
    if status in (400, 422, 500) and _NO_MODEL.search(text):
        return "model_not_found"
    if status in (400, 500) and _BAD_KEY.search(text):
        return "auth"
    return _BY_STATUS.get(status) or ("server" if status >= 500 else "bad_request")


def _names_in(found: Any) -> list[str]:
    """The codes and types an error gives itself: in `error`, in the list some wrap it in, or beside each other."""
    found = found[0] if isinstance(found, list) and found else found
    inner = found.get("error", found) if isinstance(found, dict) else None
    given = [inner.get(key) for key in ("code", "type", "status")] if isinstance(inner, dict) else []
    return [each.lower() for each in given if isinstance(each, str)]


def _hint(status: int, names: list[str]) -> str:
    plain = [name for name in names if _PLAIN_CODE.fullmatch(name)]
    return ", ".join([f"HTTP {status}", *plain[:1]])


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """The seconds a server asks to wait: `Retry-After` as seconds or a date, or `retry-after-ms`."""
    try:
        if "retry-after-ms" in headers:
            return max(float(headers["retry-after-ms"]) / 1000, 0.0)
        given = headers.get("retry-after", "")
        if not given:
            return None
        if given.replace(".", "", 1).isdecimal():
            return float(given)
        return max(parsedate_to_datetime(given).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None
