"""What is written for people is so: links lead somewhere, snippets run, settings exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from traitlets.config import Config

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("binder/*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]


def snippets(page: str, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def anchors(page: Path) -> set[str]:
    """The names that headings can be linked by, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("name", NAMES)
def test_no_link_leads_nowhere(name: str) -> None:
    page = ROOT / name
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            dead.append(target)
    assert not dead


def test_the_readme_leads_to_every_page() -> None:
    reached, to_read = set[Path](), [ROOT / "README.md"]
    while to_read:
        page = to_read.pop()
        if page not in reached:
            reached.add(page)
            links = re.findall(r"\]\(([\w./-]+\.md)", page.read_text())
            to_read += [(page.parent / link).resolve() for link in links]
    assert set(ROOT.glob("docs/*.md")) <= reached


def test_no_example_leads_nowhere() -> None:
    import json

    for path in ROOT.glob("examples/*.ipynb"):
        words = "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"])
        targets = re.findall(r"\]\(([^)#\s]+)", words)
        assert not [target for target in targets if not (path.parent / target).exists()], path.name


# --- the guide -------------------------------------------------------------------------------------------------------


def test_the_guides_cells_run_in_their_order(tmp_path: Path) -> None:
    lines = [*"\n".join(snippets("docs/guide.md", "python")).splitlines(), "exit"]
    environment = {**os.environ, "HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "none")}
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", "--no-banner", "--simple-prompt"]
    done = subprocess.run(
        command,
        input="\n".join(lines) + "\n",
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "ChatPanel(" in done.stdout
    assert re.search(r"^(In \[\d+\]: )*42$", done.stdout, re.MULTILINE), done.stdout + done.stderr
    assert "Error" not in done.stdout + done.stderr


def test_the_guide_says_words_that_stand_on_the_screen() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "labextension" / "src").rglob("*.ts*"))
    for words in (
        "Approve for this thread",
        "The server cannot be reached. Trying again…",
        "This chat is not saved",
        "A newer version wrote this chat",
        "No AI model is connected",
        "not confined",
    ):
        assert words in (ROOT / "docs" / "guide.md").read_text()
        assert words in sources, words


# --- what administrators set -----------------------------------------------------------------------------------------


def configurations() -> Iterator[tuple[str, str]]:
    for name in NAMES:
        for text in snippets(name, "python"):
            if re.search(r"^c\.ChatSessions", text, re.MULTILINE):
                yield name, text


@pytest.mark.parametrize(("name", "text"), list(configurations()))
def test_every_configuration_shown_is_taken_as_it_stands(name: str, text: str) -> None:
    from jupyter_chat_sessions.server.extension import ChatSessions

    config = Config()
    exec(text, {"c": config})
    taken = ChatSessions(config=config)
    for setting, value in config.ChatSessions.items():
        assert setting in ChatSessions.class_trait_names(config=True), f"{name} sets {setting}, which is none"
        assert getattr(taken, setting) == value


def test_the_backup_of_the_page_holds_the_transcripts_and_nothing_else(tmp_path: Path) -> None:
    (tar,) = [text for text in snippets("docs/hubs.md", "sh") if text.startswith("tar ")]
    thread = tmp_path / ".chats" / "a-thread"
    for name in ("files", "requests"):
        (thread / name).mkdir(parents=True)
        (thread / name / "inside").write_text("x")
    (tmp_path / ".chats" / ".trash").mkdir()
    (thread / "chat.jsonl").write_text("{}\n")
    subprocess.run(["sh", "-euc", tar], cwd=tmp_path, check=True)
    listed = subprocess.run(["tar", "-tzf", "chats.tar.gz"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert {each for each in listed.stdout.split() if not each.endswith("/")} == {".chats/a-thread/chat.jsonl"}


def test_the_limits_of_the_page_are_those_of_the_program() -> None:
    from jupyter_chat_sessions.sandbox.policy import SandboxPolicy
    from jupyter_chat_sessions.server import artifacts, bodies, doors

    page, policy = (ROOT / "docs" / "hubs.md").read_text(), SandboxPolicy()
    assert f"{policy.wall_s:.0f} s, " in page
    assert f"{policy.max_kernels} at once" in page
    assert f"{bodies.MOST_CONTENT:,} characters; request bodies {doors.MOST_BODY_BYTES // 10**6} MB" in page
    assert f"{artifacts.MOST_UPLOAD_BYTES // 10**6} MB in one request, {artifacts.MOST_PIECES_BYTES >> 20} MB" in page
