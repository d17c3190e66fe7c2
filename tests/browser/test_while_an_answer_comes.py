"""A long thread in JupyterLab: what opening it brings, and what moves and what does not while an answer comes."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import Chat, Lab, open_chat, open_lab, until
from playwright.sync_api import Page, Route, WebSocket, expect

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))

from mixed_thread import write_thread  # noqa: E402

NOTEBOOK = "quickstart.ipynb"
CONFIG = f"""
import sys
sys.path.insert(0, {str(BENCHMARKS)!r})
from paced_agent import Paced
c.ChatSessions.agents = {{"paced": Paced}}
c.ChatSessions.default_model = "paced"
"""

WATCH = """log => {
    const edge = log.getBoundingClientRect().top;
    const words = [...log.querySelectorAll('p, li')].find(each => each.getBoundingClientRect().top > edge);
    const place = words.getBoundingClientRect().top;
    const height = log.scrollHeight;
    const seen = window.seen = { moved: 0, grown: 0 };
    let before = 0;
    const look = () => {
        seen.grown = log.scrollHeight - height;
        const moved = words.isConnected ? Math.abs(words.getBoundingClientRect().top - place) : Infinity;
        // What changes within a frame is put right before it is painted: what two frames see has been on the screen.
        seen.moved = Math.max(seen.moved, Math.min(moved, before));
        before = moved;
        window.watching = requestAnimationFrame(look);
    };
    look();
}"""
"""From now on notes how far the words at the top of what is in view move, and how much longer the chat gets."""

AT_REST = """async log => {
    for (let before = NaN; before !== log.scrollTop; ) {
        before = log.scrollTop;
        for (let frame = 0; frame < 5; frame += 1) await new Promise(requestAnimationFrame);
    }
}"""

COMMITS = """(() => {
    const seen = window.commits = { all: 0, most: 0, since: 0 };
    const isOurs = ({ containerInfo }) => containerInfo instanceof Element && containerInfo.querySelector('.jcs-Log');
    window.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
        supportsFiber: true,
        inject: () => 1,
        checkDCE() {},
        onCommitFiberUnmount() {},
        onPostCommitFiberRoot() {},
        onCommitFiberRoot: (_, root) => isOurs(root) && (seen.all += 1, seen.since += 1)
    };
    addEventListener('load', () => {
        const mark = document.body.appendChild(document.createElement('div'));
        mark.style.cssText = 'position: fixed; height: 1px; width: 1px; visibility: hidden';
        // What is observed of sizes comes last before the page is drawn.
        new ResizeObserver(() => {
            seen.most = Math.max(seen.most, seen.since);
            seen.since = 0;
        }).observe(mark);
        const turn = () => {
            mark.style.width = mark.style.width === '1px' ? '2px' : '1px';
            requestAnimationFrame(turn);
        };
        turn();
    });
})()"""
"""From the page's beginning on notes what React commits where a chat is, and the most of it in one drawing."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A JupyterLab where an agent says 200 tokens a second."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jupyter_server_config.py").write_text(CONFIG)
    lab = Lab(tmp_path)
    shutil.copy(Path(__file__).parents[2] / "examples" / NOTEBOOK, lab.root)
    lab.start()
    yield lab
    lab.stop()


def opened(lab: Lab, page: Page, messages: int) -> Chat:
    """The sidebar with the only thread of the notebook, so many messages long, at its end."""
    thread = write_thread(lab.root, NOTEBOOK, messages)
    open_lab(page, lab)
    chat = open_chat(page)
    expect(chat.log.get_by_text(f"END {thread}")).to_be_in_viewport(timeout=60_000)
    return chat


def stays_while_it_grows(page: Page, by: int) -> None:
    """Until the chat has grown by so many pixels, what is read stays where it is."""
    until(lambda: page.evaluate("seen.grown") > by)
    page.evaluate("cancelAnimationFrame(watching)")
    assert page.evaluate("seen.moved") < 2


def test_ten_thousand_messages_open_at_their_end_by_one_frame_and_a_page_and_stay_few_nodes(
    lab: Lab, page: Page
) -> None:
    frames: list[dict[str, Any]] = []
    pages: list[str] = []

    def listen(socket: WebSocket) -> None:
        if "/live?" in socket.url:
            socket.on("framereceived", lambda text: frames.append(json.loads(text)))

    page.on("websocket", listen)
    page.on("request", lambda request: pages.append(request.url) if "/messages?" in request.url else None)
    chat = opened(lab, page, messages=10_000)
    told = [frame for frame in frames if frame["kind"] == "hello" and frame["seq"] > 0]
    assert len(told) == 1
    assert len(told[0]["lines"]) <= 50
    assert len(pages) <= 1
    assert chat.log.evaluate("log => log.querySelectorAll('*').length") < 3000
    opening = len(pages)

    def has_read_on() -> bool:
        chat.log.evaluate("log => { log.scrollTop = log.scrollTop === 0 ? 100 : 0 }")
        return len(pages) >= opening + 4

    until(has_read_on, timeout=60)
    assert chat.log.evaluate("log => log.querySelectorAll('*').length") < 3000


def test_what_is_read_stays_in_its_place_while_an_answer_comes_and_older_turns_come_before_it(
    lab: Lab, page: Page
) -> None:
    chat = opened(lab, page, messages=300)
    chat.send("recite 6000 mixed")
    chat.shows("Part 3")
    to_end = chat.place.get_by_role("button", name="To the newest message")
    expect(to_end).to_have_count(0)  # who is at the end stays there
    chat.log.hover()
    page.mouse.wheel(0, -700)
    expect(to_end).to_be_visible()
    chat.log.evaluate(AT_REST)
    chat.log.evaluate(WATCH)
    stays_while_it_grows(page, by=600)

    held: list[Route] = []
    page.route("**/messages?*", lambda route: held.append(route))
    chat.log.evaluate("log => { log.scrollTop = 0 }")
    expect(chat.log.get_by_text("Loading…")).to_be_in_viewport()
    until(lambda: held)
    chat.log.evaluate(AT_REST)
    expect(chat.log.locator(".jcs-Rendered > :empty")).to_have_count(0)  # all that is near is drawn
    chat.log.evaluate(WATCH)
    held[0].continue_()
    stays_while_it_grows(page, by=5000)

    to_end.click()
    expect(to_end).to_have_count(0)
    chat.log.evaluate(WATCH)
    until(lambda: page.evaluate("seen.grown") > 300)
    expect(to_end).to_have_count(0)
    until(lambda: chat.log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 2)
    chat.stop.click()
    chat.is_done()


def test_while_an_answer_comes_react_commits_once_in_a_drawing_at_most(lab: Lab, page: Page) -> None:
    page.add_init_script(COMMITS)
    chat = opened(lab, page, messages=60)
    chat.send("recite 6000 mixed")
    chat.shows("Part 2")
    page.route("**/threads?*", lambda _: None)  # the list of chats is another matter

    def commits_singly() -> None:
        page.evaluate("Object.assign(commits, { all: 0, most: 0, since: 0 })")
        until(lambda: page.evaluate("commits.all") >= 40)
        assert page.evaluate("commits.most") == 1

    commits_singly()
    chat.log.hover()
    page.mouse.wheel(0, -700)
    expect(chat.place.get_by_role("button", name="To the newest message")).to_be_visible()
    chat.log.evaluate(AT_REST)
    commits_singly()
    chat.stop.click()
    chat.is_done()
