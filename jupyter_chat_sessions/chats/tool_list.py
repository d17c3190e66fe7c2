"""The tools of a thread as a person is told of them: what each does, and what holds when a model calls it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.policy import Policy, Reach, for_visitor
from ..core.roles import Permission, Tools, ToolSpec
from ..engine.session import Session


def tool_records(tools: Tools, policy: Policy, session: Session, visitor: str | None) -> list[dict[str, Any]]:
    """Name, description and permission of each, by name; where some arguments need a consent, what holds for them.

    `visitor`: for a message that came by this share; `None`: for one of the thread's own people.
    """
    now, reach = session.conversation, Reach(tools.level, session.sees_folder)

    def held(spec: ToolSpec, arguments: Mapping[str, Any]) -> Permission:
        wanted = {} if visitor else now.wanted
        permission = policy.permission(spec, "model", tools.level, now.granted, wanted, arguments)
        return for_visitor(permission, spec, reach, arguments) if visitor else permission

    records = []
    for spec in tools.specs():
        record: dict[str, Any] = {"name": spec.name, "description": spec.description, "permission": held(spec, {})}
        if spec.consent is not None and spec.consent.where:
            where = dict(spec.consent.where)
            record["consent"] = {"arguments": where, "permission": held(spec, where)}
        records.append(record)
    return records
