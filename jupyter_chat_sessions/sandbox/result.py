"""The end of a call, as the agent reads it and as the chat keeps it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..core.roles import Artifact, Level, ToolResult
from .beside import notice
from .call import Call, Ending
from .policy import SandboxPolicy
from .record import weight

_WHY = {
    "culled": "the one before was ended after a long time without use",
    "timeout": "the one before had to be killed when its time was up",
    "cancelled": "the one before had to be killed when its call was cancelled",
    "crash": "the one before died",
    "user": "it was restarted on request",
    "server_restart": "the server was restarted",
    "memory": "the one before used too much memory",
    "disk": "the one before put too much into its folder",
    "withdrawn": "the notebook's folder may no longer be read",
    "chats": "another chat was begun in the notebook's folder, and is left out of what can be read there",
    "disk_full": "the one before nearly filled the disk",
}
_LIMITS = {
    Ending.MEMORY: "it used more than {memory} of memory",
    Ending.DISK: "its folder holds more than {disk} or {entries:,} files; delete some",
    Ending.DISK_FULL: "there is hardly any space left on the disk",
}
_SLACK = 500
"""What is left free of the metadata for what a tool adds."""
_FILES_SHARE = 0.4
"""How much of the metadata a long list of files may take."""


def refused(message: str, level: Level) -> ToolResult:
    """The result of a call that never ran."""
    return ToolResult(message, message, {"level": level, "outputs": [], "artifacts": []})


def result(
    call: Call, ending: Ending, artifacts: Sequence[Artifact], level: Level, policy: SandboxPolicy
) -> ToolResult:
    """The result of a call that ran."""
    error, after = _error(call, ending, policy)
    before = "\n".join(filter(None, (_newcomer(call), _beside(call))))
    content = call.outputs.saying.content(before, "\n".join([*_notices(call, ending, policy), *after]))
    metadata: dict[str, Any] = {
        "level": level,
        "kernel": {"epoch": call.kernel.epoch, "fresh": call.is_fresh, "reason": call.kernel.reason},
        "duration_ms": round((time.monotonic() - call.asked) * 1000),
    }
    if call.kernel.provisioner.beside_at:
        metadata["notebook_folder"] = call.kernel.provisioner.beside_at
    metadata["artifacts"] = _fitting(artifacts, int(policy.metadata_bytes * _FILES_SHARE))
    room = policy.metadata_bytes - weight(metadata) - _SLACK
    metadata["outputs"] = call.outputs.record.outputs(room)
    return ToolResult(content, error, metadata)


def _newcomer(call: Call) -> str:
    if not call.is_fresh or call.kernel.epoch == 1:
        return ""
    why = _WHY.get(call.kernel.reason, "the one before has gone")
    return f"[New Python process: {why}. Variables from earlier calls are gone; files remain.]"


def _beside(call: Call) -> str:
    beside = call.kernel.beside if call.is_fresh else None
    return notice(beside, call.kernel.provisioner.beside_at) if beside else ""


def _error(call: Call, ending: Ending, policy: SandboxPolicy) -> tuple[str | None, list[str]]:
    """The error in a word, and what the agent is told of it."""
    if ending is Ending.TIMEOUT:
        error = f"timed out after {call.timeout_s:g} s"
        killed = "It had to be killed: variables are gone, files remain."
        fate = "Variables and files remain." if call.has_its_kernel else killed
        return error, [f"[{error[0].upper()}{error[1:]}. {fate}]"]
    if ending is Ending.DIED:
        error = "the Python process died"
        return error, [f"[The Python process died{_cause(call)}. Variables are gone; files remain.]"]
    if ending in _LIMITS:
        error = _LIMITS[ending].format(
            memory=_size(policy.memory_bytes), disk=_size(policy.quota_bytes), entries=policy.quota_entries
        )
        return error, [f"[The Python process was ended: {error}. Variables are gone; files remain.]"]
    if ending is Ending.RESTARTED:
        error = "the Python process was restarted during the call"
        return error, ["[The Python process was restarted during the call. Variables are gone; files remain.]"]
    if call.outputs.error is None and (call.request.reply or {}).get("status") == "aborted":
        return "the call was aborted", ["[The call was aborted before it ran.]"]
    if call.outputs.error is None and call.request.is_lost:
        return "it failed with an error too large to be read", ["[It failed with an error too large to be read.]"]
    return call.outputs.error or _replied_error(call.request.reply or {}), []


def _size(count: int) -> str:
    return f"{count / 2**30:g} GB" if count >= 2**30 else f"{count / 2**20:g} MB"


def _replied_error(reply: Mapping[str, Any]) -> str | None:
    """The error the reply tells, where its output did not come."""
    return f"{reply.get('ename')}: {str(reply.get('evalue'))[:500]}" if reply.get("status") == "error" else None


def _cause(call: Call) -> str:
    code = call.kernel.provisioner.exit_code
    if code is None:
        return ""
    if code >= 0:
        return f" (exit code {code})"
    return f" (signal {-code}{', perhaps out of memory' if code == -9 else ''})"


def _notices(call: Call, ending: Ending, policy: SandboxPolicy) -> list[str]:
    notices = []
    if call.request.dropped and ending in (Ending.DONE, Ending.TIMEOUT):
        size = policy.message_bytes // 2**20
        notices.append(f"[An output larger than {size} MB was dropped; write large data to a file instead.]")
    if ending is Ending.DONE and not call.request.is_idle:
        notices.append("[The end of the output was not seen; some of it may be missing.]")
    if call.outputs.images_passed_over:
        notices.append(f"[{call.outputs.images_passed_over} more images were not kept; save them to files instead.]")
    return notices


def _fitting(artifacts: Sequence[Artifact], limit: int) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    room = limit
    for artifact in artifacts:
        record = asdict(artifact)
        room -= weight(record) + 1
        if room < 0:
            break
        kept.append(record)
    return kept
