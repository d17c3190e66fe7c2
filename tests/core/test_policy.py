"""Who may do what without being asked."""

import pytest

from jupyter_chat_sessions.core.policy import Policy, Reach, for_visitor
from jupyter_chat_sessions.core.roles import Author, Consent, Level, Permission, ToolSpec

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


STAYS = ToolSpec("read_file", "", {}, stays_in_thread=True)
STAYS_AND_RUNS = ToolSpec("run_python", "", {}, acts=True, stays_in_thread=True)
SAYS_NOTHING = ToolSpec("read_mail", "", {})
NOTEBOOKS = Consent("notebook_variables", {"scope": "notebook"})
LOOKS = ToolSpec("list_variables", "", {}, stays_in_thread=True, consent=NOTEBOOKS)


@pytest.mark.parametrize(
    ("held", "tool", "level", "sees_folder", "arguments", "expected"),
    [
        ("allow", SAYS_NOTHING, "isolated", False, {}, "ask"),
        ("deny", SAYS_NOTHING, "isolated", False, {}, "deny"),
        ("allow", STAYS_AND_RUNS, "isolated", False, {}, "allow"),
        ("allow", STAYS_AND_RUNS, "confined", True, {}, "ask"),
        ("allow", STAYS_AND_RUNS, "unconfined", False, {}, "ask"),
        ("allow", STAYS, "unconfined", True, {}, "allow"),
        ("allow", LOOKS, "isolated", False, {"scope": "sandbox"}, "allow"),
        ("allow", LOOKS, "isolated", False, {"scope": "notebook"}, "ask"),
    ],
)
def test_for_a_visitor_whatever_may_reach_the_persons_own_things_asks(
    held: Permission, tool: ToolSpec, level: Level, sees_folder: bool, arguments: dict[str, str], expected: str
) -> None:
    assert for_visitor(held, tool, Reach(level, sees_folder), arguments) == expected
