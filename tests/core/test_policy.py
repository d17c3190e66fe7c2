"""Who may do what without being asked."""

import pytest

from jupyter_chat_sessions.core.policy import Policy
from jupyter_chat_sessions.core.roles import Author, Level, Permission, ToolSpec

RUNS = ToolSpec("run_python", "", {}, acts=True)
READS = ToolSpec("read_file", "", {})
ASKS = ToolSpec("install_package", "", {}, acts=True, permission="ask")
NEVER = ToolSpec("danger", "", {}, permission="deny")


@pytest.mark.parametrize(
    ("tool", "author", "level", "rules", "granted", "expected"),
    [
        (RUNS, "person", "unconfined", {"run_python": "deny"}, (), "allow"),
        (RUNS, "model", "isolated", {}, (), "allow"),
        (RUNS, "model", "confined", {}, (), "allow"),
        (RUNS, "model", "unconfined", {}, (), "ask"),
        (READS, "model", "unconfined", {}, (), "allow"),
        (RUNS, "model", "unconfined", {}, ("run_python",), "allow"),
        (RUNS, "model", "unconfined", {"run_python": "allow"}, (), "allow"),
        (RUNS, "model", "unconfined", {"*": "allow"}, (), "allow"),
        (READS, "model", "isolated", {"*": "allow", "read_file": "deny"}, (), "deny"),
        (RUNS, "model", "isolated", {"run_python": "ask"}, ("run_python",), "ask"),
        (RUNS, "model", "isolated", {"run_python": "deny"}, ("run_python",), "deny"),
        (ASKS, "model", "isolated", {}, (), "ask"),
        (ASKS, "model", "isolated", {}, ("install_package",), "allow"),
        (NEVER, "model", "isolated", {}, ("danger",), "deny"),
    ],
)
def test_the_strongest_voice_counts(
    tool: ToolSpec, author: Author, level: Level, rules: dict[str, Permission], granted: tuple[str, ...], expected: str
) -> None:
    assert Policy(rules).permission(tool, author, level, granted) == expected
